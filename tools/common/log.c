// SPDX-License-Identifier: MIT
#include "tools/common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "tools/common/error.h"

#define PROGRESS_FIRST_MS 1000
#define PROGRESS_EVERY_MS 1000

static const char *log_name = "host";

void log_init(const char *name)
{
	log_name = name;
}

__attribute__((format(printf, 2, 0))) static void log_line(const char *level, const char *format,
                                                           va_list args)
{
	char text[ERROR_MAX_TEXT];
	char printable[ERROR_MAX_TEXT];

	vsnprintf(text, sizeof(text), format, args);
	error_printable(printable, sizeof(printable), text);
	fprintf(stderr, "[%-12s] %-6s %s\n", log_name, level, printable);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("INFO", format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("WARN", format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("ERROR", format, args);
	va_end(args);
}

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
	progress->what = what;
	progress->total = total;
	progress->started_ms = clock_ms();
	progress->next_ms = progress->started_ms + PROGRESS_FIRST_MS;
	progress->shown = false;
}

void progress_update(struct progress *progress, uint64_t done)
{
	uint64_t now = clock_ms();

	if (now < progress->next_ms)
		return;
	progress->next_ms = now + PROGRESS_EVERY_MS;
	progress->shown = true;
	if (progress->total)
		log_info("%s: %.1f of %.1f MiB", progress->what, (double)done / 1048576.0,
		         (double)progress->total / 1048576.0);
	else
		log_info("%s: %.1f MiB", progress->what, (double)done / 1048576.0);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		log_info("%s: done in %.1f s", progress->what,
		         (double)(clock_ms() - progress->started_ms) / 1000.0);
}
