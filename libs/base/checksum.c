// SPDX-License-Identifier: MIT
//
// The Internet checksum (RFC 1071), eight bytes at a time: its sum is the same whatever the word
// size, once folded.
#include "libs/base/checksum.h"

#include <stdbool.h>

static uint64_t load64(const uint8_t *p)
{
	uint64_t value;

	// Not the function: a call for each word would cost more than the sum.
	__builtin_memcpy(&value, __builtin_assume_aligned(p, 8), sizeof(value));
	return value;
}

static uint64_t add_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

uint16_t checksum_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t left = len;
	uint64_t sum = 0;
	bool odd = ((uintptr_t)p & 1) != 0 && left > 0;

	if (odd) {  // the bytes of each pair change places; they are put right at the end
		sum = (uint64_t)*p++ << 8;
		left--;
	}
	for (; ((uintptr_t)p & 7) != 0 && left >= 2; p += 2, left -= 2)
		sum += (uint64_t)p[0] | (uint64_t)p[1] << 8;
	for (; left >= 32; p += 32, left -= 32) {
		sum = add_carry(sum, load64(p));
		sum = add_carry(sum, load64(p + 8));
		sum = add_carry(sum, load64(p + 16));
		sum = add_carry(sum, load64(p + 24));
	}
	for (; left >= 8; p += 8, left -= 8)
		sum = add_carry(sum, load64(p));
	for (; left >= 2; p += 2, left -= 2)
		sum = add_carry(sum, (uint64_t)p[0] | (uint64_t)p[1] << 8);
	if (left > 0)
		sum = add_carry(sum, *p);

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (odd)
		sum = (sum & 0xff) << 8 | sum >> 8;
	return (uint16_t)sum;
}
