// SPDX-License-Identifier: MIT
#include "tools/common/nearest.h"

#include <string.h>

struct nearest nearest_begin(const char *typed)
{
	size_t length = strlen(typed);

	// One more than what is like it.
	return (struct nearest){ .typed = typed, .distance = (unsigned)length / 3 + 1 };
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

// The number of changes between two words (Damerau and Levenshtein, optimal string alignment).
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[NEAREST_MAX_LENGTH + 1][NEAREST_MAX_LENGTH + 1];

	for (size_t i = 0; i <= a_length; i++)
		rows[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			unsigned change = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			rows[i][j] = min(change, min(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1);
		}
	}
	return rows[a_length][b_length];
}

void nearest_offer(struct nearest *nearest, const char *word)
{
	size_t typed_length = strlen(nearest->typed);
	size_t length = strlen(word);
	unsigned found;

	if (typed_length > NEAREST_MAX_LENGTH || length > NEAREST_MAX_LENGTH)
		return;
	found = distance(nearest->typed, typed_length, word, length);
	if (found >= nearest->distance)
		return;
	nearest->distance = found;
	nearest->word = word;
}
