// SPDX-License-Identifier: MIT
#include "tools/run/relay/uart_log.h"

#include <string.h>

// How the first line of Starina's log begins.
#define FIRST_LINE "[kernel"

size_t uart_log_release(struct uart_log *log, char *out)
{
	size_t length = log->held_length;

	memcpy(out, log->held, length);
	log->held_length = 0;
	log->passing = true;
	return length;
}

// Where the OS's first line begins in what is held, or -1.
static long first_line_find(const struct uart_log *log)
{
	size_t length = strlen(FIRST_LINE);

	for (size_t i = 0; i + length <= log->held_length; i++)
		if ((i == 0 || log->held[i - 1] == '\n') &&
		    memcmp(log->held + i, FIRST_LINE, length) == 0)
			return (long)i;
	return -1;
}

// Whether the line that has begun waits until it is whole.
static bool is_held(const struct uart_log *log)
{
	return log->quiet && !(log->console && log->line[0] != '[');
}

// One more byte of a line. While quiet, a line of the log is written out when it is whole and of
// importance; else each byte at once. Returns the length.
static size_t line_push(struct uart_log *log, char c, char *out, unsigned *sources)
{
	size_t kept = log->line_length;
	size_t length = 0;

	if (c != '\n') {
		if (kept < UART_LOG_MAX_LINE - 1)
			log->line[log->line_length++] = c;
		out[0] = c;
		return is_held(log) ? 0 : 1;
	}
	log->line[kept] = '\0';
	log->line_length = 0;
	if (is_held(log)) {
		if (!strstr(log->line, "] WARN ") && !strstr(log->line, "] ERROR "))
			return 0;
		memcpy(out, log->line, kept);
		length = kept;
	}
	if (*sources < UART_LOG_MAX_SOURCES) {
		size_t found = source_line_find(&log->source, log->line, out + length);

		*sources += found > 0;
		length += found;
	}
	if (log->quiet && log->raw)
		out[length++] = '\r';
	out[length++] = '\n';
	return length;
}

size_t uart_log_push(struct uart_log *log, const char *data, size_t size, char *out)
{
	size_t length = 0;
	unsigned sources = 0;
	long start;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r')
			continue;
		if (!log->passing && log->held_length == UART_LOG_MAX_HELD)
			length = uart_log_release(log, out);
		if (log->passing)
			length += line_push(log, data[i], out + length, &sources);
		else
			log->held[log->held_length++] = data[i];
	}
	start = log->passing ? -1 : first_line_find(log);
	if (start < 0)
		return length;
	log->held_length -= (size_t)start;
	memmove(log->held, log->held + start, log->held_length);
	if (!log->quiet)
		return uart_log_release(log, out);
	for (size_t i = 0; i < log->held_length; i++)
		length += line_push(log, log->held[i], out + length, &sources);
	log->held_length = 0;
	log->passing = true;
	return length;
}
