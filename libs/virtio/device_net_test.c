// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_net.h"
#include "libs/virtio/device_test.h"

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr))
#define RX_DATA (TEST_BUFFERS + 32 * 1024u)

static struct test_guest *guest;
static struct net_device *dev;
static uint8_t room[NET_DEVICE_MAX_FRAME];
static bool has_room;
static size_t sent_len;
static uint32_t num_sent, num_ready;
static bool refill;

static uint8_t *take_buffer(void *context, size_t len)
{
	(void)context;
	assert_in_range(len, NET_DEVICE_MIN_FRAME, NET_DEVICE_MAX_FRAME);
	return has_room ? room : NULL;
}

static void take_transmitted(void *context, size_t len)
{
	(void)context;
	sent_len = len;
	num_sent++;
	if (refill)
		test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
}

static void take_ready(void *context)
{
	(void)context;
	num_ready++;
}

static const struct net_device_ops ops = {
	.buffer = take_buffer, .transmitted = take_transmitted, .receive_ready = take_ready};

static int setup(void **state)
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
	refill = false;
	num_sent = num_ready = 0;
	test_start_device(&dev->mmio, VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_MAC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

// Sends a frame of `len` bytes that count up, after a header with these fields.
static void guest_send(uint32_t len, uint8_t flags, uint8_t gso_type)
{
	struct virtio_net_hdr header = {.flags = flags, .gso_type = gso_type};

	memcpy(guest->memory + TEST_BUFFERS, &header, sizeof(header));
	for (uint32_t i = 0; i < len; i++)
		guest->memory[TEST_BUFFERS + HEADER + i] = (uint8_t)i;
	// In two pieces, split where nothing else is.
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, 7, VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 1, TEST_GPA + TEST_BUFFERS + 7, HEADER + len - 7, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_TX);
}

static void offer_buffers(uint32_t count, uint32_t len)
{
	for (uint16_t i = 0; i < count; i++) {
		test_set_desc(guest, VIRTIO_NET_QUEUE_RX, i, TEST_GPA + RX_DATA + i * 2048u, len, VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, VIRTIO_NET_QUEUE_RX, i);
	}
}

static bool receive(size_t len)
{
	uint8_t *frame = malloc(len);
	bool taken;

	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i + 1);
	taken = net_device_receive(dev, (struct span){.data = frame, .len = len});
	net_device_flush(dev);
	free(frame);
	return taken;
}

static void test_transmit(void **state)
{
	(void)state;
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, 1);
	assert_int_equal(sent_len, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(room[i], i);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 1);
	guest_send(NET_DEVICE_MAX_FRAME, 0, 0);
	assert_int_equal(sent_len, NET_DEVICE_MAX_FRAME);
}

static void test_hostile_frames(void **state)
{
	(void)state;
	guest_send(NET_DEVICE_MIN_FRAME - 1, 0, 0);
	guest_send(NET_DEVICE_MAX_FRAME + 1, 0, 0);
	guest_send(60000, 0, 0);
	guest_send(100, VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
	guest_send(100, 0, VIRTIO_NET_HDR_GSO_TCPV4);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 2, TEST_GPA + TEST_BUFFERS, 5, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 2);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 3, TEST_GPA + TEST_BUFFERS, 100, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 3);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_TX);
	assert_int_equal(num_sent, 0);
	assert_int_equal(dev->tx_dropped, 7);
	// All are given back: the card goes on.
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 7);
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, 1);
}

static void test_transmit_backpressure(void **state)
{
	(void)state;
	has_room = false;
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, 0);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 0);
	has_room = true;
	net_device_resume(dev);
	assert_int_equal(num_sent, 1);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 1);
}

static void test_endless_transmit(void **state)
{
	(void)state;
	refill = true;
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, DEVICE_QUEUE_BUDGET);
	assert_int_equal(guest->laters, 1);
}

static void test_receive(void **state)
{
	struct virtio_net_hdr header;
	const struct virtq_used *used = test_used(guest, VIRTIO_NET_QUEUE_RX);

	(void)state;
	offer_buffers(2, 1600);
	assert_true(receive(1000));
	assert_int_equal(used->idx, 1);
	assert_int_equal(used->ring[0].len, HEADER + 1000);
	memcpy(&header, guest->memory + RX_DATA, sizeof(header));
	assert_int_equal(header.num_buffers, 1);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(guest->memory[RX_DATA + HEADER + i], (uint8_t)(i + 1));
	assert_true(guest->irq);
}

static void test_receive_merged(void **state)
{
	struct virtio_net_hdr header;
	const struct virtq_used *used = test_used(guest, VIRTIO_NET_QUEUE_RX);

	(void)state;
	offer_buffers(4, 400);
	assert_true(receive(1000));
	assert_int_equal(used->idx, 3);
	memcpy(&header, guest->memory + RX_DATA, sizeof(header));
	assert_int_equal(header.num_buffers, 3);
	assert_int_equal(used->ring[0].len, 400);
	assert_int_equal(used->ring[1].len, 400);
	assert_int_equal(used->ring[2].len, HEADER + 200);
	assert_int_equal(guest->memory[RX_DATA + 2048], (uint8_t)(400 - HEADER + 1));
	// One is left, which is too little: it stays for a smaller frame.
	assert_true(receive(1000));
	assert_int_equal(dev->rx_dropped, 1);
	assert_int_equal(used->idx, 3);
	assert_true(receive(100));
	assert_int_equal(used->idx, 4);
}

static void test_receive_waits(void **state)
{
	(void)state;
	assert_false(receive(100));
	assert_int_equal(num_ready, 0);
	offer_buffers(1, 1600);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_RX);
	assert_int_equal(num_ready, 1);
	assert_true(receive(100));
}

static void test_receive_without_merging(void **state)
{
	(void)state;
	test_start_device(&dev->mmio, 0);
	memset(guest->memory, 0, TEST_SIZE);
	offer_buffers(2, 400);
	assert_true(receive(1000));
	assert_int_equal(dev->rx_dropped, 1);
	// Given back with nothing in it.
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 1);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->ring[0].len, 0);
	assert_true(receive(100));
}

static void test_hostile_buffers(void **state)
{
	(void)state;
	offer_buffers(1, 5);  // not even a header
	assert_true(receive(100));
	assert_int_equal(dev->rx_dropped, 1);
	offer_buffers(1, HEADER);
	assert_true(receive(100));
	assert_int_equal(dev->rx_dropped, 2);
	offer_buffers(1, 1u << 30);
	assert_true(receive(100));
	assert_true(test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_true(receive(100));
}

static void test_link(void **state)
{
	(void)state;
	net_device_set_link(dev, false);
	assert_int_equal(guest->page[VIRTIO_MMIO_CONFIG + 6], 0);
	assert_true(guest->irq);
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, 0);
	offer_buffers(1, 1600);
	assert_true(receive(100));
	assert_int_equal(dev->rx_dropped, 1);
	net_device_set_link(dev, true);
	assert_int_equal(guest->page[VIRTIO_MMIO_CONFIG + 6], VIRTIO_NET_S_LINK_UP);
	assert_memory_equal(guest->page + VIRTIO_MMIO_CONFIG, dev->mac, 6);
	assert_int_equal(num_sent, 1);
}

#define net_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_transmit), net_case(test_hostile_frames),
		net_case(test_transmit_backpressure), net_case(test_endless_transmit),
		net_case(test_receive), net_case(test_receive_merged),
		net_case(test_receive_waits), net_case(test_receive_without_merging),
		net_case(test_hostile_buffers), net_case(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
