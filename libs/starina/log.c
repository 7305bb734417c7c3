// SPDX-License-Identifier: MIT
#include "libs/starina/log.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/starina/syscall.h"

#define LOG_LINE_MAX 512

static void log_vline(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_vline(enum log_level level, const char *format, va_list args)
{
	char line[LOG_LINE_MAX + 1];
	size_t len = fmt_vwrite(line, sizeof(line), format, args);

	log_write(level, line, len < sizeof(line) ? len : sizeof(line) - 1);
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, format, args);
	va_end(args);
}

void log_text(enum log_level level, struct span text)
{
	size_t start = 0;

	while (start < text.len) {
		size_t end = start;

		while (end < text.len && text.data[end] != '\n')
			end++;
		log_line(level, "%.*s", (int)(end - start), (const char *)text.data + start);
		start = end + 1;
	}
}

void assert_failed(const char *condition, const char *file, int line)
{
	log_error("%s:%d: assertion failed: %s", file, line, condition);
#ifdef STARINA_HOST
	__builtin_trap();
#else
	// A breakpoint in an app is a fault of it: the kernel logs the backtrace and ends the app.
	for (;;)
		__asm__ volatile("ebreak");
#endif
}

const char *error_text(error_t error)
{
	switch (error) {
	case 0: return "success";
#define X(name, number, text) \
	case name: return text;
		ERROR_TABLE(X)
#undef X
	default: return "unknown error";
	}
}
