// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/debug/log.h"
#include "kernel/debug/log_ring.h"
#include "kernel/debug/panic.h"

// The kernel's own symbols: none. A user-mode app's are in its image.
extern const uint8_t __symbols_start[], __symbols_end[], __text_start[], __text_end[];
const uint8_t __symbols_start[1], __symbols_end[1], __text_start[1], __text_end[1];

static char lines[64 * 1024];
static size_t used;

void host_log_init(void)
{
	used = 0;
	lines[0] = '\0';
}

const char *host_log(void)
{
	return lines;
}

static void append(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void append(const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(lines + used, sizeof(lines) - used, format, args);
	va_end(args);
	if (len > 0)
		used = used + (size_t)len < sizeof(lines) ? used + (size_t)len : sizeof(lines) - 1;
}

void (*log_line_added)(void);

static void note_line(const char *app, enum log_level level, const char *line, size_t len)
{
	log_ring_add(app, level, line, len, arch_clock_now());
	if (log_line_added != NULL)
		log_line_added();
}

void klog(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	append("%d %s\n", (int)level, line);
	note_line("kernel", level, line, strlen(line));
}

void klog_app(const char *app, enum log_level level, const char *line, size_t len)
{
	append("%d %s: %.*s\n", (int)level, app, (int)len, line);
	note_line(app, level, line, len);
}

void log_write_beside(const char *bytes, size_t len)
{
	append("%.*s", (int)len, bytes);
}

void log_end_beside(void)
{
}

void backtrace_log(const char *who, uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
	(void)pc;
	(void)fp;
	(void)ra;
	append("%s backtrace\n", who);
}

void panic(const char *format, ...)
{
	va_list args;

	fputs("kernel panic: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
