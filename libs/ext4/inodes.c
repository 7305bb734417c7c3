// SPDX-License-Identifier: MIT
//
// Inodes that are given out. A node lies in the group of its folder, so that what is used together
// lies together; folders right below the root are spread over the disk.
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/bitmap.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/group.h"
#include "libs/ext4/internal.h"

// The group with room above the average that has the fewest folders.
static int spread(struct update *u, uint32_t *out)
{
	const struct super *super = &u->fs->super;
	uint32_t fewest = UINT32_MAX;

	*out = 0;
	for (uint32_t n = 0; n < super->num_groups; n++) {
		struct group g;
		int status = group_load(u, n, &g);

		if (status != 0)
			return status;
		if (group_free_inodes(&g) * (uint64_t)super->num_groups < super->free_inodes ||
		    group_free_blocks(&g) * (uint64_t)super->num_groups < super->free_blocks ||
		    group_used_dirs(&g) >= fewest)
			continue;
		fewest = group_used_dirs(&g);
		*out = n;
	}
	return 0;
}

// The first group from `begin` on with a free inode; for a folder one with free blocks, if any.
static int find_group(struct update *u, uint32_t begin, bool is_dir, struct group *out)
{
	uint32_t num_groups = u->fs->super.num_groups;

	for (uint32_t i = 0; i < num_groups * 2; i++) {
		int status = group_load(u, (begin + i) % num_groups, out);

		if (status != 0)
			return status;
		if (group_free_inodes(out) > 0 &&
		    (!is_dir || i >= num_groups || group_free_blocks(out) > 0))
			return 0;
	}
	return -LINUX_ENOSPC;
}

// The inodes of a group behind all that were ever in use may be garbage: the block of the table
// that gets its first one is made new.
static int claim(struct update *u, struct group *g, uint32_t index, const struct inode *inode)
{
	uint32_t used = u->fs->super.inodes_per_group - group_unused_inodes(g);
	uint32_t first = index - index % INODES_PER_BLOCK;
	uint8_t *bytes;

	if (index < used)
		return 0;
	group_set_unused_inodes(g, u->fs->super.inodes_per_group - index - 1);
	if (first < used || (g->raw.flags & GROUP_ITABLE_ZEROED) != 0)
		return 0;
	return update_new(u, inode->block, &bytes);
}

static int take(struct update *u, struct group *g, bool is_dir, struct inode *out)
{
	uint32_t count = u->fs->super.inodes_per_group, bit;
	uint8_t *bitmap, *blocks;
	int status = 0;

	if ((g->raw.flags & GROUP_BLOCK_UNINIT) != 0) {
		status = group_write_blocks(u, g, &blocks);
		if (status == 0)
			group_set_blocks_checksum(u->fs, g, blocks);
	}
	if (status == 0)
		status = group_write_inodes(u, g, &bitmap);
	if (status != 0)
		return status;
	bit = bit_find(bitmap, 0, count, false);
	out->number = g->number * count + bit + 1;
	if (bit == count || out->number < u->fs->super.first_inode)
		return damaged(u->fs, "the bitmap of inodes of group %u is not sound", g->number);
	bits_set(bitmap, bit, 1, true);
	group_set_free_inodes(g, group_free_inodes(g) - 1);
	if (is_dir)
		group_set_used_dirs(g, group_used_dirs(g) + 1);
	group_set_inodes_checksum(u->fs, g, bitmap);
	status = inode_locate(u, out);
	if (status == 0)
		status = claim(u, g, bit, out);
	u->free_inodes--;
	return status != 0 ? status : group_store(u, g);
}

int inodes_take(struct update *u, const struct inode *parent, bool is_dir, struct inode *out)
{
	struct super *super = &u->fs->super;
	uint32_t begin = (parent->number - 1) / super->inodes_per_group;
	struct group g;
	int status = 0;

	if (is_dir && parent->number == EXT4_ROOT_INODE)
		status = spread(u, &begin);
	if (status == 0)
		status = find_group(u, begin, is_dir, &g);
	if (status == 0)
		status = take(u, &g, is_dir, out);
	if (status != 0)
		return status;
	memset(&out->raw, 0, sizeof(out->raw));
	out->raw.extra_isize = INODE_EXTRA;
	super->next_generation = crc32c(super->next_generation + out->number,
	                                &u->fs->now.nanoseconds, sizeof(u->fs->now.nanoseconds));
	out->raw.generation = (super->next_generation & EXT4_GENERATION_MASK) | 1;
	inode_set_seed(u->fs, out);
	return 0;
}

int inodes_free(struct update *u, struct inode *inode)
{
	uint32_t per_group = u->fs->super.inodes_per_group;
	uint32_t bit = (inode->number - 1) % per_group;
	uint8_t *bitmap;
	struct group g;
	int status = group_load(u, (inode->number - 1) / per_group, &g);

	if (status == 0)
		status = group_write_inodes(u, &g, &bitmap);
	if (status != 0)
		return status;
	if (!bit_get(bitmap, bit) || group_free_inodes(&g) == per_group ||
	    inode->number < u->fs->super.first_inode)
		return damaged(u->fs, "inode %u is freed and not in use", inode->number);
	bits_set(bitmap, bit, 1, false);
	group_set_free_inodes(&g, group_free_inodes(&g) + 1);
	if (inode_is(inode, MODE_DIR) && group_used_dirs(&g) > 0)
		group_set_used_dirs(&g, group_used_dirs(&g) - 1);
	group_set_inodes_checksum(u->fs, &g, bitmap);
	u->free_inodes++;
	status = group_store(u, &g);
	inode->raw.mode = 0;
	inode->raw.links = 0;
	inode->raw.dtime = (uint32_t)u->fs->now.seconds | 1;
	return status != 0 ? status : inode_store(u, inode);
}
