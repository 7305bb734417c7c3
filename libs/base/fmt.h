// SPDX-License-Identifier: MIT
//
// Formatting without a C library: %d %i %u %x %X %c %s %p %% with - 0 width .precision (also *) and
// h hh l ll z j. No floating point.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Formats into `buf` of `size` bytes, always terminated when size > 0. Returns the length that the
// whole result has without its NUL, as snprintf does.
size_t fmt_vwrite(char *buf, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
size_t fmt_write(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// A line: the result of fmt_vwrite, cut to what fits, and a newline, without a NUL. `size` is 2 at
// least. Returns its length, which is less than `size`.
size_t fmt_vline(char *buf, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
