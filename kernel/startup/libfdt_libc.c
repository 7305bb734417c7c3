// SPDX-License-Identifier: MIT
//
// What libfdt wants of a C library beyond libs/base/string.h.
#include <stddef.h>

char *strrchr(const char *s, int byte);

char *strrchr(const char *s, int byte)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)byte)
			last = s;
		if (*s == '\0')
			break;
	}
	union {
		const char *in;
		char *out;
	} result = { .in = last };
	return result.out;
}
