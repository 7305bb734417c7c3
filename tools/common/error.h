// SPDX-License-Identifier: MIT
//
// Errors of the host tools: a function that can fail returns 0 or -1 and leaves one sentence here
// that says what was wrong, where, and what to do.
#pragma once

#include <stdarg.h>

#define ERROR_MAX_TEXT 2048

struct error {
	char text[ERROR_MAX_TEXT];
};

// Replaces the text of `err`. Returns -1 always, so that `return error_set(...)` reads well.
__attribute__((format(printf, 2, 3))) int error_set(struct error *err, const char *format, ...);

// Puts "PREFIX: " before the text of `err`. Returns -1 always.
__attribute__((format(printf, 2, 3))) int error_prefix(struct error *err, const char *format, ...);

// Sets `err` from `error_number` (an errno value), as "CONTEXT: strerror". A full disk is named as
// such, with what to do about it. Returns -1 always.
__attribute__((format(printf, 3, 4))) int error_set_errno(struct error *err, int error_number,
                                                          const char *format, ...);

// Copies `text` to `out`, printable: control characters become '?'. For text of foreign origin that
// goes to a terminal. `out` is NUL-terminated; at most `size` bytes are written.
void error_printable(char *out, unsigned long size, const char *text);
