// SPDX-License-Identifier: MIT
#include "kernel/debug/log.h"

#include <stdarg.h>

#include "kernel/arch/arch.h"
#include "kernel/debug/console.h"
#include "kernel/debug/console_line.h"
#include "kernel/debug/log_private.h"
#include "kernel/debug/log_ring.h"
#include "kernel/sched/spinlock.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/base/text.h"

#define LINE_MAX 512

void (*log_line_added)(void);

static struct spinlock log_lock = { .rank = LOCK_RANK_LOG };
static bool unlocked;
static enum log_level log_limit = LOG_INFO;
static bool show_times;

static const char *const level_names[] = {
	[LOG_ERROR] = "ERROR",
	[LOG_WARN] = "WARN",
	[LOG_INFO] = "INFO",
	[LOG_DEBUG] = "DEBUG",
};

void log_stop_locking(void)
{
	__atomic_store_n(&unlocked, true, __ATOMIC_RELAXED);
}

void log_set_limit(enum log_level level)
{
	log_limit = level;
}

void log_show_times(void)
{
	show_times = true;
}

// "[    1.234567] " when times are shown.
static size_t write_time(char *out, size_t size)
{
	uint64_t us = (uint64_t)arch_clock_now() / 1000;

	if (!show_times)
		return 0;
	return fmt_write(out, size, "[%5llu.%06llu] ", (unsigned long long)(us / 1000000),
	                 (unsigned long long)(us % 1000000));
}

// What an app logs must not steer the terminal.
static void make_visible(char *line, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t visible = text_visible(line + i, len - i);

		if (visible == 0 && line[i] != '\t')
			line[i] = '?';
		i += visible > 0 ? visible : 1;
	}
}

static void put_line(const char *who, enum log_level level, const char *line, size_t len)
{
	char shown[LINE_MAX];
	char prefix[64];
	size_t n = write_time(prefix, sizeof(prefix));
	bool locked = !__atomic_load_n(&unlocked, __ATOMIC_RELAXED);

	if (level > log_limit)
		return;
	n += fmt_write(prefix + n, sizeof(prefix) - n, "[%-12s] %-6s ", who,
	               (unsigned)level <= LOG_DEBUG ? level_names[level] : "?");
	if (n >= sizeof(prefix))
		n = sizeof(prefix) - 1;
	if (len > LINE_MAX)
		len = LINE_MAX;
	memcpy(shown, line, len);
	make_visible(shown, len);

	if (locked)
		spin_lock(&log_lock);
	console_line_hide();
	console_write(prefix, n);
	console_write(shown, len);
	console_write("\n", 1);
	if (!locked)
		return;
	console_line_show();
	spin_unlock(&log_lock);
	log_ring_add(who, level, shown, len, arch_clock_now());
	if (log_line_added != NULL)
		log_line_added();
}

void klog(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vwrite(line, sizeof(line), format, args);
	va_end(args);
	put_line("kernel", level, line, len < sizeof(line) ? len : sizeof(line) - 1);
}

void klog_app(const char *app, enum log_level level, const char *line, size_t len)
{
	put_line(app, level, line, len);
}

void log_write_beside(const char *bytes, size_t len)
{
	spin_lock(&log_lock);
	console_write(bytes, len);
	console_line_add(bytes, len);
	spin_unlock(&log_lock);
}

void log_end_beside(void)
{
	spin_lock(&log_lock);
	console_line_end();
	spin_unlock(&log_lock);
}
