// SPDX-License-Identifier: MIT
//
// Descriptors of block groups, and the bitmaps that they name.
#pragma once

#include <stdint.h>

#include "libs/ext4/ext4.h"
#include "libs/ext4/format.h"

#define GROUPS_PER_BLOCK (EXT4_BLOCK_SIZE / 64u)
#define INODES_PER_BLOCK (EXT4_BLOCK_SIZE / INODE_SIZE)

// A copy of a descriptor; group_store makes it the update's.
struct group {
	uint32_t number;
	struct disk_group raw;
};

// Reads a descriptor, checks its checksum and numbers. Errors: update_read's, -LINUX_EUCLEAN.
int group_load(struct update *u, uint32_t number, struct group *out);
// Writes it with its checksum. Errors: update_write's.
int group_store(struct update *u, struct group *g);

static inline uint64_t group_block_bitmap(const struct group *g)
{
	return (uint64_t)g->raw.block_bitmap_hi << 32 | g->raw.block_bitmap_lo;
}
static inline uint64_t group_inode_bitmap(const struct group *g)
{
	return (uint64_t)g->raw.inode_bitmap_hi << 32 | g->raw.inode_bitmap_lo;
}
static inline uint64_t group_inode_table(const struct group *g)
{
	return (uint64_t)g->raw.inode_table_hi << 32 | g->raw.inode_table_lo;
}
static inline uint32_t group_free_blocks(const struct group *g)
{
	return (uint32_t)g->raw.free_blocks_hi << 16 | g->raw.free_blocks_lo;
}
static inline uint32_t group_free_inodes(const struct group *g)
{
	return (uint32_t)g->raw.free_inodes_hi << 16 | g->raw.free_inodes_lo;
}
static inline uint32_t group_used_dirs(const struct group *g)
{
	return (uint32_t)g->raw.used_dirs_hi << 16 | g->raw.used_dirs_lo;
}
static inline uint32_t group_unused_inodes(const struct group *g)
{
	return (uint32_t)g->raw.itable_unused_hi << 16 | g->raw.itable_unused_lo;
}
// The first block of a group.
uint64_t group_first_block(const struct ext4 *fs, uint32_t number);
// How many blocks it has: the last group may have fewer.
uint32_t group_num_blocks(const struct ext4 *fs, uint32_t number);

// Sets counts.
void group_set_free_blocks(struct group *g, uint32_t count);
void group_set_free_inodes(struct group *g, uint32_t count);
void group_set_used_dirs(struct group *g, uint32_t count);
void group_set_unused_inodes(struct group *g, uint32_t count);

// The bitmap of blocks as this update sees it. One that is not initialized is made in `scratch`,
// of EXT4_BLOCK_SIZE bytes. Errors: update_read's, -LINUX_EUCLEAN.
int group_read_blocks(struct update *u, const struct group *g, uint8_t *scratch,
                      const uint8_t **out);
// The same, to be changed; one that is not initialized becomes so.
int group_write_blocks(struct update *u, struct group *g, uint8_t **out);
// Puts the bitmap's checksum into `g`, for group_store.
void group_set_blocks_checksum(struct ext4 *fs, struct group *g, const uint8_t *bitmap);
// The same three for the bitmap of inodes.
int group_read_inodes(struct update *u, const struct group *g, uint8_t *scratch,
                      const uint8_t **out);
int group_write_inodes(struct update *u, struct group *g, uint8_t **out);
void group_set_inodes_checksum(struct ext4 *fs, struct group *g, const uint8_t *bitmap);
