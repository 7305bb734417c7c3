// SPDX-License-Identifier: MIT
#include "apps/tcpip/gather.h"

#include "apps/tcpip/frame_tx.h"
#include "libs/abi/netdev.h"
#include "libs/base/checksum.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define IP 14u
#define TCP_SEQ 4u
#define TCP_FLAGS 13u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
// Less than this is not worth it.
#define SEGMENT_MIN 512u
#define PACKET_MAX 65535u

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool is_v6(const uint8_t *frame)
{
	return frame[12] == 0x86;
}

// The length of the headers, which lwIP has in the first pbuf of a segment with data and without
// flags but ACK and PSH; 0 for others.
static size_t data_headers(const struct pbuf *p)
{
	const uint8_t *frame = p->payload;
	size_t tcp, len;

	tcp = frame_tx_find_tcp(frame, p->len);
	if (tcp == 0 || (frame[tcp + TCP_FLAGS] & ~TCP_PSH) != TCP_ACK)
		return 0;
	len = tcp + (size_t)(frame[tcp + 12] >> 4) * 4;
	return len <= p->len && len < p->tot_len ? len : 0;
}

// All but lengths, checksums, the IPv4 id, the sequence number and PSH is the same.
static bool same_headers(const uint8_t *a, const uint8_t *b, size_t headers_len)
{
	size_t tcp = frame_tx_find_tcp(a, headers_len);

	if (memcmp(a, b, IP + 2) != 0 || frame_tx_find_tcp(b, headers_len) != tcp)
		return false;
	if (is_v6(a) &&
	    (memcmp(a + IP + 2, b + IP + 2, 2) != 0 || memcmp(a + IP + 6, b + IP + 6, 34) != 0))
		return false;
	if (!is_v6(a) &&
	    (memcmp(a + IP + 6, b + IP + 6, 4) != 0 || memcmp(a + IP + 12, b + IP + 12, 8) != 0))
		return false;
	// Ports; acknowledgment and header length; window; options.
	return memcmp(a + tcp, b + tcp, 4) == 0 && memcmp(a + tcp + 8, b + tcp + 8, 5) == 0 &&
		memcmp(a + tcp + 14, b + tcp + 14, 2) == 0 &&
		memcmp(a + tcp + 20, b + tcp + 20, headers_len - tcp - 20) == 0;
}

static bool continues(const struct gather *g, const struct pbuf *p, size_t headers_len,
                      size_t payload)
{
	const uint8_t *frame = p->payload;

	return !g->closed && g->count < GATHER_MAX && headers_len == g->headers_len &&
		payload <= g->segment_len &&
		g->headers_len - IP + g->payload_len + payload <= PACKET_MAX &&
		load_be32(frame + frame_tx_find_tcp(frame, headers_len) + TCP_SEQ) == g->next_seq &&
		same_headers(g->segments[0]->payload, frame, headers_len);
}

bool gather_add(struct gather *g, struct pbuf *p, bool device_segments)
{
	const uint8_t *frame = p->payload;
	size_t headers_len = data_headers(p);
	size_t payload = p->tot_len - headers_len;
	size_t tcp;

	if (headers_len == 0 || (!device_segments && !frame_tx_is_for_port(frame)))
		return false;
	tcp = frame_tx_find_tcp(frame, headers_len);
	if (g->count == 0) {
		if (payload < SEGMENT_MIN)
			return false;
		g->headers_len = headers_len;
		g->segment_len = payload;
		g->payload_len = 0;
		g->closed = false;
	} else if (!continues(g, p, headers_len, payload)) {
		return false;
	}
	pbuf_ref(p);
	g->segments[g->count++] = p;
	g->payload_len += payload;
	g->next_seq = load_be32(frame + tcp + TCP_SEQ) + (uint32_t)payload;
	g->closed = payload < g->segment_len;
	return true;
}

void gather_drop(struct gather *g)
{
	for (size_t i = 0; i < g->count; i++)
		pbuf_free(g->segments[i]);
	g->count = 0;
}

// The headers of the whole: those of the first, with the length of all, pushed when one of them
// was.
static void write_headers(const struct gather *g, uint8_t *bytes)
{
	size_t tcp = frame_tx_find_tcp(bytes, g->headers_len);
	size_t packet = g->headers_len - IP + g->payload_len;
	uint16_t sum = 0;

	for (size_t i = 1; i < g->count; i++)
		bytes[tcp + TCP_FLAGS] |=
			((const uint8_t *)g->segments[i]->payload)[tcp + TCP_FLAGS] & TCP_PSH;
	if (is_v6(bytes)) {
		store_be16(bytes + IP + 4, packet - 40);
		return;
	}
	store_be16(bytes + IP + 2, packet);
	memcpy(bytes + IP + 10, &sum, 2);
	sum = (uint16_t)~checksum_sum(bytes + IP, tcp - IP);
	memcpy(bytes + IP + 10, &sum, 2);
}

// Where in its folio the frame is to begin: the payload then lies in its words as where it comes
// from, and is copied fastest.
static uint32_t frame_offset(const struct gather *g)
{
	const struct pbuf *first = g->segments[0];
	const uint8_t *payload = (const uint8_t *)first->payload + g->headers_len;

	if (first->len == g->headers_len && first->next != NULL)
		payload = first->next->payload;
	return (uint32_t)(((uintptr_t)payload - g->headers_len) % sizeof(uint64_t));
}

static error_t large_message(const struct gather *g, struct message *m)
{
	size_t len = g->headers_len + g->payload_len, at = 0;
	struct msg_netdev_frame frame = { .offset = frame_offset(g),
		                          .length = (uint32_t)len,
		                          .gso_size = (uint16_t)g->segment_len };
	handle_t folio;
	uint8_t *bytes;
	void *base;
	error_t err = folio_create(frame.offset + len, FOLIO_CONTIGUOUS, &folio);

	if (err)
		return err;
	err = folio_map(folio, PROT_READ | PROT_WRITE, &base);
	if (err) {
		handle_close(folio);
		return err;
	}
	bytes = (uint8_t *)base + frame.offset;
	for (size_t i = 0; i < g->count; i++) {
		struct pbuf *p = g->segments[i];
		size_t skip = i == 0 ? 0 : g->headers_len;

		at += pbuf_copy_partial(p, bytes + at, (u16_t)(p->tot_len - skip), (u16_t)skip);
	}
	write_headers(g, bytes);
	frame_tx_leave_checksum(bytes, &frame);
	frame.flags |= is_v6(bytes) ? NETDEV_FRAME_GSO_TCP6 : NETDEV_FRAME_GSO_TCP4;
	err = message_encode_netdev_frame(m, &frame, NULL, 0);
	m->handles[0] = folio;
	m->num_handles = 1;
	return err;
}

error_t gather_message(struct gather *g, struct message *m, bool partial)
{
	error_t err = g->count == 1 ? frame_tx_message(m, g->segments[0], partial)
				    : large_message(g, m);

	gather_drop(g);
	return err;
}
