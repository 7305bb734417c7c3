// SPDX-License-Identifier: MIT
//
// What a hostile guest sends: is judged, and cut into segments or given its checksum when it
// passes. Input: the fields of struct msg_netdev_frame that the guest chooses, a byte of how to
// begin, and the frame. With KIND_TCP4 and KIND_TCP6 the frame is the payload, and headers that
// pass the first checks come before it: the fuzzer only spoils them.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/netswitch/guard.h"
#include "libs/offload/offload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct guard_identity self = { .mac = { 2, 0x53, 10, 0, 2, 100 },
	                                    .ipv4 = { 10, 0, 2, 100 } };

static void cut(const struct msg_netdev_frame *meta, struct span headers, struct span frame)
{
	struct segmenter s;
	size_t len, payload = 0, n = 0;

	segmenter_init(&s, meta, headers, frame);
	while ((len = segmenter_next_len(&s)) > 0) {
		uint8_t *out = malloc(len);

		segmenter_write(&s, (struct mut_span){ .data = out, .len = len });
		payload += len - s.headers_len;
		n++;
		free(out);
	}
	if (n != s.count || payload != frame.len - s.headers_len ||
	    n > 65535 / OFFLOAD_SEGMENT_MIN + 1)
		abort();
}

enum kind { KIND_RAW, KIND_TCP4, KIND_TCP6, NUM_KINDS };

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// Headers of an honest large frame, with a byte of them changed by `spoil`. Returns their length.
static size_t put_headers(uint8_t *frame, enum kind kind, size_t payload,
                          struct msg_netdev_frame *meta, const uint8_t spoil[2])
{
	size_t tcp = kind == KIND_TCP6 ? 54 : 34;
	uint8_t *ip = frame + 14;

	memset(frame, 0, tcp + 20);
	memcpy(frame + 6, self.mac, 6);
	put16(frame + 12, kind == KIND_TCP6 ? 0x86dd : 0x0800);
	if (kind == KIND_TCP6) {
		ip[0] = 0x60;
		put16(ip + 4, 20 + payload);
		ip[6] = 6;
		ip[8] = 0xfe;
		ip[9] = 0x80;
		guard_interface_id(self.mac, ip + 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 40 + payload);
		ip[9] = 6;
		memcpy(ip + 12, self.ipv4, 4);
	}
	frame[tcp + 12] = 5 << 4;
	frame[spoil[0] % (tcp + 20)] = (uint8_t)(frame[spoil[0] % (tcp + 20)] ^ spoil[1]);
	meta->flags = NETDEV_FRAME_NEEDS_CSUM |
		(kind == KIND_TCP6 ? NETDEV_FRAME_GSO_TCP6 : NETDEV_FRAME_GSO_TCP4);
	meta->csum_start = (uint16_t)tcp;
	meta->csum_offset = 16;
	return tcp + 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[134 + 4096];
	enum kind kind;
	size_t at = 0;
	struct msg_netdev_frame meta = { 0 };
	struct span headers, frame;
	uint8_t *copy;

	if (size < 8 + 3 + 14)
		return 0;
	memcpy(&meta.flags, data, 8);
	kind = (enum kind)(data[8] % NUM_KINDS);
	size -= 11;
	if (size > 4096)
		size = 4096;
	if (kind != KIND_RAW)
		at = put_headers(whole, kind, size, &meta, data + 9);
	memcpy(whole + at, data + 11, size);
	size += at;
	data = whole;
	meta.length = (uint32_t)size;
	// A frame in memory of its size, and its headers in memory of theirs: ASan sees any look
	// beyond.
	copy = malloc(size);
	memcpy(copy, data, size);
	frame = (struct span){ .data = copy, .len = size };
	headers = (struct span){ .data = malloc(size < GUARD_HEADERS ? size : GUARD_HEADERS),
		                 .len = size < GUARD_HEADERS ? size : GUARD_HEADERS };
	memcpy((uint8_t *)(uintptr_t)headers.data, data, headers.len);
	if (guard_check(&self, headers, size) == GUARD_PASS &&
	    memcmp(headers.data + 6, self.mac, 6) != 0)
		abort();
	if (offload_fits(&meta, headers)) {
		if ((meta.flags & (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)) != 0)
			cut(&meta, headers, frame);
		else if ((meta.flags & NETDEV_FRAME_NEEDS_CSUM) != 0)
			offload_fill_checksum(&meta,
			                      (struct mut_span){ .data = copy, .len = size });
	}
	free((uint8_t *)(uintptr_t)headers.data);
	free(copy);
	return 0;
}
