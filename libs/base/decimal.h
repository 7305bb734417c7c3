// SPDX-License-Identifier: MIT
//
// Decimal numbers without a sign, in text from outside.
#pragma once

#include "libs/base/span.h"

// Takes the digits that `text` begins with. False: there are none, or they are more than `max`;
// nothing is taken then.
static inline bool decimal_take(struct span *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	size_t len = 0;

	for (; len < text->len && text->data[len] >= '0' && text->data[len] <= '9'; len++) {
		uint64_t digit = (uint64_t)(text->data[len] - '0');

		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (len == 0)
		return false;
	*out = value;
	*text = span_make(text->data + len, text->len - len);
	return true;
}

// Whether all of `text` is such a number, of at most `max`.
static inline bool decimal_read(struct span text, uint64_t max, uint64_t *out)
{
	uint64_t value;

	if (!decimal_take(&text, max, &value) || text.len > 0)
		return false;
	*out = value;
	return true;
}
