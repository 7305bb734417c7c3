// SPDX-License-Identifier: MIT
// The control port's lines, and the OS's log, in any pieces: what is made of them does not depend
// on where they are cut.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run/relay/control_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void push_in_pieces(struct control_line *control, const char *data, size_t size,
                           size_t piece)
{
	for (size_t done = 0; done < size; done += piece) {
		size_t length = size - done < piece ? size - done : piece;
		// Of its own size, so that a look behind its end is seen.
		char *copy = malloc(length);

		assert(copy);
		memcpy(copy, data + done, length);
		control_line_push(control, copy, length);
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control_line whole, pieces;

	if (size < 1)
		return 0;
	control_line_init(&whole);
	control_line_init(&pieces);
	control_line_push(&whole, (const char *)data + 1, size - 1);
	push_in_pieces(&pieces, (const char *)data + 1, size - 1, 1u + data[0] % 16u);
	assert(whole.ready == pieces.ready && whole.started == pieces.started &&
	       whole.status == pieces.status);
	assert(strcmp(whole.error, pieces.error) == 0 && whole.lines.length == pieces.lines.length);
	assert(whole.status >= -1 && whole.status <= 255 && whole.lines.length < CONTROL_LINE_MAX);
	assert(strlen(whole.error) < CONTROL_LINE_MAX);
	return 0;
}
