// SPDX-License-Identifier: MIT
//
// A line that is typed: keys become a line, and what a terminal is to be shown of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_SIZE 512u    // with its NUL
#define LINE_HISTORY 16u  // lines that come back with the arrows
#define LINE_ECHO_MAX (4 * LINE_SIZE)

enum line_event {
	LINE_NONE,
	LINE_WHOLE,      // `text` is the line
	LINE_CANCELLED,  // Ctrl-C: there is none
};

// Zero-initialised.
struct line {
	char text[LINE_SIZE];
	size_t len;
	// Private.
	enum { LINE_PLAIN, LINE_ESCAPE, LINE_CONTROL } state;  // within what a key sends
	bool after_return;  // a newline behind it is the same key
	char history[LINE_HISTORY][LINE_SIZE];
	size_t num_history;
	size_t back;  // lines back in the history; 0: the one that is typed
};

// Takes a byte of a key. What is to be shown is in `echo`, with a NUL.
enum line_event line_take(struct line *line, uint8_t byte, char echo[LINE_ECHO_MAX]);
// The next line begins; the last one goes to the history.
void line_next(struct line *line);
