// SPDX-License-Identifier: MIT
#include "kernel/object/random.h"

#include <stdint.h>

#include "kernel/sched/spinlock.h"
#include "libs/base/string.h"

#define KEY_SIZE 32u
#define BLOCK 64u

static struct spinlock lock = { .rank = LOCK_RANK_OBJECT };
static uint8_t key[KEY_SIZE];
static uint32_t counter;
static size_t seeded_bytes;

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t s[16], int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

void random_chacha20_block(const uint8_t block_key[32], uint32_t block_counter,
                           const uint8_t nonce[12], uint8_t out[64])
{
	uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t s[16];

	memcpy(&start[4], block_key, KEY_SIZE);
	start[12] = block_counter;
	memcpy(&start[13], nonce, 12);
	memcpy(s, start, sizeof(s));
	for (int i = 0; i < 10; i++) {
		quarter_round(s, 0, 4, 8, 12);
		quarter_round(s, 1, 5, 9, 13);
		quarter_round(s, 2, 6, 10, 14);
		quarter_round(s, 3, 7, 11, 15);
		quarter_round(s, 0, 5, 10, 15);
		quarter_round(s, 1, 6, 11, 12);
		quarter_round(s, 2, 7, 8, 13);
		quarter_round(s, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		s[i] += start[i];
	memcpy(out, s, BLOCK);
}

static void next_block_locked(uint8_t out[BLOCK])
{
	static const uint8_t nonce[12];

	random_chacha20_block(key, counter++, nonce, out);
}

// The key becomes output of itself: what was given out cannot be computed any more.
static void rekey_locked(void)
{
	uint8_t block[BLOCK];

	next_block_locked(block);
	memcpy(key, block, KEY_SIZE);
	counter = 0;
	memset(block, 0, sizeof(block));
	__asm__ volatile("" : : "r"(block) : "memory");
}

void random_mix(const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	spin_lock(&lock);
	for (size_t done = 0; done < len;) {
		for (size_t i = 0; i < KEY_SIZE && done < len; i++, done++)
			key[i] ^= from[done];
		rekey_locked();
	}
	seeded_bytes += len < KEY_SIZE ? len : KEY_SIZE;
	spin_unlock(&lock);
}

void random_bytes(void *out, size_t len)
{
	uint8_t block[BLOCK];
	uint8_t *to = out;

	spin_lock(&lock);
	while (len > 0) {
		size_t step = len < BLOCK ? len : BLOCK;

		next_block_locked(block);
		memcpy(to, block, step);
		to += step;
		len -= step;
	}
	rekey_locked();
	spin_unlock(&lock);
	memset(block, 0, sizeof(block));
	__asm__ volatile("" : : "r"(block) : "memory");
}

bool random_is_seeded(void)
{
	return seeded_bytes >= KEY_SIZE;
}
