// SPDX-License-Identifier: MIT
#include <string.h>

#include "libs/virtio/device_net_fake.h"

#define ETHERNET_MTU (NET_DEVICE_MIN_FRAME + NET_DEVICE_MTU)

static void test_transmit(void **state)
{
	(void)state;
	guest_send(100, 0, 0);
	assert_int_equal(num_sent, 1);
	assert_int_equal(sent.length, 100);
	assert_int_equal(sent.flags, 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(room[i], i);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 1);
	guest_send(ETHERNET_MTU, 0, 0);
	assert_int_equal(sent.length, ETHERNET_MTU);
}

static void test_hostile_frames(void **state)
{
	(void)state;
	guest_send(NET_DEVICE_MIN_FRAME - 1, 0, 0);
	guest_send(NET_DEVICE_MAX_FRAME + 1, 0, 0);
	guest_send(60000, 0, 0);
	guest_send(ETHERNET_MTU + 1, 0, 0);
	guest_send(100, VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
	guest_send(100, 0, VIRTIO_NET_HDR_GSO_TCPV4);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 2, TEST_GPA + TEST_BUFFERS, 5, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 2);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 3, TEST_GPA + TEST_BUFFERS, 100,
	              VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 3);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_TX);
	assert_int_equal(num_sent, 0);
	assert_int_equal(dev->tx_dropped, 8);
	// All are given back: the card goes on.
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 8);
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
	// One is left, which is too little: the frame waits, and the next buffer is told.
	assert_false(receive(1000));
	assert_int_equal(used->idx, 3);
	offer_buffers(2, 400);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_RX);
	assert_int_equal(num_ready, 1);
	assert_true(receive(1000));
	assert_int_equal(used->idx, 6);
	// Nothing was filled in vain.
	assert_int_equal(used->ring[3].len, 400);
}

static void test_full_ring_is_too_small(void **state)
{
	(void)state;
	offer_buffers(TEST_QUEUE_SIZE, 100);
	assert_true(receive(1000));
	assert_int_equal(dev->rx_dropped, 1);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 0);
	assert_true(receive(100));
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 2);
}

static bool notifications_wanted(uint32_t queue)
{
	return (test_used(guest, queue)->flags & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

static void test_receive_waits(void **state)
{
	(void)state;
	offer_buffers(1, 1600);
	assert_true(receive(100));
	assert_false(notifications_wanted(VIRTIO_NET_QUEUE_RX));
	assert_false(receive(100));
	assert_int_equal(num_ready, 0);
	assert_true(notifications_wanted(VIRTIO_NET_QUEUE_RX));
	offer_buffers(1, 1600);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_RX);
	assert_int_equal(num_ready, 1);
	assert_true(receive(100));
	assert_false(notifications_wanted(VIRTIO_NET_QUEUE_RX));
}

// The owner tries again, and is rid of the frame: else it would wait for ever, for the next
// driver's buffers are not told of. It is told by the I/O side, not by the thread of the vCPU that
// resets.
static void test_reset_while_a_frame_waits(void **state)
{
	(void)state;
	assert_false(receive(100));
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(num_ready, 0);
	assert_int_equal(guest->laters, 1);
	virtio_mmio_serve(&dev->mmio);
	assert_int_equal(num_ready, 1);
	assert_true(receive(100));
	assert_int_equal(dev->rx_dropped, 1);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	virtio_mmio_serve(&dev->mmio);
	assert_int_equal(num_ready, 1);
	assert_int_equal(guest->laters, 1);
	test_start_device(&dev->mmio, ALL_FEATURES);
	memset(guest->memory, 0, TEST_SIZE);
	offer_buffers(1, 1600);
	assert_true(receive(100));
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 1);
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
	offer_buffers(1, HEADER);  // and no more: what is missing may come
	assert_false(receive(100));
	offer_buffers(1, 1u << 30);
	assert_true(receive(100));
	assert_true(test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_true(receive(100));
}

static void test_owner_drops(void **state)
{
	(void)state;
	wants_drop = true;
	guest_send(100, 0, 0);
	assert_int_equal(num_sent + num_refused, 0);
	assert_int_equal(dev->tx_dropped, 1);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 1);
}

static void test_mac(void **state)
{
	(void)state;
	net_device_set_mac(dev, (const uint8_t *)"\x52\x54\0\x0a\x0b\x0c");
	assert_memory_equal(guest->page + VIRTIO_MMIO_CONFIG, "\x52\x54\0\x0a\x0b\x0c", 6);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_transmit),
		net_case(test_hostile_frames),
		net_case(test_transmit_backpressure),
		net_case(test_endless_transmit),
		net_case(test_receive),
		net_case(test_receive_merged),
		net_case(test_full_ring_is_too_small),
		net_case(test_receive_waits),
		net_case(test_reset_while_a_frame_waits),
		net_case(test_receive_without_merging),
		net_case(test_hostile_buffers),
		net_case(test_owner_drops),
		net_case(test_mac),
		net_case(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
