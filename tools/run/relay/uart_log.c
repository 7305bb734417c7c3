// SPDX-License-Identifier: MIT
#include "tools/run/relay/uart_log.h"

#include <string.h>

// How the first line of Starina's log begins.
#define FIRST_LINE "[kernel"

size_t uart_log_release(struct uart_log *console, char *out)
{
	size_t length = console->held_length;

	memcpy(out, console->held, length);
	console->held_length = 0;
	console->passing = true;
	return length;
}

// Where the OS's first line begins in what is held, or -1.
static long first_line_find(const struct uart_log *console)
{
	size_t length = strlen(FIRST_LINE);

	for (size_t i = 0; i + length <= console->held_length; i++)
		if ((i == 0 || console->held[i - 1] == '\n') &&
		    memcmp(console->held + i, FIRST_LINE, length) == 0)
			return (long)i;
	return -1;
}

// One more byte of a line. While quiet, the line is written out when it is whole and of importance; else
// each byte at once. Returns the length.
static size_t line_push(struct uart_log *console, char c, char *out, unsigned *sources)
{
	size_t kept = console->line_length;
	size_t length = 0;

	if (c != '\n') {
		if (kept < UART_LOG_MAX_LINE - 1)
			console->line[console->line_length++] = c;
		out[0] = c;
		return console->quiet ? 0 : 1;
	}
	console->line[kept] = '\0';
	console->line_length = 0;
	if (console->quiet) {
		if (!strstr(console->line, "] WARN ") && !strstr(console->line, "] ERROR "))
			return 0;
		memcpy(out, console->line, kept);
		length = kept;
	}
	if (*sources < UART_LOG_MAX_SOURCES) {
		size_t found = source_line_find(&console->source, console->line, out + length);

		*sources += found > 0;
		length += found;
	}
	if (console->quiet && console->raw)
		out[length++] = '\r';
	out[length++] = '\n';
	return length;
}

size_t uart_log_push(struct uart_log *console, const char *data, size_t size, char *out)
{
	size_t length = 0;
	unsigned sources = 0;
	long start;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r')
			continue;
		if (!console->passing && console->held_length == UART_LOG_MAX_HELD)
			length = uart_log_release(console, out);
		if (console->passing)
			length += line_push(console, data[i], out + length, &sources);
		else
			console->held[console->held_length++] = data[i];
	}
	start = console->passing ? -1 : first_line_find(console);
	if (start < 0)
		return length;
	console->held_length -= (size_t)start;
	memmove(console->held, console->held + start, console->held_length);
	if (!console->quiet)
		return uart_log_release(console, out);
	for (size_t i = 0; i < console->held_length; i++)
		length += line_push(console, console->held[i], out + length, &sources);
	console->held_length = 0;
	console->passing = true;
	return length;
}
