// SPDX-License-Identifier: MIT

#include "libs/base/hex.h"

void hex_write(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_read(const char *text, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++, text += 2) {
		int high = digit(text[0]), low = high >= 0 ? digit(text[1]) : -1;

		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return *text == '\0';
}
