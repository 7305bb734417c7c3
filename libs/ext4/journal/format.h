// SPDX-License-Identifier: MIT
//
// The journal's blocks on the disk (Linux: Documentation/filesystems/ext4/journal.rst). Numbers
// are big-endian; places are given as offsets in bytes.
#pragma once

#include <stdint.h>

#define JBD_MAGIC 0xc03b3998u

// The header of each block that is not a logged one: magic, type, sequence.
enum jbd_type {
	JBD_DESCRIPTOR = 1,
	JBD_COMMIT = 2,
	JBD_SUPER_V1 = 3,
	JBD_SUPER_V2 = 4,
	JBD_REVOKE = 5,
};
#define JBD_HEADER_SIZE 12u

enum jbd_super {
	JBD_SUPER_BLOCK_SIZE = 0x0c,
	JBD_SUPER_NUM_BLOCKS = 0x10,
	JBD_SUPER_FIRST = 0x14,
	JBD_SUPER_SEQUENCE = 0x18,
	JBD_SUPER_START = 0x1c,  // 0: the journal is empty
	JBD_SUPER_ERROR = 0x20,
	JBD_SUPER_COMPAT = 0x24,
	JBD_SUPER_INCOMPAT = 0x28,
	JBD_SUPER_RO_COMPAT = 0x2c,
	JBD_SUPER_UUID = 0x30,
	JBD_SUPER_CHECKSUM_TYPE = 0x50,
	JBD_SUPER_HEAD = 0x58,
	JBD_SUPER_CHECKSUM = 0xfc,
	JBD_SUPER_SIZE = 0x400,
};

enum jbd_compat { JBD_COMPAT_CHECKSUM = 1 };
enum jbd_incompat {
	JBD_INCOMPAT_REVOKE = 0x01,
	JBD_INCOMPAT_64BIT = 0x02,
	JBD_INCOMPAT_ASYNC_COMMIT = 0x04,
	JBD_INCOMPAT_CSUM_V2 = 0x08,
	JBD_INCOMPAT_CSUM_V3 = 0x10,
	JBD_INCOMPAT_FAST_COMMIT = 0x20,
};
#define JBD_CHECKSUM_CRC32C 4u

enum jbd_tag_flags {
	JBD_TAG_ESCAPED = 1,
	JBD_TAG_SAME_UUID = 2,
	JBD_TAG_DELETED = 4,
	JBD_TAG_LAST = 8,
};
#define JBD_UUID_SIZE 16u

#define JBD_REVOKE_COUNT 0x0cu
#define JBD_REVOKE_FIRST 0x10u
#define JBD_COMMIT_CHECKSUM 0x10u
#define JBD_COMMIT_SECONDS 0x30u
#define JBD_COMMIT_NANOSECONDS 0x38u
#define JBD_COMMIT_SIZE 0x3cu

static inline uint32_t be32_at(const uint8_t *bytes, uint32_t offset)
{
	const uint8_t *p = bytes + offset;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t be16_at(const uint8_t *bytes, uint32_t offset)
{
	return (uint16_t)(bytes[offset] << 8 | bytes[offset + 1]);
}

static inline void put_be32(uint8_t *bytes, uint32_t offset, uint32_t value)
{
	bytes[offset] = (uint8_t)(value >> 24);
	bytes[offset + 1] = (uint8_t)(value >> 16);
	bytes[offset + 2] = (uint8_t)(value >> 8);
	bytes[offset + 3] = (uint8_t)value;
}

static inline void put_be16(uint8_t *bytes, uint32_t offset, uint32_t value)
{
	bytes[offset] = (uint8_t)(value >> 8);
	bytes[offset + 1] = (uint8_t)value;
}
