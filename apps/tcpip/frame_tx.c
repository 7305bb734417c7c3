// SPDX-License-Identifier: MIT
//
// Frames to send. lwIP computes the checksums of all but TCP's. A TCP segment for a virtual
// machine, or for a device with checksum offload, gets the pseudo header's sum only; else the
// checksum is computed here, over the gathered frame.
#include "apps/tcpip/frame_tx.h"

#include "libs/base/checksum.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define INLINE_FRAME_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))
#define FRAME_MAX 2048u  // more than link.c's MAX_MTU and a header
#define IP 14u
#define IPV6_HEADER_LEN 40u
#define TCP_HEADER_LEN 20u
#define TCP_CHECKSUM 16u
#define PROTOCOL_TCP 6u

size_t frame_tx_find_tcp(const uint8_t *frame, size_t len)
{
	size_t tcp = 0;

	if (len < IP + 20)
		return 0;
	if (frame[12] == 0x08 && frame[13] == 0x00 && frame[IP + 9] == PROTOCOL_TCP)
		tcp = IP + (frame[IP] & 15u) * 4;
	else if (frame[12] == 0x86 && frame[13] == 0xdd && frame[IP + 6] == PROTOCOL_TCP)
		tcp = IP + IPV6_HEADER_LEN;
	return tcp + TCP_HEADER_LEN <= len ? tcp : 0;
}

// RFC 9293, 3.1: the sum of addresses, protocol and length.
static uint16_t pseudo_header_sum(const uint8_t *frame, size_t tcp_len)
{
	bool v6 = frame[12] == 0x86;
	uint8_t rest[4] = { 0, PROTOCOL_TCP, (uint8_t)(tcp_len >> 8), (uint8_t)tcp_len };
	uint32_t sum = checksum_sum(frame + IP + (v6 ? 8 : 12), v6 ? 32 : 8);

	sum += checksum_sum(rest, sizeof(rest));
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

bool frame_tx_is_for_port(const uint8_t *frame)
{
	return frame[0] == NETDEV_PORT_MAC_0 && frame[1] == NETDEV_PORT_MAC_1;
}

void frame_tx_leave_checksum(uint8_t *bytes, struct msg_netdev_frame *frame)
{
	size_t tcp = frame_tx_find_tcp(bytes, frame->length);
	uint16_t sum = pseudo_header_sum(bytes, frame->length - tcp);

	frame->flags = NETDEV_FRAME_NEEDS_CSUM;
	frame->csum_start = (uint16_t)tcp;
	frame->csum_offset = TCP_CHECKSUM;
	memcpy(bytes + tcp + TCP_CHECKSUM, &sum, sizeof(sum));
}

static void set_checksum(uint8_t *bytes, struct msg_netdev_frame *frame, bool partial)
{
	size_t tcp = frame_tx_find_tcp(bytes, frame->length);
	uint32_t sum;
	uint16_t folded;

	if (tcp != 0 && (partial || frame_tx_is_for_port(bytes))) {
		frame_tx_leave_checksum(bytes, frame);
		return;
	}
	// So that nobody behind the switch looks again.
	frame->flags = NETDEV_FRAME_CSUM_VERIFIED;
	if (tcp == 0)
		return;
	sum = (uint32_t)pseudo_header_sum(bytes, frame->length - tcp) +
		checksum_sum(bytes + tcp, frame->length - tcp);
	folded = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	memcpy(bytes + tcp + TCP_CHECKSUM, &folded, sizeof(folded));
}

error_t frame_tx_message(struct message *m, const struct pbuf *p, bool partial)
{
	struct msg_netdev_frame frame = { .length = p->tot_len };
	uint8_t bytes[FRAME_MAX];
	handle_t folio;
	error_t err;

	if (p->tot_len > FRAME_MAX)
		return ERR_TOO_LARGE;
	pbuf_copy_partial(p, bytes, p->tot_len, 0);
	set_checksum(bytes, &frame, partial);
	if (p->tot_len <= INLINE_FRAME_MAX)
		return message_encode_netdev_frame(m, &frame, bytes, p->tot_len);
	err = folio_create_with(bytes, p->tot_len, &folio);
	if (err)
		return err;
	err = message_encode_netdev_frame(m, &frame, NULL, 0);
	m->handles[0] = folio;
	m->num_handles = 1;
	return err;
}
