// SPDX-License-Identifier: MIT

#include "libs/linux/vm/vm_net.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))
// What Linux's driver takes. Another one's wishes are told when they are known.
#define USUAL_FEATURES (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)

// --- From the guest ------------------------------------------------------------------------------

// Small frames go straight into the message, others into a folio of their own.
static bool tx_buffer(void *context, size_t len, uint8_t **out)
{
	struct vm_net *net = context;
	struct message *m = &net->tx;
	void *bytes;

	if (net->tx_waits)
		return false;
	message_init(m, MSG_NETDEV_FRAME);
	m->len = sizeof(struct msg_netdev_frame);
	if (len <= INLINE_MAX) {
		m->len = (uint16_t)(m->len + len);
		*out = m->data + sizeof(struct msg_netdev_frame);
		return true;
	}
	*out = NULL;
	if (folio_create(len, FOLIO_CONTIGUOUS, &m->handles[0]) < 0) {
		net->tx_refused++;
		return true;
	}
	m->num_handles = 1;
	if (folio_map(m->handles[0], PROT_READ | PROT_WRITE, &bytes) == 0) {
		*out = bytes;
	} else {
		net->tx_refused++;
		message_discard(m);
	}
	return true;
}

// Whether the switch takes a frame with this work left to do. It takes all in practice; Linux would
// not hear of a refusal.
static bool switch_takes(const struct vm_net *net, uint16_t flags)
{
	uint32_t needed = 0;

	if ((flags & NETDEV_FRAME_NEEDS_CSUM) != 0)
		needed |= NETDEV_FEATURE_TX_CSUM;
	if ((flags & NETDEV_FRAME_GSO_TCP4) != 0)
		needed |= NETDEV_FEATURE_TSO4;
	if ((flags & NETDEV_FRAME_GSO_TCP6) != 0)
		needed |= NETDEV_FEATURE_TSO6;
	return (needed & ~net->switch_takes) == 0;
}

static void tx_send(struct vm_net *net)
{
	error_t err = channel_send(net->port.handle, &net->tx);

	net->tx_waits = err == ERR_FULL;
	if (net->tx_waits)
		source_want_writable(&net->port, true);
	else if (err < 0)
		message_discard(&net->tx);  // the port is gone: its `closed` comes
}

static void tx_transmitted(void *context, const struct msg_netdev_frame *frame)
{
	struct vm_net *net = context;

	if (frame == NULL || !switch_takes(net, frame->flags)) {
		net->tx_refused++;
		message_discard(&net->tx);
		return;
	}
	memcpy(net->tx.data, frame, sizeof(*frame));
	tx_send(net);
}

static void tell_drained(struct vm_net *net)
{
	if (net->drained != NULL)
		net->drained(net->drained_context);
}

// Errors: channel_send's.
static error_t send_networks(struct vm_net *net, handle_t channel)
{
	struct msg_netdev_networks told = { .networks = net->networks };
	struct message m;
	error_t err = message_encode_netdev_networks(&m, &told, NULL, 0);

	if (err == 0)
		err = channel_send(channel, &m);
	net->networks_wait = err == ERR_FULL;
	return err;
}

void vm_net_set_networks(struct vm_net *net, const struct netdev_networks *networks)
{
	net->networks = *networks;
	net->has_networks = true;
	if (!net->connected)
		return;
	// A port that is gone is told when it is back.
	if (send_networks(net, net->port.handle) == ERR_FULL)
		source_want_writable(&net->port, true);
}

static void port_writable(struct loop *loop, struct source *source)
{
	struct vm_net *net = source->context;

	(void)loop;
	if (net->networks_wait && send_networks(net, source->handle) == ERR_FULL)
		return;
	machine_enter(net->machine);
	if (net->tx_waits)
		tx_send(net);
	if (!net->tx_waits) {
		source_want_writable(source, false);
		net_device_resume(&net->device);
	}
	machine_leave(net->machine);
	if (!net->tx_waits)
		tell_drained(net);
}

// --- To the guest --------------------------------------------------------------------------------

// Gives the frame in hand to the guest. Returns false when it has to wait for buffers.
static bool rx_deliver(struct vm_net *net)
{
	if (!net_device_receive(&net->device, net->rx_payload.bytes, &net->rx_frame))
		return false;
	payload_release(&net->rx_payload);
	return true;
}

static void rx_ready(void *context)
{
	struct vm_net *net = context;

	if (net->rx_waits && rx_deliver(net)) {
		net->rx_waits = false;
		source_want_messages(&net->port, true);
	}
	net_device_flush(&net->device);
}

static const struct net_device_ops card_ops = { .buffer = tx_buffer,
	                                        .transmitted = tx_transmitted,
	                                        .receive_ready = rx_ready };

// Takes the frame out of a message. Returns false, and has closed what there was, for what is none.
static bool rx_open(struct vm_net *net, struct message *m)
{
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_netdev_frame(m, &net->rx_frame, &tail, &tail_len) < 0) {
		message_discard(m);
		return false;
	}
	if (m->num_handles == 1)
		return payload_open_folio(m->handles[0], net->rx_frame.offset, net->rx_frame.length,
		                          &net->rx_payload) == 0;
	net->rx_payload = (struct payload){ .bytes = { .data = tail, .len = tail_len },
		                            .folio = HANDLE_NONE };
	return tail_len == net->rx_frame.length;
}

static void port_frame(struct vm_net *net, struct message *m)
{
	if (!rx_open(net, m)) {
		net->rx_refused++;
		return;
	}
	machine_enter(net->machine);
	net->rx_waits = !rx_deliver(net);
	machine_leave(net->machine);
	if (!net->rx_waits)
		return;
	if (net->rx_payload.folio == HANDLE_NONE) {
		net->rx = *m;
		net->rx_payload.bytes.data = net->rx.data + sizeof(net->rx_frame);
	}
	source_want_messages(&net->port, false);
}

// A guest with another driver than Linux's takes less.
static void tell_features(struct vm_net *net)
{
	struct msg_netdev_accept accept;
	struct message m;

	if (!net_device_takes(&net->device, &accept.features) || accept.features == net->told)
		return;
	if (message_encode_netdev_accept(&m, &accept, NULL, 0) == 0 &&
	    channel_send(net->port.handle, &m) == 0)
		net->told = accept.features;
}

static void port_batch_end(struct loop *loop, struct source *source)
{
	struct vm_net *net = source->context;

	(void)loop;
	machine_enter(net->machine);
	net_device_flush(&net->device);
	tell_features(net);
	machine_leave(net->machine);
}

// --- The port ------------------------------------------------------------------------------------

static void settle(struct vm_net *net, const char *error)
{
	error_t err = timer_set(net->patience_timer, NSEC_NEVER);

	assert(err == 0);
	net->waiting = false;
	net->settled(net->context, error == NULL ? &net->address : NULL, error);
}

static void port_joined(struct vm_net *net, const struct msg_netdev_port *port)
{
	struct guest_address address = { .mtu = port->mtu, .network = port->network };
	bool same;

	memcpy(address.mac, port->mac, sizeof(address.mac));
	if (address.mtu < 1280 || address.mtu > NET_DEVICE_MTU)
		address.mtu = NET_DEVICE_MTU;
	same = net->has_address && memcmp(&address, &net->address, sizeof(address)) == 0;
	net->address = address;
	net->has_address = true;
	net->switch_takes = port->features;
	memcpy(net->wanted, port->network.address, sizeof(net->wanted));
	machine_enter(net->machine);
	net_device_set_mac(&net->device, address.mac);
	net_device_set_link(&net->device, true);
	machine_leave(net->machine);
	if (!same)
		settle(net, NULL);
	else
		log_info("the container is back on the network");
}

static error_t send_join(struct vm_net *net, handle_t channel)
{
	struct msg_netdev_join join = { .features = USUAL_FEATURES };
	struct message m;
	error_t err;

	memcpy(join.address, net->wanted, sizeof(join.address));
	err = message_encode_netdev_join(&m, &join, NULL, 0);
	net->told = USUAL_FEATURES;
	return err < 0 ? err : channel_send(channel, &m);
}

// Some other address is better than none, when the wanted one is not to be had.
static void port_refused(struct vm_net *net, const struct message *m)
{
	static const uint8_t any[4];
	bool had_wish = memcmp(net->wanted, any, sizeof(any)) != 0;
	struct msg_error error;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_error(m, &error, &tail, &tail_len) < 0) {
		net->rx_refused++;
		return;
	}
	log_warn("container address %u.%u.%u.%u: %.*s", net->wanted[0], net->wanted[1],
	         net->wanted[2], net->wanted[3], (int)tail_len, (const char *)tail);
	if (net->device.link_up)
		return;  // not an answer to a join
	memcpy(net->wanted, any, sizeof(any));
	if (had_wish && send_join(net, net->port.handle) == 0)
		return;
	if (net->waiting)
		settle(net, "the switch gave it no address");
}

static void port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct vm_net *net = source->context;
	struct msg_netdev_port port;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (m->type == MSG_NETDEV_FRAME) {
		port_frame(net, m);
		return;
	}
	if (message_decode_netdev_port(m, &port, &tail, &tail_len) == 0)
		port_joined(net, &port);
	else
		port_refused(net, m);
	message_discard(m);
}

// Drops what is on its way, and pulls the cable: the guest knows that nothing goes.
static void port_drop(struct vm_net *net)
{
	loop_close(net->loop, &net->port);
	net->connected = net->networks_wait = false;
	machine_enter(net->machine);
	net_device_set_link(&net->device, false);
	if (net->tx_waits)
		message_discard(&net->tx);
	net->tx_waits = false;
	if (net->rx_waits)
		payload_release(&net->rx_payload);
	net->rx_waits = false;
	// A frame that waited for the channel waits for the link now.
	net_device_resume(&net->device);
	machine_leave(net->machine);
}

static void port_closed(struct loop *loop, struct source *source)
{
	struct vm_net *net = source->context;

	(void)loop;
	port_drop(net);
	if (net->drained != NULL) {
		tell_drained(net);
		return;
	}
	if (net->has_address)
		log_warn("the switch is gone: the container's network waits for its return");
	if (service_client_again(&net->client) < 0)
		log_error("the container cannot join the network any more");
}

static const struct source_ops port_ops = {
	.message = port_message,
	.batch_end = port_batch_end,
	.writable = port_writable,
	.closed = port_closed,
};

static void client_connected(void *context, handle_t channel)
{
	struct vm_net *net = context;
	error_t err = net->has_networks ? send_networks(net, channel) : 0;

	if (err == 0)
		err = send_join(net, channel);
	if (err == 0)
		err = loop_add(net->loop, &net->port, channel, &port_ops, net);
	if (err < 0) {
		log_error("the container cannot join the network (%s)", error_text(err));
		handle_close(channel);
		return;
	}
	net->connected = true;
}

static void patience_ended(struct loop *loop, struct source *source)
{
	(void)loop;
	settle(source->context, "the switch does not know its network yet");
}

static const struct source_ops patience_ops = { .signalled = patience_ended };

// --- Life ----------------------------------------------------------------------------------------

error_t vm_net_create(struct vm_net *net, struct machine *machine)
{
	// Locally administered; the port's own is known before a driver looks, or bootd sets it.
	static const uint8_t no_mac[6] = { 2, 0, 0, 0, 0, 0 };
	error_t err;

	err = machine_slot_create(machine, &net->device.mmio);
	if (err < 0)
		return err;
	net->machine = machine;
	net->device.ops = &card_ops;
	net->device.context = net;
	memcpy(net->device.mac, no_mac, sizeof(no_mac));
	net_device_init(&net->device);
	return machine_attach(machine, &net->device.mmio);
}

error_t vm_net_join(struct vm_net *net, handle_t connector, const uint8_t address[4],
                    void (*settled)(void *context, const struct guest_address *address,
                                    const char *error),
                    void *context)
{
	nsec_t now;
	error_t err;

	net->settled = settled;
	net->context = context;
	net->loop = net->machine->loop;
	memcpy(net->wanted, address, sizeof(net->wanted));
	err = handle_duplicate(connector, RIGHTS_SAME, &net->connector);
	if (err < 0)
		return err;
	err = timer_create(&net->patience_timer);
	if (err < 0)
		goto out_connector;
	err = loop_add(net->loop, &net->patience, net->patience_timer, &patience_ops, net);
	if (err < 0) {
		handle_close(net->patience_timer);
		goto out_connector;
	}
	err = clock_get(CLOCK_MONOTONIC, &now);
	if (err == 0)
		err = timer_set(net->patience_timer, now + VM_NET_PATIENCE);
	net->waiting = true;
	if (err == 0)
		err = service_client_start(net->loop, &net->client, net->connector,
		                           client_connected, net);
	if (err == 0)
		return 0;
	net->waiting = false;
	loop_close(net->loop, &net->patience);
out_connector:
	handle_close(net->connector);
	net->loop = NULL;
	return err;
}

bool vm_net_drain(struct vm_net *net, void (*drained)(void *context), void *context)
{
	if (net->loop == NULL || !net->connected)
		return true;
	net->drained = drained;
	net->drained_context = context;
	machine_enter(net->machine);
	// In pieces of the device's budget. Nobody adds to the queue any more.
	while (!net->tx_waits && net_device_has_frames(&net->device))
		net_device_resume(&net->device);
	machine_leave(net->machine);
	return !net->tx_waits;
}

void vm_net_deinit(struct vm_net *net)
{
	if (net->loop == NULL)
		return;
	service_client_stop(&net->client);
	handle_close(net->connector);
	loop_close(net->loop, &net->patience);
	if (net->connected)
		port_drop(net);
	net->loop = NULL;
}
