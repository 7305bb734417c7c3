// SPDX-License-Identifier: MIT
//
// Bytes as text: two lower-case hexadecimal digits each.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Of the text of `len` bytes, with its NUL.
#define HEX_SIZE(len) (2 * (len) + 1)

// The value of a hexadecimal digit, of either case; -1: it is none.
static inline int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Writes the text of `len` bytes, HEX_SIZE(len) with its NUL, to `out`.
void hex_write(const uint8_t *bytes, size_t len, char *out);
// Reads the text of `len` bytes to `out`. Returns false when `text` is not that, or goes on behind
// it; what is in `out` then means nothing.
bool hex_read(const char *text, uint8_t *out, size_t len);
