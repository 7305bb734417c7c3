// SPDX-License-Identifier: MIT
//
// What a hostile guest sends: is judged, and cut into segments or given its checksum when it passes. Input: the fields of
// struct msg_netdev_frame that the guest chooses, then the frame.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/netswitch/guard.h"
#include "apps/netswitch/offload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct guard_identity self = {.mac = {2, 0x53, 10, 0, 2, 100}, .ipv4 = {10, 0, 2, 100}};

static void cut(const struct msg_netdev_frame *meta, struct span headers, struct span frame)
{
	struct segmenter s;
	size_t len, payload = 0, n = 0;

	segmenter_init(&s, meta, headers, frame);
	while ((len = segmenter_next_len(&s)) > 0) {
		uint8_t *out = malloc(len);

		segmenter_write(&s, (struct mut_span){.data = out, .len = len});
		payload += len - s.headers_len;
		n++;
		free(out);
	}
	if (n != s.count || payload != frame.len - s.headers_len || n > 65535 / OFFLOAD_SEGMENT_MIN + 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_netdev_frame meta = {0};
	struct span headers, frame;
	uint8_t *copy;

	if (size < 8 + 14)
		return 0;
	memcpy(&meta.flags, data, 8);
	data += 8;
	size -= 8;
	meta.length = (uint32_t)size;
	// A frame in memory of its size, and its headers in memory of theirs: ASan sees any look beyond.
	copy = malloc(size);
	memcpy(copy, data, size);
	frame = (struct span){.data = copy, .len = size};
	headers = (struct span){.data = malloc(size < GUARD_HEADERS ? size : GUARD_HEADERS),
	                        .len = size < GUARD_HEADERS ? size : GUARD_HEADERS};
	memcpy((uint8_t *)(uintptr_t)headers.data, data, headers.len);
	if (guard_check(&self, headers, size) == GUARD_PASS && memcmp(headers.data + 6, self.mac, 6) != 0)
		abort();
	if (offload_fits(&meta, headers)) {
		if ((meta.flags & (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)) != 0)
			cut(&meta, headers, frame);
		else if ((meta.flags & NETDEV_FRAME_NEEDS_CSUM) != 0)
			offload_fill_checksum(&meta, (struct mut_span){.data = copy, .len = size});
	}
	free((uint8_t *)(uintptr_t)headers.data);
	free(copy);
	return 0;
}
