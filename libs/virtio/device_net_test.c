// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_net.h"
#include "libs/virtio/device_test.h"

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr))
#define ALL_FEATURES                                                                               \
	(VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_MAC | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |  \
	 VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)
#define ETHERNET_MTU (NET_DEVICE_MIN_FRAME + NET_DEVICE_MTU)
#define TCP4_START 34u
#define TCP6_START 54u
#define RX_DATA (TEST_BUFFERS + 32 * 1024u)

static struct test_guest *guest;
static struct net_device *dev;
static uint8_t room[NET_DEVICE_MAX_FRAME];
static bool has_room, wants_drop;
static struct msg_netdev_frame sent;
static uint32_t num_sent, num_refused, num_ready;
static bool refill;

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
	refill = wants_drop = false;
	num_sent = num_refused = num_ready = 0;
	test_start_device(&dev->mmio, ALL_FEATURES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

// Sends the frame that lies in the guest's memory behind the header, after a header with these fields.
static void guest_send_header(uint32_t len, const struct virtio_net_hdr *header)
{
	memcpy(guest->memory + TEST_BUFFERS, header, sizeof(*header));
	// In two pieces, split where nothing else is.
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, 7, VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 1, TEST_GPA + TEST_BUFFERS + 7, HEADER + len - 7, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&dev->mmio, VIRTIO_NET_QUEUE_TX);
}

// Sends a frame of `len` bytes that count up.
static void guest_send(uint32_t len, uint8_t flags, uint8_t gso_type)
{
	struct virtio_net_hdr header = {.flags = flags, .gso_type = gso_type};

	for (uint32_t i = 0; i < len; i++)
		guest->memory[TEST_BUFFERS + HEADER + i] = (uint8_t)i;
	guest_send_header(len, &header);
}

// Ethernet, IPv4 or IPv6, and TCP or UDP headers, where they decide something. Returns where the transport header starts.
static uint32_t make_headers(uint8_t *frame, bool is_ipv4, uint8_t protocol)
{
	uint32_t start = is_ipv4 ? TCP4_START : TCP6_START;

	memset(frame, 0, start + 60);
	memcpy(frame + 12, is_ipv4 ? "\x08\0\x45" : "\x86\xdd\x60", 3);
	frame[is_ipv4 ? 23 : 20] = protocol;
	frame[start + 12] = 8 << 4;  // 32 bytes of TCP header
	return start;
}

static struct virtio_net_hdr tso_header(bool is_ipv4)
{
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = is_ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)(is_ipv4 ? TCP4_START + 32 : TCP6_START + 32),
		.gso_size = 1400,
		.csum_start = is_ipv4 ? TCP4_START : TCP6_START,
		.csum_offset = 16,
	};
}

static void offer_buffers(uint32_t count, uint32_t len)
{
	for (uint16_t i = 0; i < count; i++) {
		test_set_desc(guest, VIRTIO_NET_QUEUE_RX, i, TEST_GPA + RX_DATA + i * 2048u, len, VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, VIRTIO_NET_QUEUE_RX, i);
	}
}

static bool receive_frame(const uint8_t *bytes, const struct msg_netdev_frame *frame)
{
	bool taken = net_device_receive(dev, (struct span){.data = bytes, .len = frame->length}, frame);

	net_device_flush(dev);
	return taken;
}

static bool receive(size_t len)
{
	struct msg_netdev_frame frame = {.length = (uint32_t)len};
	uint8_t *bytes = malloc(len);
	bool taken;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i + 1);
	taken = receive_frame(bytes, &frame);
	free(bytes);
	return taken;
}

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
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 3, TEST_GPA + TEST_BUFFERS, 100, VIRTQ_DESC_F_WRITE, 0);
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

// The owner tries again, and is rid of the frame: else it would wait for ever, for the next driver's buffers are not told of.
static void test_reset_while_a_frame_waits(void **state)
{
	(void)state;
	assert_false(receive(100));
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(num_ready, 1);
	assert_true(receive(100));
	assert_int_equal(dev->rx_dropped, 1);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(num_ready, 1);
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

// --- Offloads --------------------------------------------------------------------------------------

static void test_transmit_tso(void **state)
{
	(void)state;
	for (int is_ipv4 = 0; is_ipv4 < 2; is_ipv4++) {
		struct virtio_net_hdr header = tso_header(is_ipv4);

		make_headers(guest->memory + TEST_BUFFERS + HEADER, is_ipv4, 6);
		guest_send_header(NET_DEVICE_MAX_FRAME, &header);
		assert_int_equal(num_sent, 2 * is_ipv4 + 1);
		assert_int_equal(sent.length, NET_DEVICE_MAX_FRAME);
		assert_int_equal(sent.flags, NETDEV_FRAME_NEEDS_CSUM |
		                                     (is_ipv4 ? NETDEV_FRAME_GSO_TCP4 : NETDEV_FRAME_GSO_TCP6));
		assert_int_equal(sent.csum_start, header.csum_start);
		assert_int_equal(sent.csum_offset, 16);
		assert_int_equal(sent.gso_size, 1400);
		// One that needs no cutting says so no more.
		guest_send_header(header.hdr_len + 1400u, &header);
		assert_int_equal(num_sent, 2 * is_ipv4 + 2);
		assert_int_equal(sent.flags, NETDEV_FRAME_NEEDS_CSUM);
		assert_int_equal(sent.gso_size, 0);
	}
}

static void test_transmit_checksum(void **state)
{
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 6};

	(void)state;
	header.csum_start = (uint16_t)make_headers(guest->memory + TEST_BUFFERS + HEADER, true, 17);
	guest_send_header(100, &header);
	assert_int_equal(num_sent, 1);
	assert_int_equal(sent.flags, NETDEV_FRAME_NEEDS_CSUM);
	header.csum_start = (uint16_t)make_headers(guest->memory + TEST_BUFFERS + HEADER, false, 6);
	header.csum_offset = 16;
	guest_send_header(100, &header);
	assert_int_equal(num_sent, 2);
	assert_int_equal(sent.csum_start, TCP6_START);
}

// One field of an honest header or frame changed at a time.
static void test_hostile_offloads(void **state)
{
	uint8_t *frame = guest->memory + TEST_BUFFERS + HEADER;
	uint32_t wrong = 0;

	(void)state;
#define WRONG(change)                                                                              \
	do {                                                                                       \
		struct virtio_net_hdr header = tso_header(true);                                   \
		make_headers(frame, true, 6);                                                      \
		change;                                                                            \
		guest_send_header(20000, &header);                                                 \
		assert_int_equal(num_sent, 0);                                                     \
		assert_int_equal(dev->tx_dropped, ++wrong);                                        \
	} while (0)
	WRONG(header.flags = 0);
	WRONG(header.flags |= VIRTIO_NET_HDR_F_DATA_VALID);
	WRONG(header.flags |= 0x80);
	WRONG(header.gso_type = VIRTIO_NET_HDR_GSO_NONE);
	WRONG(header.gso_type = VIRTIO_NET_HDR_GSO_UDP);
	WRONG(header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	WRONG(header.gso_type |= VIRTIO_NET_HDR_GSO_ECN);
	WRONG(header.gso_type = 5);
	WRONG(header.gso_size = 0);
	WRONG(header.gso_size = 47);
	WRONG(header.gso_size = 1449);  // a segment of 1,501 bytes of IP
	WRONG(header.gso_size = 65535);
	WRONG(header.hdr_len = 20001);
	// A checksum somewhere else: over the source address, behind the frame, in the payload.
	WRONG((header.csum_start = 14, header.csum_offset = 12));
	WRONG(header.csum_start = 13);
	WRONG(header.csum_start = 35);
	WRONG(header.csum_start = 19999);
	WRONG(header.csum_start = 65535);
	WRONG(header.csum_offset = 6);
	WRONG(header.csum_offset = 65535);
	WRONG(frame[12] = 0x81);
	WRONG(frame[14] = 0x65);
	WRONG(frame[14] = 0x44);
	WRONG(frame[14] = 0x46);
	WRONG(frame[20] = 0x20);  // a fragment
	WRONG(frame[21] = 1);
	WRONG(frame[23] = 17);
	WRONG(frame[23] = 1);
	WRONG(frame[TCP4_START + 12] = 4 << 4);
#undef WRONG
	assert_in_range(num_refused, 1, wrong);
}

static void test_cut_off_headers(void **state)
{
	struct virtio_net_hdr header = tso_header(true);

	(void)state;
	make_headers(guest->memory + TEST_BUFFERS + HEADER, true, 6);
	header.hdr_len = 0;
	for (uint32_t len = NET_DEVICE_MIN_FRAME; len < TCP4_START + 32; len++)
		guest_send_header(len, &header);
	assert_int_equal(num_sent, 0);
	guest_send_header(TCP4_START + 32, &header);
	assert_int_equal(num_sent, 1);
}

static void test_offloads_not_negotiated(void **state)
{
	struct virtio_net_hdr header = tso_header(true);
	uint32_t features;

	(void)state;
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	assert_false(net_device_takes(dev, &features));
	test_start_device(&dev->mmio, VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_TSO4);
	memset(guest->memory, 0, TEST_BUFFERS);
	make_headers(guest->memory + TEST_BUFFERS + HEADER, true, 6);
	guest_send_header(20000, &header);
	assert_int_equal(num_sent, 0);
	// Segmentation without checksums is none.
	assert_true(net_device_takes(dev, &features));
	assert_int_equal(features, 0);
}

static void test_receive_offloads(void **state)
{
	struct msg_netdev_frame frame = {.length = 20000, .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP6,
	                                 .csum_start = TCP6_START, .csum_offset = 16, .gso_size = 1400};
	uint8_t *bytes = calloc(1, frame.length);
	struct virtio_net_hdr header;
	uint32_t features;

	(void)state;
	assert_true(net_device_takes(dev, &features));
	assert_int_equal(features, NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6);
	make_headers(bytes, false, 6);
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_set_desc(guest, VIRTIO_NET_QUEUE_RX, i, TEST_GPA + RX_DATA + i * 4096u, 4096, VIRTQ_DESC_F_WRITE, 0);
	for (uint16_t i = 0; i < 7; i++)
		test_offer(guest, VIRTIO_NET_QUEUE_RX, i);
	assert_true(receive_frame(bytes, &frame));
	memcpy(&header, guest->memory + RX_DATA, sizeof(header));
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
	assert_int_equal(header.gso_size, 1400);
	assert_int_equal(header.hdr_len, TCP6_START + 32);
	assert_int_equal(header.csum_start, TCP6_START);
	assert_int_equal(header.csum_offset, 16);
	assert_int_equal(header.num_buffers, 5);
	frame = (struct msg_netdev_frame){.length = 100, .flags = NETDEV_FRAME_CSUM_VERIFIED};
	assert_true(receive_frame(bytes, &frame));
	memcpy(&header, guest->memory + RX_DATA + 5 * 4096, sizeof(header));
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	// What the peer made up.
	frame = (struct msg_netdev_frame){.length = 100, .flags = NETDEV_FRAME_NEEDS_CSUM, .csum_start = 99};
	assert_true(receive_frame(bytes, &frame));
	frame = (struct msg_netdev_frame){.length = 100, .flags = NETDEV_FRAME_GSO_TCP4, .gso_size = 1400};
	assert_true(receive_frame(bytes, &frame));
	frame = (struct msg_netdev_frame){.length = 80, .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP6,
	                                  .csum_start = TCP6_START, .csum_offset = 16, .gso_size = 1400};
	assert_true(receive_frame(bytes, &frame));
	assert_int_equal(dev->rx_dropped, 3);
	free(bytes);
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

#define net_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_transmit), net_case(test_hostile_frames),
		net_case(test_transmit_backpressure), net_case(test_endless_transmit),
		net_case(test_receive), net_case(test_receive_merged),
		net_case(test_receive_waits), net_case(test_reset_while_a_frame_waits), net_case(test_receive_without_merging),
		net_case(test_hostile_buffers), net_case(test_link),
		net_case(test_full_ring_is_too_small), net_case(test_transmit_tso),
		net_case(test_transmit_checksum), net_case(test_hostile_offloads),
		net_case(test_cut_off_headers), net_case(test_offloads_not_negotiated),
		net_case(test_receive_offloads), net_case(test_owner_drops), net_case(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
