// SPDX-License-Identifier: MIT
#include "libs/offload/offload.h"

#include "libs/base/checksum.h"
#include "libs/base/string.h"

#define ETHERNET_HEADER_LEN 14u
#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define IPV6_HEADER_LEN 40u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u
#define TCP_CHECKSUM 16u  // where it is in the header
#define UDP_CHECKSUM 6u
#define TCP_FLAGS 13u
#define TCP_HEADER_MIN 20u
#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

// --- What a frame's headers say ---

struct layout {
	bool v6;
	uint8_t protocol;
	size_t transport;  // where its header begins
	size_t end;        // where the packet ends, by its IP header
};

// IPv4 that is not a fragment, or IPv6 without extension headers. Returns false for all others.
static bool layout_read(struct span headers, struct layout *out)
{
	struct reader r = reader_make(headers.data, headers.len);
	uint32_t type, fragment = 0;

	reader_skip(&r, 12);
	type = reader_be16(&r);
	if (type == ETHERTYPE_IPV4) {
		uint8_t first = reader_u8(&r);

		out->v6 = false;
		reader_skip(&r, 1);
		out->end = ETHERNET_HEADER_LEN + (size_t)reader_be16(&r);
		reader_skip(&r, 2);
		fragment = reader_be16(&r) & 0x3fffu;  // more to come, and the offset
		reader_skip(&r, 1);
		out->protocol = reader_u8(&r);
		out->transport = ETHERNET_HEADER_LEN + (first & 15u) * 4;
		if (first >> 4 != 4 || (first & 15u) < 5)
			return false;
	} else if (type == ETHERTYPE_IPV6) {
		out->v6 = true;
		reader_skip(&r, 4);
		out->transport = ETHERNET_HEADER_LEN + IPV6_HEADER_LEN;
		out->end = out->transport + reader_be16(&r);
		out->protocol = reader_u8(&r);
	} else {
		return false;
	}
	return reader_status(&r) == 0 && fragment == 0;
}

static bool gso_fits(const struct msg_netdev_frame *frame, const struct layout *layout,
                     struct span headers)
{
	bool v4 = (frame->flags & NETDEV_FRAME_GSO_TCP4) != 0;
	bool v6 = (frame->flags & NETDEV_FRAME_GSO_TCP6) != 0;
	struct reader r = reader_make(headers.data, headers.len);
	size_t tcp_len;

	reader_skip(&r, layout->transport + 12);
	tcp_len = (size_t)(reader_u8(&r) >> 4) * 4;
	return v4 != v6 && v6 == layout->v6 && layout->protocol == PROTOCOL_TCP &&
		(headers.data[0] & 1) == 0 && reader_status(&r) == 0 && tcp_len >= TCP_HEADER_MIN &&
		frame->gso_size >= OFFLOAD_SEGMENT_MIN &&
		layout->transport + tcp_len < frame->length &&
		layout->transport + tcp_len <= headers.len;
}

bool offload_fits(const struct msg_netdev_frame *frame, struct span headers)
{
	bool gso = (frame->flags & (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)) != 0;
	struct layout layout;
	size_t header_len, offset;

	if ((frame->flags & OFFLOAD_FLAGS) == 0)
		return true;
	if ((frame->flags & NETDEV_FRAME_NEEDS_CSUM) == 0 || !layout_read(headers, &layout))
		return false;
	if (layout.protocol != PROTOCOL_TCP && layout.protocol != PROTOCOL_UDP)
		return false;
	header_len = layout.protocol == PROTOCOL_TCP ? TCP_HEADER_MIN : 8;
	offset = layout.protocol == PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
	// The checksum's range is to the end of the frame, so nothing may come after the packet.
	if (frame->csum_start != layout.transport || frame->csum_offset != offset ||
	    layout.end != frame->length || layout.transport + header_len > frame->length)
		return false;
	return !gso || gso_fits(frame, &layout, headers);
}

// --- Checksums ---

static void store_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be32(uint8_t *at, uint32_t value)
{
	store_be16(at, value >> 16);
	store_be16(at + 2, value & 0xffff);
}

// Sums add up, carries included, as long as each part but the last has an even length.
static uint16_t sum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void store_sum(uint8_t *at, uint16_t sum)
{
	memcpy(at, &sum, sizeof(sum));
}

void offload_fill_checksum(const struct msg_netdev_frame *frame, struct mut_span bytes)
{
	// The field holds the pseudo header's sum, so it is counted in.
	uint16_t sum = sum_finish(
		checksum_sum(bytes.data + frame->csum_start, bytes.len - frame->csum_start));

	// None at all is what zero means in UDP.
	if (sum == 0 && frame->csum_offset == UDP_CHECKSUM)
		sum = 0xffff;
	store_sum(bytes.data + frame->csum_start + frame->csum_offset, sum);
}

// --- Segments ---

void segmenter_init(struct segmenter *s, const struct msg_netdev_frame *frame, struct span headers,
                    struct span bytes)
{
	*s = (struct segmenter){
		.ip = ETHERNET_HEADER_LEN,
		.tcp = frame->csum_start,
		.v6 = (frame->flags & NETDEV_FRAME_GSO_TCP6) != 0,
		.segment_len = frame->gso_size,
	};
	memcpy(s->headers, headers.data,
	       headers.len < sizeof(s->headers) ? headers.len : sizeof(s->headers));
	s->headers_len = s->tcp + (size_t)(s->headers[s->tcp + 12] >> 4) * 4;
	s->payload = (struct span){ .data = bytes.data + s->headers_len,
		                    .len = bytes.len - s->headers_len };
	s->count = (s->payload.len + s->segment_len - 1) / s->segment_len;
}

static size_t payload_len(const struct segmenter *s)
{
	size_t left = s->payload.len - s->next * s->segment_len;

	return left < s->segment_len ? left : s->segment_len;
}

size_t segmenter_next_len(const struct segmenter *s)
{
	return s->next < s->count ? s->headers_len + payload_len(s) : 0;
}

const uint8_t *segmenter_next_payload(const struct segmenter *s, size_t *offset)
{
	*offset = s->headers_len;
	return s->payload.data + s->next * s->segment_len;
}

static void write_ip(const struct segmenter *s, uint8_t *ip, size_t packet_len)
{
	uint32_t id;

	if (s->v6) {
		store_be16(ip + 4, packet_len - IPV6_HEADER_LEN);
		return;
	}
	store_be16(ip + 2, packet_len);
	id = (load_be32(ip + 4) >> 16) + (uint32_t)s->next;
	store_be16(ip + 4, id & 0xffff);
	store_sum(ip + 10, 0);
	store_sum(ip + 10, sum_finish(checksum_sum(ip, s->tcp - s->ip)));
}

// RFC 9293, 3.1: with the pseudo header of IPv4, or of IPv6 (RFC 8200, 8.1).
static uint16_t tcp_checksum(const struct segmenter *s, const uint8_t *frame, size_t tcp_len)
{
	const uint8_t *addresses = frame + s->ip + (s->v6 ? 8 : 12);
	uint8_t rest[4] = { 0, PROTOCOL_TCP };
	uint32_t sum = checksum_sum(addresses, s->v6 ? 32 : 8);

	store_be16(rest + 2, tcp_len);
	sum += checksum_sum(rest, sizeof(rest));
	sum += checksum_sum(frame + s->tcp, tcp_len);
	return sum_finish(sum);
}

void segmenter_write(struct segmenter *s, struct mut_span out)
{
	size_t offset = s->next * s->segment_len;
	size_t len = payload_len(s);
	uint8_t *tcp = out.data + s->tcp;

	memcpy(out.data, s->headers, s->headers_len);
	memcpy(out.data + s->headers_len, s->payload.data + offset, len);
	write_ip(s, out.data + s->ip, out.len - s->ip);
	store_be32(tcp + 4, load_be32(s->headers + s->tcp + 4) + (uint32_t)offset);
	// What is said once: the end with the last, the reduced window (RFC 3168, 6.1.2) with the
	// first.
	if (s->next + 1 < s->count)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->next > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	store_sum(tcp + TCP_CHECKSUM, 0);
	store_sum(tcp + TCP_CHECKSUM, tcp_checksum(s, out.data, out.len - s->tcp));
	s->next++;
}
