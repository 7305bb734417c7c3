// SPDX-License-Identifier: MIT
#include "libs/base/closest.h"

#include "libs/base/string.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

// Optimal string alignment distance, in three rows of its matrix.
size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][CLOSEST_MAX_LEN + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_len > CLOSEST_MAX_LEN || b_len > CLOSEST_MAX_LEN)
		return CLOSEST_MAX_LEN + 1;
	for (size_t k = 0; k <= b_len; k++)
		last[k] = k;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *free_row = before;

		row[0] = i;
		for (size_t k = 1; k <= b_len; k++) {
			size_t wrong = a[i - 1] != b[k - 1];

			row[k] = least(least(last[k], row[k - 1]) + 1, last[k - 1] + wrong);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_len];
}

void closest_offer(struct closest *closest, const char *word, size_t len, const char *name)
{
	size_t distance = edit_distance(word, len, name, strlen(name));

	if (len == 0 || distance > CLOSEST_MAX_LEN || distance * 3 > len)
		return;
	if (closest->name == NULL || distance < closest->distance)
		*closest = (struct closest){ name, distance };
}
