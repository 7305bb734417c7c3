// SPDX-License-Identifier: MIT
//
// Ways through the tree of extents, and what is looked at in a hostile one.
#include "libs/ext4/extent.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/extent_tree.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"

_Static_assert(sizeof(struct extent_node) + EXTENTS_IN_INODE * 12 == INODE_FIELD, "root");
_Static_assert(sizeof(struct extent_node) + EXTENTS_IN_BLOCK * 12 + 4 == EXT4_BLOCK_SIZE, "block");

void extent_init(struct inode *inode)
{
	struct disk_extent_header header = { .magic = EXTENT_MAGIC, .max = EXTENTS_IN_INODE };

	memset(inode->raw.block, 0, sizeof(inode->raw.block));
	memcpy(inode->raw.block, &header, sizeof(header));
	inode->raw.flags |= INODE_EXTENTS;
}

static uint32_t checksum(const struct inode *inode, const struct extent_node *node)
{
	return crc32c(inode->seed, node, EXT4_BLOCK_SIZE - 4);
}

static uint32_t *tail(struct extent_node *node)
{
	return (uint32_t *)(void *)&node->entries[EXTENTS_IN_BLOCK];
}

static bool is_files(const struct ext4 *fs, const struct inode *inode, uint64_t disk, uint32_t len)
{
	if (inode->number == fs->super.journal_inode)
		return disk != 0 && disk < fs->num_blocks && len <= fs->num_blocks - disk;
	return super_is_files(fs, disk, len);
}

// Entries in order, within the file system, and none over another.
static bool entries_are_sound(const struct ext4 *fs, const struct inode *inode,
                              const struct extent_node *node)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < node->header.entries; i++) {
		const struct disk_extent *e = &node->entries[i];

		if (e->block < next)
			return false;
		if (node->header.depth > 0) {
			next = (uint64_t)e->block + 1;
			if (!is_files(fs, inode, extent_child(e), 1))
				return false;
			continue;
		}
		next = extent_end(e);
		if (extent_len(e) == 0 || next > 1ull << 32 ||
		    !is_files(fs, inode, extent_disk(e), extent_len(e)))
			return false;
	}
	return true;
}

static int check(struct update *u, const struct inode *inode, const struct extent_node *node,
                 uint32_t depth, bool root)
{
	const struct disk_extent_header *h = &node->header;
	const uint8_t *bytes = (const uint8_t *)node;

	if (h->magic != EXTENT_MAGIC || h->depth != depth || h->entries > h->max ||
	    h->max != (root ? EXTENTS_IN_INODE : EXTENTS_IN_BLOCK) ||
	    (h->entries == 0 && (!root || depth > 0)))
		return damaged(u->fs, "inode %u has a bad tree of extents", inode->number);
	if (!root && *block_kind(bytes) == KIND_EXTENTS)
		return 0;
	if ((!root && checksum(inode, node) != *tail((struct extent_node *)(uintptr_t)node)) ||
	    !entries_are_sound(u->fs, inode, node))
		return damaged(u->fs, "inode %u has a bad tree of extents", inode->number);
	if (!root)
		*block_kind(bytes) = KIND_EXTENTS;
	return 0;
}

int extent_read(struct update *u, const struct inode *inode, const struct extent_path *path,
                uint32_t level, const struct extent_node **out)
{
	const uint8_t *bytes;
	int status;

	if (level == 0) {
		*out = (const void *)inode->raw.block;
		return check(u, inode, *out, path->depth, true);
	}
	status = update_read(u, path->levels[level].disk, &bytes);
	*out = (const void *)bytes;
	return status != 0 ? status : check(u, inode, *out, path->depth - level, false);
}

int extent_write(struct update *u, struct inode *inode, const struct extent_path *path,
                 uint32_t level, struct extent_node **out)
{
	uint8_t *bytes;
	int status;

	if (level == 0) {
		*out = (void *)inode->raw.block;
		return check(u, inode, *out, path->depth, true);
	}
	status = update_write(u, path->levels[level].disk, &bytes);
	*out = (void *)bytes;
	return status != 0 ? status : check(u, inode, *out, path->depth - level, false);
}

void extent_store(const struct inode *inode, const struct extent_path *path, uint32_t level,
                  struct extent_node *node)
{
	(void)path;
	if (level > 0)
		*tail(node) = checksum(inode, node);
}

// The last entry that begins at or before `block`, or -1.
static int32_t search(const struct extent_node *node, uint32_t block)
{
	int32_t low = -1, high = node->header.entries;

	while (high - low > 1) {
		int32_t middle = low + (high - low) / 2;

		if (node->entries[middle].block <= block)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int extent_find(struct update *u, const struct inode *inode, uint32_t block,
                struct extent_path *path)
{
	const struct extent_node *node = (const void *)inode->raw.block;
	int status;

	if ((inode->raw.flags & INODE_EXTENTS) == 0)
		return -LINUX_EOPNOTSUPP;
	path->depth = node->header.depth;
	if (path->depth > EXTENT_MAX_DEPTH)
		return damaged(u->fs, "inode %u has a bad tree of extents", inode->number);
	path->levels[0].disk = 0;
	for (uint32_t level = 0;; level++) {
		status = extent_read(u, inode, path, level, &node);
		if (status != 0)
			return status;
		path->levels[level].at = search(node, block);
		if (level == path->depth)
			return 0;
		if (path->levels[level].at < 0)
			path->levels[level].at = 0;
		path->levels[level + 1].disk = extent_child(&node->entries[path->levels[level].at]);
	}
}

// Where the next extent behind the path begins; 2^32: there is none.
static int next_begin(struct update *u, const struct inode *inode, const struct extent_path *path,
                      uint64_t *out)
{
	*out = 1ull << 32;
	for (uint32_t level = path->depth + 1; level-- > 0;) {
		const struct extent_node *node;
		int status = extent_read(u, inode, path, level, &node);

		if (status != 0)
			return status;
		if (path->levels[level].at + 1 < node->header.entries) {
			*out = node->entries[path->levels[level].at + 1].block;
			return 0;
		}
	}
	return 0;
}

int extent_map(struct update *u, const struct inode *inode, uint32_t block, uint32_t count,
               struct ext4_run *out)
{
	const struct extent_node *leaf;
	struct extent_path path;
	uint64_t next;
	int32_t at;
	int status = extent_find(u, inode, block, &path);

	if (status == 0)
		status = extent_read(u, inode, &path, path.depth, &leaf);
	if (status != 0)
		return status;
	*out = (struct ext4_run){ .count = count };
	at = path.levels[path.depth].at;
	if (at >= 0 && extent_end(&leaf->entries[at]) > block) {
		const struct disk_extent *e = &leaf->entries[at];

		out->disk = extent_disk(e) + (block - e->block);
		out->unwritten = extent_is_unwritten(e);
		next = extent_end(e);
	} else {
		status = next_begin(u, inode, &path, &next);
		if (status == 0 && next <= block)
			status =
				damaged(u->fs, "inode %u has a bad tree of extents", inode->number);
	}
	if (status == 0 && next - block < count)
		out->count = (uint32_t)(next - block);
	return status;
}

int extent_block(struct update *u, const struct inode *inode, uint32_t block, uint64_t *out)
{
	struct ext4_run run;
	int status = extent_map(u, inode, block, 1, &run);

	if (status != 0)
		return status;
	if (run.disk == 0 || run.unwritten)
		return damaged(u->fs, "inode %u has a hole", inode->number);
	*out = run.disk;
	return 0;
}

int extent_goal(struct update *u, const struct inode *inode, uint32_t block, uint64_t *out)
{
	const struct super *super = &u->fs->super;
	const struct extent_node *leaf;
	struct extent_path path;
	const struct disk_extent *e;
	int status = extent_find(u, inode, block, &path);

	if (status == 0)
		status = extent_read(u, inode, &path, path.depth, &leaf);
	if (status != 0)
		return status;
	*out = (uint64_t)((inode->number - 1) / super->inodes_per_group) * super->blocks_per_group;
	if (path.levels[path.depth].at < 0)
		return 0;
	e = &leaf->entries[path.levels[path.depth].at];
	*out = extent_disk(e) + (block - e->block);
	if (*out >= u->fs->num_blocks || block - e->block > 1u << 16)
		*out = extent_disk(e) + extent_len(e);
	return 0;
}
