// SPDX-License-Identifier: MIT
//
// The control port between run.sh and the OS (its app linuxrun): text, a line a message.
//   OS to host:  starina-control 1 | started | exit N | error TEXT
//   host to OS:  stdin-open | stdin-eof TOTAL_BYTES | signal N | resize ROWS COLUMNS
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/line_reader.h"

#define CONTROL_LINE_VERSION 1
#define CONTROL_LINE_MAX 1024

struct control_line {
	bool ready;                    // the OS said its version
	bool started;                  // the container runs
	int status;                    // its exit status; -1: not known
	char error[CONTROL_LINE_MAX];  // why it could not be run; "" if nothing is known
	char line[CONTROL_LINE_MAX];   // unfinished
	struct line_reader lines;
};

// No line seen yet.
void control_line_init(struct control_line *control);

// Takes bytes from the port. Lines that are unknown or too long are passed over: a newer OS may say
// more.
void control_line_push(struct control_line *control, const char *data, size_t size);
