// SPDX-License-Identifier: MIT
//
// Extents that leave the tree, or change from unwritten to written.
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/extent_tree.h"
#include "libs/ext4/internal.h"

// What one more step may need: bitmaps and descriptors of two groups, a way and a split of it.
#define STEP_BLOCKS 18u
// Blocks of folders that one step frees at most: each is a revoked one.
#define STEP_METADATA 256u

static bool has_room(const struct update *u)
{
	return u->num_blocks + STEP_BLOCKS <= u->credits && u->num_freed + 8 <= UPDATE_MAX_FREED &&
		u->num_revoked + STEP_METADATA + 8 <= UPDATE_MAX_REVOKED;
}

// Takes an entry out of a node, and a node that is empty out of the one above it.
static int remove_entry(struct update *u, struct inode *inode, const struct extent_path *path)
{
	for (uint32_t level = path->depth;; level--) {
		uint32_t at = (uint32_t)path->levels[level].at;
		struct extent_node *node;
		int status = extent_write(u, inode, path, level, &node);

		if (status != 0)
			return status;
		node->header.entries--;
		memmove(&node->entries[at], &node->entries[at + 1],
		        (node->header.entries - at) * sizeof(node->entries[0]));
		if (node->header.entries > 0) {
			extent_store(inode, path, level, node);
			return at == 0 ? extent_fix_keys(u, inode, path, level) : 0;
		}
		if (level == 0) {
			node->header.depth = 0;
			return 0;
		}
		status = blocks_free(u, path->levels[level].disk, 1, true);
		if (status != 0)
			return status;
		inode_add_blocks(inode, -1);
	}
}

// Takes [begin, end), which lies within the extent at the path, out of the tree.
static int cut(struct update *u, struct inode *inode, const struct extent_path *path,
               uint32_t begin, uint64_t end)
{
	struct disk_extent whole, *e;
	struct extent_node *leaf;
	int status = extent_write(u, inode, path, path->depth, &leaf);

	if (status != 0)
		return status;
	e = &leaf->entries[path->levels[path->depth].at];
	whole = *e;
	if (begin == whole.block && end == extent_end(&whole))
		return remove_entry(u, inode, path);
	if (begin == whole.block)
		extent_set(e, (uint32_t)end, extent_disk(&whole) + (end - begin),
		           (uint32_t)(extent_end(&whole) - end), extent_is_unwritten(&whole));
	else
		extent_set(e, whole.block, extent_disk(&whole), begin - whole.block,
		           extent_is_unwritten(&whole));
	extent_store(inode, path, path->depth, leaf);
	if (begin == whole.block)
		return path->levels[path->depth].at == 0
			? extent_fix_keys(u, inode, path, path->depth)
			: 0;
	if (end == extent_end(&whole))
		return 0;
	return extent_insert(u, inode, (uint32_t)end, extent_disk(&whole) + (end - whole.block),
	                     (uint32_t)(extent_end(&whole) - end), extent_is_unwritten(&whole));
}

// The extent with the last block before `end`. *found is false if it ends before `begin`.
static int find_last(struct update *u, const struct inode *inode, uint32_t begin, uint64_t end,
                     struct extent_path *path, struct disk_extent *e, bool *found)
{
	const struct extent_node *leaf;
	int32_t at;
	int status = extent_find(u, inode, (uint32_t)(end - 1), path);

	if (status == 0)
		status = extent_read(u, inode, path, path->depth, &leaf);
	if (status != 0)
		return status;
	at = path->levels[path->depth].at;
	*found = at >= 0 && extent_end(&leaf->entries[at]) > begin;
	if (*found)
		*e = leaf->entries[at];
	return 0;
}

int extent_remove(struct update *u, struct inode *inode, uint32_t begin, uint64_t end)
{
	bool metadata = !inode_is(inode, MODE_FILE);
	int status = 0;

	while (begin < end) {
		struct extent_path path;
		struct disk_extent e;
		uint64_t first, last;
		bool found;

		status = find_last(u, inode, begin, end, &path, &e, &found);
		if (status != 0 || !found)
			return status;
		if (!has_room(u))
			return UPDATE_MORE;
		first = e.block > begin ? e.block : begin;
		last = extent_end(&e) < end ? extent_end(&e) : end;
		if (metadata && last - first > STEP_METADATA)
			first = last - STEP_METADATA;
		// Of two groups at most, as STEP_BLOCKS has it: groups may be small.
		if (last - first > u->fs->super.blocks_per_group)
			first = last - u->fs->super.blocks_per_group;
		status = cut(u, inode, &path, (uint32_t)first, last);
		if (status == 0)
			status = blocks_free(u, extent_disk(&e) + (first - e.block),
			                     (uint32_t)(last - first), metadata);
		if (status != 0)
			return status;
		inode_add_blocks(inode, -(int64_t)(last - first));
		end = first;
	}
	return 0;
}

// Makes [begin, begin + count), which lies within one extent, written.
static int convert(struct update *u, struct inode *inode, uint32_t begin, uint32_t count)
{
	struct disk_extent e;
	struct extent_path path;
	uint64_t disk;
	bool found;
	int status = find_last(u, inode, begin, (uint64_t)begin + count, &path, &e, &found);

	if (status != 0)
		return status;
	if (!found || e.block > begin)
		return damaged(u->fs, "inode %u has a bad tree of extents", inode->number);
	disk = extent_disk(&e) + (begin - e.block);
	status = cut(u, inode, &path, begin, (uint64_t)begin + count);
	return status != 0 ? status : extent_insert(u, inode, begin, disk, count, false);
}

int extent_mark_written(struct update *u, struct inode *inode, uint32_t block, uint32_t count)
{
	while (count > 0) {
		struct ext4_run run;
		int status = extent_map(u, inode, block, count, &run);

		if (status == 0 && run.unwritten) {
			if (u->num_blocks + STEP_BLOCKS > u->credits)
				return UPDATE_MORE;
			status = convert(u, inode, block, run.count);
		}
		if (status != 0)
			return status;
		block += run.count;
		count -= run.count;
	}
	return 0;
}
