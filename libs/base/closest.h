// SPDX-License-Identifier: MIT
//
// "Did you mean": which of some names a misspelt word was meant to be.
#pragma once

#include <stddef.h>

// What is longer is never a misspelling of anything.
#define CLOSEST_MAX_LEN 48

// How many letters must be inserted, dropped, replaced or swapped with their neighbour to make `b`
// of `a`. CLOSEST_MAX_LEN + 1 when either is longer than CLOSEST_MAX_LEN.
size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len);

// The best candidate so far. Begins as {0}.
struct closest {
	const char *name;  // NULL: none is near enough
	size_t distance;
};

// Makes `name` the best candidate for `word` if it is nearer than those before, and near enough to
// be what was meant: one letter in three may be wrong.
void closest_offer(struct closest *closest, const char *word, size_t len, const char *name);
