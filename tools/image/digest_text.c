// SPDX-License-Identifier: MIT
//
// For programs that compute no digests.
#include <string.h>

#include "tools/image/digest.h"

bool digest_is_valid(const char *text)
{
	static const struct {
		const char *algorithm;
		size_t digits;
	} kinds[] = { { "sha256:", 64 }, { "sha512:", 128 } };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].algorithm);

		if (strncmp(text, kinds[i].algorithm, length) == 0)
			return strlen(text) == length + kinds[i].digits &&
				strspn(text + length, "0123456789abcdef") == kinds[i].digits;
	}
	return false;
}
