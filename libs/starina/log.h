// SPDX-License-Identifier: MIT
//
// Logging and assertions of apps.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/system.h"
#include "libs/base/span.h"

// One log line, printf-style as fmt_write (libs/base/fmt.h) has it. Cut at 512 bytes.
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Each line of `text` is a line of the log; the last one needs no newline.
void log_text(enum log_level level, struct span text);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

// Whether the `count`th of a kind of event, which others cause as often as they like, is worth a
// line: the first, the tenth, the hundredth and so on are.
static inline bool log_is_due(uint64_t count)
{
	while (count != 0 && count % 10 == 0)
		count /= 10;
	return count == 1;
}

// What an error number means, in English ("queue is full"). Never NULL.
const char *error_text(error_t error);

// Ends the app, as a fault does, with a line that names the place. For broken invariants of the app
// only.
_Noreturn void assert_failed(const char *condition, const char *file, int line);
#define assert(condition)                                              \
	do {                                                           \
		if (!(condition))                                      \
			assert_failed(#condition, __FILE__, __LINE__); \
	} while (0)
