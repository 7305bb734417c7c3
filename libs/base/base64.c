// SPDX-License-Identifier: MIT
#include "libs/base/base64.h"

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static size_t encode(struct span bytes, const char *alphabet, bool pads, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t three = (uint32_t)bytes.data[i] << 16;

		if (left > 1)
			three |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			three |= bytes.data[i + 2];
		for (size_t digit = 0; digit < 4; digit++) {
			if (digit <= left)
				out[len++] = alphabet[three >> (18 - 6 * digit) & 63];
			else if (pads)
				out[len++] = '=';
		}
	}
	out[len] = '\0';
	return len;
}

size_t base64_encode(struct span bytes, char *out)
{
	return encode(bytes, COMMON "+/", true, out);
}

size_t base64url_encode(struct span bytes, char *out)
{
	return encode(bytes, COMMON "-_", false, out);
}
