// SPDX-License-Identifier: MIT
#include "apps/virtio_net/net.h"
#include "libs/abi/app.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define DEFAULT_MTU 1500u

static struct net net;

// --- The client ---

static const struct source_ops client_ops;

static void client_start(handle_t channel)
{
	struct message m;
	error_t err = loop_add(&net.loop, &net.client, channel, &client_ops, &net);

	if (err == 0)
		err = message_encode_netdev_info(&m, &net.info, NULL, 0);
	if (err == 0)
		err = channel_send(channel, &m);
	if (err == 0) {
		if (net.tx_full)
			source_want_messages(&net.client, false);
		return;
	}
	log_warn("cannot serve a client: %s", error_text(err));
	loop_remove(&net.loop, &net.client);
	handle_close(channel);
	net.client.handle = HANDLE_NONE;
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	tx_frame(&net, m);
}

static void client_batch_end(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
	tx_kick(&net);
}

static void client_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
	if (net.rx_holds)
		rx_resume(&net);
}

static void client_closed(struct loop *loop, struct source *source)
{
	handle_t next = net.next_client;

	loop_close(loop, source);
	rx_drop_held(&net);
	tx_drop_large(&net);
	net.next_client = HANDLE_NONE;
	if (next != HANDLE_NONE)
		client_start(next);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.batch_end = client_batch_end,
	.writable = client_writable,
	.closed = client_closed,
};

// A restarted client may connect before the end of its last connection was seen: it waits for that.
static void client_accepted(void *context, handle_t channel)
{
	(void)context;
	if (net.client.handle == HANDLE_NONE) {
		client_start(channel);
	} else if (net.next_client == HANDLE_NONE) {
		net.next_client = channel;
	} else {
		error_send(channel, 0, ERR_EXISTS,
		           "the network device serves one client at a time");
		handle_close(channel);
	}
}

// --- The device ---

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	error_t err;

	(void)loop;
	virtio_interrupt_take(&net.device);
	rx_poll(&net);
	tx_reclaim(&net);
	err = interrupt_ack(source->handle);
	assert(err == 0);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

// What the device does, and what is done here: large frames, for it is better to have many segments
// in one message.
static void features_read(const struct virtio_device *device)
{
	uint32_t features = 0;

	if (virtio_device_has(device, VIRTIO_NET_F_CSUM)) {
		features |= NETDEV_FEATURE_TX_CSUM;
		// 5.1.3.1: these are offered with CSUM only.
		if (virtio_device_has(device, VIRTIO_NET_F_HOST_TSO4))
			features |= NETDEV_FEATURE_TSO4;
		if (virtio_device_has(device, VIRTIO_NET_F_HOST_TSO6))
			features |= NETDEV_FEATURE_TSO6;
	}
	if (virtio_device_has(device, VIRTIO_NET_F_GUEST_CSUM))
		features |= NETDEV_FEATURE_RX_CSUM;
	net.device_features = features;
	if (net.info.mtu <= SEGMENTS_MTU)
		features |= NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6;
	net.info.features = features;
}

// What the device says of itself, and what of it we take.
static error_t info_read(void)
{
	struct virtio_device *device = &net.device;
	error_t err = 0;

	net.info = (struct msg_netdev_info){ .mtu = DEFAULT_MTU };
	if (virtio_device_has(device, VIRTIO_NET_F_MAC)) {
		err = virtio_config_read(device, offsetof(struct virtio_net_config, mac), 1,
		                         sizeof(net.info.mac), net.info.mac);
	} else {
		// None of its own: a random, locally administered one.
		err = random_get(net.info.mac, sizeof(net.info.mac));
		net.info.mac[0] = (uint8_t)((net.info.mac[0] & 0xfcu) | 2u);
	}
	if (err == 0 && virtio_device_has(device, VIRTIO_NET_F_MTU))
		err = virtio_config_read(device, offsetof(struct virtio_net_config, mtu), 2, 1,
		                         &net.info.mtu);
	if (net.info.mtu > PAGE_SIZE - 64)
		net.info.mtu = PAGE_SIZE - 64;
	features_read(device);
	return err;
}

static error_t net_start(const struct env_entry *entry)
{
	error_t err;

	err = virtio_device_open(&net.device, entry, VIRTIO_ID_NET, "network device");
	if (err == 0)
		err = virtio_device_negotiate(&net.device,
		                              VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU |
		                                      VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM |
		                                      VIRTIO_NET_F_HOST_TSO4 |
		                                      VIRTIO_NET_F_HOST_TSO6);
	if (err == 0)
		err = info_read();
	if (err == 0)
		err = virtio_queue_setup(&net.device, VIRTIO_NET_QUEUE_RX, RING_SIZE, &net.rx);
	if (err == 0)
		err = virtio_queue_setup(&net.device, VIRTIO_NET_QUEUE_TX, RING_SIZE, &net.tx);
	if (err == 0)
		err = rx_init(&net);
	if (err == 0)
		err = tx_init(&net);
	if (err == 0)
		err = loop_add(&net.loop, &net.interrupt, entry->interrupt, &interrupt_ops, &net);
	return err;
}

static void virtio_net_main(const struct environ *env)
{
	const struct env_entry *entry = environ_device(env, "virtio,device1", 0);
	const uint8_t *mac = net.info.mac;
	error_t err;

	if (entry == NULL) {
		log_info("no network device: \"netdev\" will not answer");
		return;
	}
	if (environ_device(env, "virtio,device1", 1) != NULL)
		log_warn("more than one network device: only the first is used");
	err = loop_init(&net.loop);
	if (err == 0)
		err = net_start(entry);
	if (err == 0)
		err = service_listen(&net.loop, &net.listener, environ_service(env, "netdev"),
		                     client_accepted, NULL);
	if (err != 0) {
		log_error("cannot use the network device: %s", error_text(err));
		process_exit(1);
	}
	virtio_device_start(&net.device);
	rx_poll(&net);
	log_info("%02x:%02x:%02x:%02x:%02x:%02x, MTU %u%s", mac[0], mac[1], mac[2], mac[3], mac[4],
	         mac[5], net.info.mtu,
	         net.info.features & NETDEV_FEATURE_TX_CSUM ? ", checksum offload" : "");
	loop_run(&net.loop);
}

APP(virtio_net, .main = virtio_net_main, .restart = RESTART_ON_FAULT,
    // Received pages are its own until whoever has them is done, a stopped virtual machine too.
    .memory_limit = 64ul * 1024 * 1024, .handle_limit = 4096, .provides = { "netdev" },
    .needs = { { .kind = NEED_DEVICE, .name = "virtio,device1", .optional = 1 } });
