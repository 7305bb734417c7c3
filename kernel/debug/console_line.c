// SPDX-License-Identifier: MIT
#include "kernel/debug/console_line.h"

#include <stdbool.h>

#include "kernel/debug/console.h"

#define LINE_SIZE 1024u
// What is longer has gone on to the next row of most terminals, where it cannot be erased.
#define ROW_LENGTH 79u
// To the beginning of the line, and erase to its end (ECMA-48 8.3.41, EL).
#define ERASE "\r\x1b[K"

static char line[LINE_SIZE];
static size_t length;
static size_t cursor;
static bool lost;  // it was longer than LINE_SIZE

static void forget(void)
{
	length = cursor = 0;
	lost = false;
}

void console_line_add(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r') {
			forget();
		} else if (bytes[i] == '\b') {
			cursor -= cursor > 0 ? 1 : 0;
		} else if (cursor == LINE_SIZE) {
			lost = true;
		} else {
			line[cursor++] = bytes[i];
			length = cursor > length ? cursor : length;
		}
	}
	// What was erased, as terminals have it erased: by spaces.
	while (length > cursor && line[length - 1] == ' ')
		length--;
}

void console_line_hide(void)
{
	if (length > ROW_LENGTH)
		console_write("\n", 1);
	else if (length > 0)
		console_write(ERASE, sizeof(ERASE) - 1);
}

void console_line_show(void)
{
	if (lost)
		forget();
	console_write(line, length);
	for (size_t i = cursor; i < length; i++)
		console_write("\b", 1);
}

void console_line_end(void)
{
	if (length > 0)
		console_write("\n", 1);
	forget();
}
