// SPDX-License-Identifier: MIT
//
// The line that somebody writes at the console and has not ended: a prompt, and what is typed
// behind it. A line of the log takes its place on the screen and it is written again below, so that
// both are whole. The caller holds the log's lock.
#pragma once

#include <stddef.h>

// Notes what is written at the console. Of what steers a terminal, "\b", "\r" and "\n" are known.
void console_line_add(const char *bytes, size_t len);
// Makes room for a line of the log: the cursor is at the beginning of an empty line.
void console_line_hide(void);
// Writes it again.
void console_line_show(void);
// Ends it, and forgets it.
void console_line_end(void);
