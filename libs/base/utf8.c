// SPDX-License-Identifier: MIT
#include "libs/base/utf8.h"

// By the first byte: how many follow, and what the second one may be.
static size_t length_of(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*low = 0xa0;
		if (first == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*low = 0x90;
		if (first == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

size_t utf8_length(struct span bytes)
{
	uint8_t low, high;
	size_t len = bytes.len > 0 ? length_of(bytes.data[0], &low, &high) : 0;

	if (len > bytes.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (bytes.data[i] < low || bytes.data[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

bool utf8_is_valid(struct span bytes)
{
	while (bytes.len > 0) {
		size_t len = utf8_length(bytes);

		if (len == 0)
			return false;
		bytes.data += len;
		bytes.len -= len;
	}
	return true;
}
