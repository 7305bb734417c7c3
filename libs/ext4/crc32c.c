// SPDX-License-Identifier: MIT
#include "libs/ext4/crc32c.h"

#include <stdbool.h>

#define POLYNOMIAL 0x82f63b78u  // reflected

// tables[b][k]: the CRC of the byte b and k zero bytes behind it. All of a byte's are at constant
// offsets from the first.
static uint32_t tables[256][8];
// The byte of tables[][0] with this highest byte; they are all different.
static uint8_t byte_of_high[256];
static bool is_ready;

static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[b][0] = crc;
		byte_of_high[crc >> 24] = (uint8_t)b;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (uint32_t k = 1; k < 8; k++)
			tables[b][k] = tables[b][k - 1] >> 8 ^ tables[tables[b][k - 1] & 0xff][0];
	is_ready = true;
}

static uint32_t step(uint32_t crc, uint8_t byte)
{
	return crc >> 8 ^ tables[(crc ^ byte) & 0xff][0];
}

static uint64_t word_at(const uint8_t *aligned)
{
	uint64_t word;

	__builtin_memcpy(&word, __builtin_assume_aligned(aligned, sizeof(word)), sizeof(word));
	return word;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (!is_ready)
		make_tables();
	for (; len > 0 && (uintptr_t)p % 8 != 0; len--)
		crc = step(crc, *p++);
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word = word_at(p) ^ crc;

		crc = tables[word & 0xff][7] ^ tables[word >> 8 & 0xff][6] ^
			tables[word >> 16 & 0xff][5] ^ tables[word >> 24 & 0xff][4] ^
			tables[word >> 32 & 0xff][3] ^ tables[word >> 40 & 0xff][2] ^
			tables[word >> 48 & 0xff][1] ^ tables[word >> 56][0];
	}
	for (; len > 0; len--)
		crc = step(crc, *p++);
	return crc;
}

// The state before `byte`, from the one after it.
static uint32_t step_back(uint32_t crc, uint8_t byte)
{
	uint32_t b = byte_of_high[crc >> 24];

	return (crc ^ tables[b][0]) << 8 | (b ^ byte);
}

uint32_t crc32c_force(uint32_t crc, const void *bytes, size_t len, size_t offset, uint32_t wanted)
{
	const uint8_t *p = bytes;
	uint32_t before = crc32c(crc, p, offset);

	for (size_t i = len; i > offset + 4; i--)
		wanted = step_back(wanted, p[i - 1]);
	// Four bytes of zero taken back from there: what differs from `before` are the bytes.
	for (int i = 0; i < 4; i++)
		wanted = step_back(wanted, 0);
	return wanted ^ before;
}
