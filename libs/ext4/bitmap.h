// SPDX-License-Identifier: MIT
//
// Bitmaps as ext4 has them: bit n is bit n % 8 of byte n / 8.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/string.h"

static inline bool bit_get(const uint8_t *bitmap, uint32_t bit)
{
	return (bitmap[bit / 8] >> bit % 8 & 1) != 0;
}

// Sets or clears `count` bits from `bit` on.
static inline void bits_set(uint8_t *bitmap, uint32_t bit, uint32_t count, bool value)
{
	while (count > 0) {
		if (bit % 8 == 0 && count >= 8) {
			memset(bitmap + bit / 8, value ? 0xff : 0, count / 8);
			bit += count & ~7u;
			count %= 8;
			continue;
		}
		if (value)
			bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
		else
			bitmap[bit / 8] &= (uint8_t) ~(1u << bit % 8);
		bit++;
		count--;
	}
}

// The first bit of `value` in [bit, end), or `end`.
static inline uint32_t bit_find(const uint8_t *bitmap, uint32_t bit, uint32_t end, bool value)
{
	const uint64_t skipped = value ? 0 : ~0ull;

	while (bit < end) {
		uint64_t word;

		if (bit % 64 == 0 && end - bit >= 64) {
			memcpy(&word, bitmap + bit / 8, 8);
			if (word == skipped) {
				bit += 64;
				continue;
			}
			word ^= skipped;
			return bit + (uint32_t)__builtin_ctzll(word);
		}
		if (bit_get(bitmap, bit) == value)
			return bit;
		bit++;
	}
	return end;
}
