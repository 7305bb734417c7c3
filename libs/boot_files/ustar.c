// SPDX-License-Identifier: MIT

#include "libs/boot_files/ustar.h"

#include "libs/base/string.h"

#define NAME_SIZE 100u
#define SIZE_OFFSET 124u
#define CHECKSUM_OFFSET 148u
#define TYPE_OFFSET 156u
#define MAGIC_OFFSET 257u
#define MAX_SIZE (1ull << 40)

// An octal number that ends at a NUL or a space.
static error_t parse_octal(struct span block, size_t offset, size_t len, uint64_t *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (size_t i = offset; i < offset + len; i++) {
		uint8_t c = block.data[i];

		if (c == '\0' || c == ' ')
			break;
		if (c < '0' || c > '7')
			return ERR_INVALID;
		value = value * 8 + (uint64_t)(c - '0');
		digits++;
	}
	if (digits == 0)
		return ERR_INVALID;
	*out = value;
	return 0;
}

// The sum of all bytes, those of the checksum itself taken as spaces.
static uint64_t sum_block(struct span block)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < USTAR_BLOCK; i++)
		sum += i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + 8 ? ' ' : block.data[i];
	return sum;
}

error_t ustar_entry_parse(struct span block, struct ustar_entry *out)
{
	uint64_t checksum, sum;
	error_t err;
	char type;

	if (block.len < USTAR_BLOCK)
		return ERR_INVALID;
	sum = sum_block(block);
	if (sum == 8 * ' ' && memchr(block.data + CHECKSUM_OFFSET, ' ', 8) == NULL)
		return ERR_EMPTY;
	err = parse_octal(block, CHECKSUM_OFFSET, 8, &checksum);
	if (err < 0)
		return err;
	if (checksum != sum || memcmp(block.data + MAGIC_OFFSET, "ustar", 5) != 0)
		return ERR_INVALID;
	err = parse_octal(block, SIZE_OFFSET, 12, &out->size);
	if (err < 0)
		return err;
	if (out->size > MAX_SIZE)
		return ERR_TOO_LARGE;
	memcpy(out->name, block.data, NAME_SIZE);
	out->name[NAME_SIZE] = '\0';
	type = (char)block.data[TYPE_OFFSET];
	out->is_file = type == '0' || type == '\0';
	return 0;
}
