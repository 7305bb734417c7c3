// SPDX-License-Identifier: MIT
//
// The kernel's log: lines like `[kernel      ] INFO   Booting Starina...` on the UART.
#pragma once

#include <stddef.h>

#include "libs/abi/system.h"

// One line, printf-style as fmt_write (libs/base/fmt.h) has it.
void klog(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A line of an app under its name; control bytes are shown as '?'.
void klog_app(const char *app, enum log_level level, const char *line, size_t len);

#define kerror(...) klog(LOG_ERROR, __VA_ARGS__)
#define kwarn(...) klog(LOG_WARN, __VA_ARGS__)
#define kinfo(...) klog(LOG_INFO, __VA_ARGS__)
#define kdebug(...) klog(LOG_DEBUG, __VA_ARGS__)
// Writes bytes at the console, beside the log: no line of the log comes between them, and what does
// not end its line is written again below each. "\n" becomes "\r\n".
void log_write_beside(const char *bytes, size_t len);
// Who wrote beside the log has gone: an unfinished line stays as it is.
void log_end_beside(void);
// Called after each line, with no lock of the log's held, but any other may be. NULL: nobody.
extern void (*log_line_added)(void);
// Each line begins with the time since power-on, in seconds, from now on.
void log_show_times(void);
// Lines of levels beyond `level` are dropped from now on; INFO's are the last to be shown until
// then.
void log_set_limit(enum log_level level);
