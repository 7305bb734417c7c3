// SPDX-License-Identifier: MIT
#include "libs/ext4/hash.h"

#include <stddef.h>

// The largest hash is the mark of a folder's end.
#define HASH_END 0xfffffffeu

static uint32_t rotate(uint32_t word, uint32_t bits)
{
	return word << bits | word >> (32 - bits);
}

static int32_t character(uint8_t byte, bool is_unsigned)
{
	return is_unsigned ? (int32_t)byte : (int32_t)(int8_t)byte;
}

static uint32_t legacy(struct span name, bool is_unsigned)
{
	uint32_t last = 0x37abe8f9, hash = 0x12a3fe2d;

	for (size_t i = 0; i < name.len; i++) {
		uint32_t c = (uint32_t)character(name.data[i], is_unsigned);
		uint32_t next = last + (hash ^ c * 7152373u);

		if ((next & 0x80000000u) != 0)
			next -= 0x7fffffffu;
		last = hash;
		hash = next;
	}
	return hash << 1;
}

// The next words of a name; what is behind its end is made of its length.
static void fill(struct span name, uint32_t *words, uint32_t num_words, bool is_unsigned)
{
	uint32_t pad = (uint32_t)name.len | (uint32_t)name.len << 8;
	size_t len = name.len < num_words * 4 ? name.len : num_words * 4;

	pad |= pad << 16;
	for (uint32_t w = 0; w < num_words; w++) {
		words[w] = pad;
		for (size_t i = w * 4; i < w * 4 + 4 && i < len; i++)
			words[w] = (uint32_t)character(name.data[i], is_unsigned) + (words[w] << 8);
	}
}

// The three rounds of MD4, on half as many words (RFC 1320, section 3.4, has the functions).
static void half_md4(uint32_t state[4], const uint32_t in[8])
{
	static const uint8_t order[3][8] = { { 0, 1, 2, 3, 4, 5, 6, 7 },
		                             { 1, 3, 5, 7, 0, 2, 4, 6 },
		                             { 3, 7, 2, 6, 1, 5, 0, 4 } };
	static const uint8_t shifts[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	static const uint32_t constants[3] = { 0, 0x5a827999, 0x6ed9eba1 };
	uint32_t v[4] = { state[0], state[1], state[2], state[3] };

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			uint32_t *a = &v[(8 - i) % 4];
			uint32_t b = v[(9 - i) % 4], c = v[(10 - i) % 4], d = v[(11 - i) % 4];
			uint32_t mixed = round == 0 ? (d ^ (b & (c ^ d)))
				: round == 1        ? (b & c) + ((b ^ c) & d)
						    : b ^ c ^ d;

			*a = rotate(*a + mixed + in[order[round][i]] + constants[round],
			            shifts[round][i % 4]);
		}
	}
	for (uint32_t i = 0; i < 4; i++)
		state[i] += v[i];
}

static void tea(uint32_t state[4], const uint32_t in[4])
{
	uint32_t a = state[0], b = state[1], sum = 0;

	for (uint32_t round = 0; round < 16; round++) {
		sum += 0x9e3779b9;
		a += ((b << 4) + in[0]) ^ (b + sum) ^ ((b >> 5) + in[1]);
		b += ((a << 4) + in[2]) ^ (a + sum) ^ ((a >> 5) + in[3]);
	}
	state[0] += a;
	state[1] += b;
}

struct name_hash name_hash(struct span name, uint32_t version, const uint32_t seed[4])
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	bool is_unsigned = version >= HASH_UNSIGNED;
	bool is_md4 = version % HASH_UNSIGNED == HASH_HALF_MD4;
	uint32_t num_words = is_md4 ? 8 : 4;
	struct name_hash hash = { 0, 0 };

	if (version % HASH_UNSIGNED == HASH_LEGACY) {
		hash.major = legacy(name, is_unsigned);
	} else {
		if ((seed[0] | seed[1] | seed[2] | seed[3]) != 0)
			for (uint32_t i = 0; i < 4; i++)
				state[i] = seed[i];
		while (name.len > 0) {
			size_t step = name.len < num_words * 4 ? name.len : num_words * 4;
			uint32_t words[8];

			fill(name, words, num_words, is_unsigned);
			if (is_md4)
				half_md4(state, words);
			else
				tea(state, words);
			name.data += step;
			name.len -= step;
		}
		hash.major = is_md4 ? state[1] : state[0];
		hash.minor = is_md4 ? state[2] : state[1];
	}
	hash.major &= ~1u;
	if (hash.major == HASH_END)
		hash.major -= 2;
	return hash;
}
