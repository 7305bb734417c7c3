// SPDX-License-Identifier: MIT
//
// The OS's log, as it comes from the UART: the firmware's banner before it is held back, and shown only
// when the OS does not get as far as its own first line.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_MAX_HELD 16384
#define CONSOLE_MAX_LINE 512  // what is longer is cut, while quiet

struct console {
	bool passing;  // the OS was heard
	bool quiet;  // only warnings and errors pass, for a terminal in raw mode
	size_t held_length;
	size_t line_length;  // of an unfinished line, while quiet
	char line[CONSOLE_MAX_LINE];
	char held[CONSOLE_MAX_HELD];
};

// Takes `size` bytes of the UART; writes what is to be shown to `out`, which has room for CONSOLE_MAX_HELD + size
// bytes. Returns its length. Carriage returns are left out.
size_t console_push(struct console *console, const char *data, size_t size, char *out);

// Gives up waiting for the OS's first line: writes what was held to `out` (CONSOLE_MAX_HELD bytes).
size_t console_release(struct console *console, char *out);
