// SPDX-License-Identifier: MIT
//
// The OS's log, as it comes from the UART: the firmware's banner before it is held back, and shown
// only when the OS does not get as far as its own first line.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/run/relay/source_line.h"

#define UART_LOG_MAX_HELD 16384
#define UART_LOG_MAX_LINE 512    // what is longer is cut, while quiet
#define UART_LOG_MAX_SOURCES 48  // lines of one push that get their place in the source
// A push may write this much more than it takes.
#define UART_LOG_EXTRA (1 + UART_LOG_MAX_HELD + UART_LOG_MAX_SOURCES * SOURCE_LINE_MAX)

struct uart_log {
	bool passing;  // the OS was heard
	bool quiet;    // only warnings and errors pass
	bool console;  // what is no line of the log passes nevertheless: it answers who types
	bool raw;      // lines end as a terminal in raw mode needs it, while quiet
	bool after_return;
	size_t held_length;
	size_t line_length;  // of an unfinished line
	struct source_line source;
	char line[UART_LOG_MAX_LINE];
	char held[UART_LOG_MAX_HELD];
};

// Takes `size` bytes of the UART; writes what is to be shown to `out`, which has room for
// UART_LOG_EXTRA + size bytes. Returns its length. Carriage returns before newlines are left out;
// a backtrace's frames get their places in the source.
size_t uart_log_push(struct uart_log *log, const char *data, size_t size, char *out);

// Whether a line of the log has begun and not ended.
bool uart_log_in_line(const struct uart_log *log);

// Gives up waiting for the OS's first line: writes what was held to `out` (UART_LOG_MAX_HELD
// bytes).
size_t uart_log_release(struct uart_log *log, char *out);
