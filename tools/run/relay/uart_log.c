// SPDX-License-Identifier: MIT
#include "tools/run/relay/uart_log.h"

#include <string.h>

// How the first line of Starina's log begins.
#define FIRST_LINE "[kernel"
// What the kernel writes before a line of the log that takes the place of an unfinished one.
#define ERASE "\x1b[K"

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

bool uart_log_in_line(const struct uart_log *log)
{
	return log->line_length > 0 && !(log->console && log->line[0] != '[');
}

// Whether the line that has begun waits until it is whole.
static bool is_held(const struct uart_log *log)
{
	return log->quiet && !(log->console && log->line[0] != '[');
}

// One more byte within a line. Returns the length of what is shown at once.
static size_t within_push(struct uart_log *log, char c, char *out)
{
	size_t length;

	out[0] = c;
	if (c == '\r') {
		log->line_length = 0;
		return log->quiet && !log->console ? 0 : 1;
	}
	if (log->line_length < UART_LOG_MAX_LINE - 1)
		log->line[log->line_length++] = c;
	length = is_held(log) ? 0 : 1;
	if (log->line_length == strlen(ERASE) && memcmp(log->line, ERASE, strlen(ERASE)) == 0)
		log->line_length = 0;
	return length;
}

// One more byte of a line. While quiet, a line of the log is written out when it is whole and of
// importance; else each byte at once. Returns the length.
static size_t line_push(struct uart_log *log, char c, char *out, unsigned *sources)
{
	size_t kept = log->line_length;
	size_t length = 0;

	if (c != '\n')
		return within_push(log, c, out);
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

// One more byte of any line.
static size_t byte_push(struct uart_log *log, char c, char *out, unsigned *sources)
{
	size_t length = 0;

	if (!log->passing && log->held_length == UART_LOG_MAX_HELD)
		length = uart_log_release(log, out);
	if (log->passing)
		return length + line_push(log, c, out + length, sources);
	log->held[log->held_length++] = c;
	return 0;
}

size_t uart_log_push(struct uart_log *log, const char *data, size_t size, char *out)
{
	size_t length = 0;
	unsigned sources = 0;
	long start;

	for (size_t i = 0; i < size; i++) {
		bool is_return = data[i] == '\r';

		if (log->after_return && !is_return && data[i] != '\n')
			length += byte_push(log, '\r', out + length, &sources);
		log->after_return = is_return;
		if (!is_return)
			length += byte_push(log, data[i], out + length, &sources);
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
