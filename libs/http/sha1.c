// SPDX-License-Identifier: MIT
#include "libs/http/sha1.h"

#include "libs/base/string.h"

#define BLOCK 64u

static uint32_t rotate(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) | (~b & d)) + 0x5a827999u;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (round < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

static void take_block(uint32_t h[5], const uint8_t *block)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	struct reader r = reader_make(block, BLOCK);

	for (unsigned i = 0; i < 80; i++) {
		uint32_t next;

		w[i] = i < 16 ? reader_be32(&r)
			      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1(struct span bytes, uint8_t out[SHA1_SIZE])
{
	uint32_t h[5] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u };
	uint8_t last[2 * BLOCK] = { 0 };
	size_t whole = bytes.len / BLOCK * BLOCK, left = bytes.len - whole;
	size_t last_len = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
	struct writer w;

	for (size_t i = 0; i < whole; i += BLOCK)
		take_block(h, bytes.data + i);
	if (left > 0)
		memcpy(last, bytes.data + whole, left);
	last[left] = 0x80;
	w = writer_make(last + last_len - 8, 8);
	writer_be64(&w, (uint64_t)bytes.len * 8);
	for (size_t i = 0; i < last_len; i += BLOCK)
		take_block(h, last + i);
	w = writer_make(out, SHA1_SIZE);
	for (size_t i = 0; i < 5; i++)
		writer_be32(&w, h[i]);
}
