// SPDX-License-Identifier: MIT
#include "apps/vmm/vmm.h"
#include "libs/starina/log.h"

#define FRAME_HEADER 8u

struct span frame_make(bool has_terminal, enum guest_stream stream, struct span piece)
{
	static uint8_t frame[FRAME_HEADER + VMM_PIECE_MAX];
	struct writer w = writer_make(frame, sizeof(frame));

	if (!has_terminal) {
		writer_u8(&w, stream == GUEST_STDOUT ? 1 : 2);
		writer_zero(&w, 3);
		writer_be32(&w, (uint32_t)piece.len);
	}
	writer_bytes(&w, piece.data, piece.len);
	assert(writer_status(&w) == 0);
	return (struct span){ .data = frame, .len = w.len };
}
