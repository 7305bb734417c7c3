// SPDX-License-Identifier: MIT
#include "tools/run/console.h"

#include <string.h>

// How the first line of Starina's log begins.
#define FIRST_LINE "[kernel"

size_t console_release(struct console *console, char *out)
{
	size_t length = console->held_length;

	memcpy(out, console->held, length);
	console->held_length = 0;
	console->passing = true;
	return length;
}

// Where the OS's first line begins in what is held, or -1.
static long first_line_find(const struct console *console)
{
	size_t length = strlen(FIRST_LINE);

	for (size_t i = 0; i + length <= console->held_length; i++)
		if ((i == 0 || console->held[i - 1] == '\n') &&
		    memcmp(console->held + i, FIRST_LINE, length) == 0)
			return (long)i;
	return -1;
}

size_t console_push(struct console *console, const char *data, size_t size, char *out)
{
	size_t length = 0;
	long start;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r')
			continue;
		if (!console->passing && console->held_length == CONSOLE_MAX_HELD)
			length = console_release(console, out);
		if (console->passing)
			out[length++] = data[i];
		else
			console->held[console->held_length++] = data[i];
	}
	start = console->passing ? -1 : first_line_find(console);
	if (start < 0)
		return length;
	console->held_length -= (size_t)start;
	memmove(console->held, console->held + start, console->held_length);
	return console_release(console, out);
}
