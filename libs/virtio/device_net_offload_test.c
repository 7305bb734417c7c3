// SPDX-License-Identifier: MIT
//
// Checksums and segmentation that the guest leaves to others, and they to it.
#include <stdlib.h>
#include <string.h>

#include "libs/virtio/device_net_fake.h"

#define TCP4_START 34u
#define TCP6_START 54u

// Ethernet, IPv4 or IPv6, and TCP or UDP headers, where they decide something. Returns where the
// transport header starts.
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

static void test_transmit_tso(void **state)
{
	(void)state;
	for (int is_ipv4 = 0; is_ipv4 < 2; is_ipv4++) {
		struct virtio_net_hdr header = tso_header(is_ipv4);

		make_headers(guest->memory + TEST_BUFFERS + HEADER, is_ipv4, 6);
		guest_send_header(NET_DEVICE_MAX_FRAME, &header);
		assert_int_equal(num_sent, 2 * is_ipv4 + 1);
		assert_int_equal(sent.length, NET_DEVICE_MAX_FRAME);
		assert_int_equal(sent.flags,
		                 NETDEV_FRAME_NEEDS_CSUM |
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
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 6 };

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
#define WRONG(change)                                            \
	do {                                                     \
		struct virtio_net_hdr header = tso_header(true); \
		make_headers(frame, true, 6);                    \
		change;                                          \
		guest_send_header(20000, &header);               \
		assert_int_equal(num_sent, 0);                   \
		assert_int_equal(dev->tx_dropped, ++wrong);      \
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
	struct msg_netdev_frame frame = { .length = 20000,
		                          .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP6,
		                          .csum_start = TCP6_START,
		                          .csum_offset = 16,
		                          .gso_size = 1400 };
	uint8_t *bytes = calloc(1, frame.length);
	struct virtio_net_hdr header;
	uint32_t features;

	(void)state;
	assert_true(net_device_takes(dev, &features));
	assert_int_equal(features,
	                 NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6);
	make_headers(bytes, false, 6);
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_set_desc(guest, VIRTIO_NET_QUEUE_RX, i, TEST_GPA + RX_DATA + i * 4096u, 4096,
		              VIRTQ_DESC_F_WRITE, 0);
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
	frame = (struct msg_netdev_frame){ .length = 100, .flags = NETDEV_FRAME_CSUM_VERIFIED };
	assert_true(receive_frame(bytes, &frame));
	memcpy(&header, guest->memory + RX_DATA + 5 * 4096, sizeof(header));
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	// What the peer made up.
	frame = (struct msg_netdev_frame){ .length = 100,
		                           .flags = NETDEV_FRAME_NEEDS_CSUM,
		                           .csum_start = 99 };
	assert_true(receive_frame(bytes, &frame));
	frame = (struct msg_netdev_frame){ .length = 100,
		                           .flags = NETDEV_FRAME_GSO_TCP4,
		                           .gso_size = 1400 };
	assert_true(receive_frame(bytes, &frame));
	frame = (struct msg_netdev_frame){ .length = 80,
		                           .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP6,
		                           .csum_start = TCP6_START,
		                           .csum_offset = 16,
		                           .gso_size = 1400 };
	assert_true(receive_frame(bytes, &frame));
	assert_int_equal(dev->rx_dropped, 3);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_transmit_tso),
		net_case(test_transmit_checksum),
		net_case(test_hostile_offloads),
		net_case(test_cut_off_headers),
		net_case(test_offloads_not_negotiated),
		net_case(test_receive_offloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
