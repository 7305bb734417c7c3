// SPDX-License-Identifier: MIT
#include "libs/virtio/device_net_fake.h"

#include <stdlib.h>
#include <string.h>

struct test_guest *guest;
struct net_device *dev;
uint8_t room[NET_DEVICE_MAX_FRAME];
bool has_room, wants_drop, refill;
struct msg_netdev_frame sent;
uint32_t num_sent, num_refused, num_ready;

static bool take_buffer(void *context, size_t len, uint8_t **out)
{
	(void)context;
	assert_in_range(len, NET_DEVICE_MIN_FRAME, NET_DEVICE_MAX_FRAME);
	*out = wants_drop ? NULL : room;
	return has_room;
}

static void take_transmitted(void *context, const struct msg_netdev_frame *frame)
{
	(void)context;
	if (frame != NULL) {
		sent = *frame;
		num_sent++;
	} else {
		num_refused++;
	}
	if (refill)
		test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
}

static void take_ready(void *context)
{
	(void)context;
	num_ready++;
}

static const struct net_device_ops ops = { .buffer = take_buffer,
	                                   .transmitted = take_transmitted,
	                                   .receive_ready = take_ready };

int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	dev = calloc(1, sizeof(*dev));
	test_guest_init(guest, &dev->mmio);
	dev->ops = &ops;
	memcpy(dev->mac, "\x52\x54\0\1\2\3", 6);
	net_device_init(dev);
	net_device_set_link(dev, true);
	has_room = true;
	refill = wants_drop = false;
	num_sent = num_refused = num_ready = 0;
	test_start_device(&dev->mmio, ALL_FEATURES);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

void guest_send_header(uint32_t len, const struct virtio_net_hdr *header)
{
	memcpy(guest->memory + TEST_BUFFERS, header, sizeof(*header));
	// In two pieces, split where nothing else is.
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, 7, VIRTQ_DESC_F_NEXT,
	              1);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 1, TEST_GPA + TEST_BUFFERS + 7, HEADER + len - 7,
	              0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_TX);
}

void guest_send(uint32_t len, uint8_t flags, uint8_t gso_type)
{
	struct virtio_net_hdr header = { .flags = flags, .gso_type = gso_type };

	for (uint32_t i = 0; i < len; i++)
		guest->memory[TEST_BUFFERS + HEADER + i] = (uint8_t)i;
	guest_send_header(len, &header);
}

void offer_buffers(uint32_t count, uint32_t len)
{
	for (uint16_t i = 0; i < count; i++) {
		test_set_desc(guest, VIRTIO_NET_QUEUE_RX, i, TEST_GPA + RX_DATA + i * 2048u, len,
		              VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, VIRTIO_NET_QUEUE_RX, i);
	}
}

bool receive_frame(const uint8_t *bytes, const struct msg_netdev_frame *frame)
{
	bool taken = net_device_receive(dev, (struct span){ .data = bytes, .len = frame->length },
	                                frame);

	net_device_flush(dev);
	return taken;
}

bool receive(size_t len)
{
	struct msg_netdev_frame frame = { .length = (uint32_t)len };
	uint8_t *bytes = malloc(len);
	bool taken;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i + 1);
	taken = receive_frame(bytes, &frame);
	free(bytes);
	return taken;
}
