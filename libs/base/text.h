// SPDX-License-Identifier: MIT
//
// Text of others that is shown on a terminal. ECMA-48, sections 5.2 and 5.3 (control functions C0
// and C1); RFC 3629 (UTF-8).
#pragma once

#include <stddef.h>
#include <stdint.h>

// The length in bytes of the character that `text` begins with, of at most `len` bytes. 0 for what
// a terminal would obey and not show: a control character of C0, DEL, one of C1 as UTF-8, and bytes
// that are not UTF-8, of which 8-bit terminals take 0x80 to 0x9f for C1. The caller shows something
// else for one byte, then.
static inline size_t text_visible(const char *text, size_t len)
{
	// The first character that needs as many bytes: in more than it needs, it is not UTF-8.
	static const uint32_t first[] = { [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t character;
	size_t n;

	if (len == 0)
		return 0;
	if (bytes[0] < 0x80)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f ? 1 : 0;
	if (bytes[0] < 0xc0 || bytes[0] >= 0xf8)
		return 0;
	n = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	character = bytes[0] & 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3fu);
	}
	if (character < first[n] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	return character < 0xa0 ? 0 : n;
}

// Copies `len` bytes of `text` and ends them with a null byte; '?' stands for each byte that
// text_visible does not show. `out` has room for len + 1 bytes.
static inline void text_copy_visible(char *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = text_visible(text + at, len - at);

		for (size_t end = at + (n > 0 ? n : 1); at < end; at++)
			out[at] = n > 0 ? text[at] : '?';
	}
	out[len] = '\0';
}
