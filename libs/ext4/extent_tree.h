// SPDX-License-Identifier: MIT
//
// The tree of extents, for extent.c and extent_remove.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/extent.h"
#include "libs/ext4/format.h"

// A node: the root, in the copy of the inode, or a block.
struct extent_node {
	struct disk_extent_header header;
	struct disk_extent entries[];
};

struct extent_level {
	uint64_t disk;  // of the node; 0: the root
	int32_t at;     // the entry; -1: before the first
};

// The way from the root to a leaf's entry.
struct extent_path {
	uint32_t depth;
	struct extent_level levels[EXTENT_MAX_DEPTH + 1];
};

// The way to the last entry that begins at or before `block`. Errors: update_read's,
// -LINUX_EUCLEAN.
int extent_find(struct update *u, const struct inode *inode, uint32_t block,
                struct extent_path *path);
// The node of a level, which is sound.
int extent_read(struct update *u, const struct inode *inode, const struct extent_path *path,
                uint32_t level, const struct extent_node **out);
// The same, to be changed; extent_store follows. Errors: update_write's.
int extent_write(struct update *u, struct inode *inode, const struct extent_path *path,
                 uint32_t level, struct extent_node **out);
// Gives a node that was changed its checksum.
void extent_store(const struct inode *inode, const struct extent_path *path, uint32_t level,
                  struct extent_node *node);
// Brings the keys above a leaf in line with its first entry, after that changed.
int extent_fix_keys(struct update *u, struct inode *inode, const struct extent_path *path,
                    uint32_t level);

static inline uint64_t extent_disk(const struct disk_extent *e)
{
	return (uint64_t)e->start_hi << 32 | e->start_lo;
}
static inline bool extent_is_unwritten(const struct disk_extent *e)
{
	return e->len > EXTENT_MAX_LEN;
}
static inline uint32_t extent_len(const struct disk_extent *e)
{
	return extent_is_unwritten(e) ? e->len - EXTENT_MAX_LEN : e->len;
}
static inline uint64_t extent_end(const struct disk_extent *e)
{
	return (uint64_t)e->block + extent_len(e);
}
static inline uint64_t extent_child(const struct disk_extent *e)
{
	return (uint64_t)e->node_hi << 32 | e->node_lo;
}
static inline void extent_set(struct disk_extent *e, uint32_t block, uint64_t disk, uint32_t len,
                              bool unwritten)
{
	e->block = block;
	e->len = (uint16_t)(unwritten ? len + EXTENT_MAX_LEN : len);
	e->start_hi = (uint16_t)(disk >> 32);
	e->start_lo = (uint32_t)disk;
}
// Whether `b` follows `a` on the disk as in the file, and both fit into one extent.
static inline bool extent_can_join(const struct disk_extent *a, const struct disk_extent *b)
{
	uint32_t max = extent_is_unwritten(a) ? EXTENT_MAX_LEN - 1 : EXTENT_MAX_LEN;

	return extent_end(a) == b->block && extent_disk(a) + extent_len(a) == extent_disk(b) &&
		extent_is_unwritten(a) == extent_is_unwritten(b) &&
		extent_len(a) + extent_len(b) <= max;
}
