// SPDX-License-Identifier: MIT
#include "tools/common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/error.h"

#define PROGRESS_FIRST_MS 1000
#define PROGRESS_EVERY_MS 3000
#define PROGRESS_TERMINAL_MS 200  // between changes of the one line on a terminal
#define MIB 1048576.0

static const char *log_name = "host";
static bool quiet;
static bool line_open;  // a progress line without its end is on the terminal

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
	fprintf(stderr, "%s[%-12s] %-6s %s\n", line_open ? "\r\033[K" : "", log_name, level,
	        printable);
	line_open = false;
}

void log_quiet(void)
{
	quiet = true;
}

void log_info(const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
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
	progress->done = 0;
	progress->terminal = isatty(STDERR_FILENO);
}

// On a terminal, the line is written over and over.
static void progress_show(const struct progress *progress, const char *text)
{
	if (!progress->terminal) {
		log_info("%s", text);
		return;
	}
	fprintf(stderr, "\r\033[K[%-12s] %-6s %s", log_name, "INFO", text);
	fflush(stderr);
	line_open = true;
}

void progress_update(struct progress *progress, uint64_t done)
{
	uint64_t now = clock_ms();
	char text[256];

	if (quiet || now < progress->next_ms)
		return;
	progress->next_ms = now + (progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_EVERY_MS);
	progress->shown = true;
	progress->done = done;
	// What is counted may be a little more than what was foreseen.
	if (progress->total && done <= progress->total)
		snprintf(text, sizeof(text), "%s: %.1f of %.1f MiB (%u%%)", progress->what,
		         (double)done / MIB, (double)progress->total / MIB,
		         (unsigned)((double)done * 100 / (double)progress->total));
	else
		snprintf(text, sizeof(text), "%s: %.1f MiB", progress->what, (double)done / MIB);
	progress_show(progress, text);
}

void progress_end(struct progress *progress)
{
	uint64_t size = progress->total > progress->done ? progress->total : progress->done;

	if (progress->shown)
		log_info("%s: done, %.1f MiB in %.1f s", progress->what, (double)size / MIB,
		         (double)(clock_ms() - progress->started_ms) / 1000.0);
}
