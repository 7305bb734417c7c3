// SPDX-License-Identifier: MIT
//
// Lines of a port or socket, whose bytes come in pieces.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
	char *line;     // the caller's
	size_t size;    // of it
	size_t length;  // of the line so far
	bool unfit;     // it does not fit, or has a NUL byte
};

// Nothing was read yet. Lines of up to `size` - 1 bytes are kept in `line`, which stays the
// caller's.
void line_reader_init(struct line_reader *reader, char *line, size_t size);

// One byte more. True when it ends a line: `reader->line` is that line then, with a NUL byte in
// place of its newline, until the next byte. Lines that do not fit, and those with NUL bytes, are
// passed over.
bool line_reader_push(struct line_reader *reader, char byte);
