// SPDX-License-Identifier: MIT
#include "libs/ext4/crc32c.h"

#include <stdbool.h>

#define POLYNOMIAL 0x82f63b78u  // reflected

// tables[k][b]: the CRC of the byte b and k zero bytes behind it.
static uint32_t tables[8][256];
// The byte of tables[0] with this highest byte; they are all different.
static uint8_t byte_of_high[256];
static bool is_ready;

static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][b] = crc;
		byte_of_high[crc >> 24] = (uint8_t)b;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (uint32_t k = 1; k < 8; k++)
			tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 0xff];
	is_ready = true;
}

static uint32_t step(uint32_t crc, uint8_t byte)
{
	return crc >> 8 ^ tables[0][(crc ^ byte) & 0xff];
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (!is_ready)
		make_tables();
	for (; len >= 8; len -= 8, p += 8) {
		uint32_t low = crc ^ le32(p);
		uint32_t high = le32(p + 4);

		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^
			tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
			tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
			tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
	}
	for (; len > 0; len--)
		crc = step(crc, *p++);
	return crc;
}

// The state before `byte`, from the one after it.
static uint32_t step_back(uint32_t crc, uint8_t byte)
{
	uint32_t b = byte_of_high[crc >> 24];

	return (crc ^ tables[0][b]) << 8 | (b ^ byte);
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
