// SPDX-License-Identifier: MIT

#include "libs/virtio/device_net_header.h"

#define ETHERNET_HEADER 14u
#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define IPV4_HEADER_MIN 20u
#define IPV4_FRAGMENT_MASK 0x3fffu  // more fragments, and the offset
#define IPV6_HEADER 40u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u
#define TCP_HEADER_MIN 20u
#define TCP_CHECKSUM_OFFSET 16u
#define UDP_HEADER 8u
#define UDP_CHECKSUM_OFFSET 6u

#define GSO_FLAGS (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)

uint32_t net_driver_takes(uint64_t driver_features)
{
	uint32_t takes = 0;

	if ((driver_features & VIRTIO_NET_F_GUEST_CSUM) == 0)
		return 0;
	takes |= NETDEV_FEATURE_TX_CSUM;
	if ((driver_features & VIRTIO_NET_F_GUEST_TSO4) != 0)
		takes |= NETDEV_FEATURE_TSO4;
	if ((driver_features & VIRTIO_NET_F_GUEST_TSO6) != 0)
		takes |= NETDEV_FEATURE_TSO6;
	return takes;
}

// --- From the guest ------------------------------------------------------------------------------

bool net_header_read(const struct virtio_net_hdr *header, uint64_t driver_features, size_t len,
                     struct msg_netdev_frame *out)
{
	*out = (struct msg_netdev_frame){ .length = (uint32_t)len };
	// DATA_VALID and RSC_INFO are the device's to say.
	if ((header->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		return false;
	if (header->flags == 0)
		return header->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	if ((driver_features & VIRTIO_NET_F_CSUM) == 0 || header->csum_start < ETHERNET_HEADER ||
	    !range_within((uint64_t)header->csum_start + header->csum_offset, 2, len))
		return false;
	out->flags = NETDEV_FRAME_NEEDS_CSUM;
	out->csum_start = header->csum_start;
	out->csum_offset = header->csum_offset;
	switch (header->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE: return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		if ((driver_features & VIRTIO_NET_F_HOST_TSO4) == 0)
			return false;
		out->flags |= NETDEV_FRAME_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if ((driver_features & VIRTIO_NET_F_HOST_TSO6) == 0)
			return false;
		out->flags |= NETDEV_FRAME_GSO_TCP6;
		break;
	default:  // UDP, and ECN's bit: not offered
		return false;
	}
	out->gso_size = header->gso_size;
	// hdr_len is a hint (section 5.1.6.2): the length is read off the headers instead; but no
	// honest one is beyond the frame.
	return header->gso_size >= NET_GSO_SIZE_MIN && header->hdr_len <= len;
}

// The transport header of a whole IP packet: its offset in the frame and its protocol. Returns
// false when there is none.
static bool find_transport(struct span bytes, size_t *offset, uint8_t *protocol, bool *is_ipv4)
{
	struct reader r = reader_make(bytes.data, bytes.len);
	uint16_t ethertype, fragment;
	uint8_t version;

	reader_skip(&r, 12);
	ethertype = reader_be16(&r);
	version = reader_u8(&r);
	*is_ipv4 = ethertype == ETHERTYPE_IPV4;
	if (*is_ipv4) {
		reader_skip(&r, 5);
		fragment = reader_be16(&r);
		reader_skip(&r, 1);
		*protocol = reader_u8(&r);
		*offset = ETHERNET_HEADER + (size_t)(version & 15) * 4;
		return reader_status(&r) == 0 && version >> 4 == 4 &&
			(version & 15) * 4 >= (int)IPV4_HEADER_MIN &&
			(fragment & IPV4_FRAGMENT_MASK) == 0;
	}
	// Behind extension headers nothing is offloaded.
	reader_skip(&r, 5);
	*protocol = reader_u8(&r);
	*offset = ETHERNET_HEADER + IPV6_HEADER;
	return reader_status(&r) == 0 && ethertype == ETHERTYPE_IPV6 && version >> 4 == 6;
}

// Where the payload of the TCP header at `offset` begins; 0: it is not a header.
static size_t tcp_payload(struct span bytes, size_t offset)
{
	struct reader r = reader_make(bytes.data, bytes.len);
	size_t header;

	reader_skip(&r, offset + 12);
	header = (size_t)(reader_u8(&r) >> 4) * 4;
	if (reader_status(&r) < 0 || header < TCP_HEADER_MIN ||
	    !range_within(offset, header, bytes.len))
		return 0;
	return offset + header;
}

bool net_frame_check(struct span bytes, size_t mtu, struct msg_netdev_frame *frame)
{
	size_t max = ETHERNET_HEADER + mtu;
	size_t transport, payload;
	uint8_t protocol;
	bool is_ipv4;

	if ((frame->flags & NETDEV_FRAME_NEEDS_CSUM) == 0)
		return bytes.len <= max;
	if (!find_transport(bytes, &transport, &protocol, &is_ipv4) ||
	    frame->csum_start != transport)
		return false;
	if (protocol == PROTOCOL_UDP)
		return frame->csum_offset == UDP_CHECKSUM_OFFSET &&
			(frame->flags & GSO_FLAGS) == 0 &&
			range_within(transport, UDP_HEADER, bytes.len) && bytes.len <= max;
	payload = tcp_payload(bytes, transport);
	if (protocol != PROTOCOL_TCP || frame->csum_offset != TCP_CHECKSUM_OFFSET || payload == 0)
		return false;
	if ((frame->flags & GSO_FLAGS) == 0)
		return bytes.len <= max;
	if (((frame->flags & NETDEV_FRAME_GSO_TCP4) != 0) != is_ipv4 ||
	    payload + frame->gso_size > max)
		return false;
	if (bytes.len - payload <= frame->gso_size) {
		frame->flags = NETDEV_FRAME_NEEDS_CSUM;
		frame->gso_size = 0;
	}
	return true;
}

// --- To the guest --------------------------------------------------------------------------------

bool net_header_write(struct span bytes, const struct msg_netdev_frame *frame,
                      uint64_t driver_features, struct virtio_net_hdr *out)
{
	uint32_t takes = net_driver_takes(driver_features);

	*out = (struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	if ((frame->flags & NETDEV_FRAME_NEEDS_CSUM) == 0) {
		if ((frame->flags & NETDEV_FRAME_CSUM_VERIFIED) != 0 &&
		    (takes & NETDEV_FEATURE_TX_CSUM) != 0)
			out->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		return (frame->flags & GSO_FLAGS) == 0;
	}
	if ((takes & NETDEV_FEATURE_TX_CSUM) == 0 ||
	    !range_within((uint64_t)frame->csum_start + frame->csum_offset, 2, bytes.len))
		return false;
	out->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	out->csum_start = frame->csum_start;
	out->csum_offset = frame->csum_offset;
	if ((frame->flags & GSO_FLAGS) == 0)
		return true;
	out->gso_type = (frame->flags & NETDEV_FRAME_GSO_TCP4) != 0 ? VIRTIO_NET_HDR_GSO_TCPV4
								    : VIRTIO_NET_HDR_GSO_TCPV6;
	out->gso_size = frame->gso_size;
	out->hdr_len = (uint16_t)tcp_payload(bytes, frame->csum_start);
	return out->hdr_len != 0 && frame->gso_size != 0 &&
		(takes &
	         ((frame->flags & NETDEV_FRAME_GSO_TCP4) != 0 ? NETDEV_FEATURE_TSO4
	                                                      : NETDEV_FEATURE_TSO6)) != 0;
}
