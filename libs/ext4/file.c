// SPDX-License-Identifier: MIT
//
// Where the bytes of files lie, and blocks that become theirs.
#include "libs/abi/linux_error.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/internal.h"

static int load_file(struct update *u, struct ext4_node node, struct inode *out)
{
	int status = inode_load_node(u, node, out);

	if (status == 0 && !inode_is(out, MODE_FILE))
		return -LINUX_EINVAL;
	return status;
}

int ext4_map(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
             struct ext4_run *out)
{
	struct inode inode;
	int status = load_file(u, node, &inode);

	return status != 0 ? status : extent_map(u, &inode, block, count, out);
}

// Runs that one update looks at.
#define SEEK_RUNS 256u

int ext4_seek(struct update *u, struct ext4_node node, uint32_t block, bool hole, uint32_t *out)
{
	struct inode inode;
	int status = load_file(u, node, &inode);

	for (uint32_t i = 0; status == 0; i++) {
		struct ext4_run run;

		*out = block;
		if (i == SEEK_RUNS)
			return UPDATE_MORE;
		status = extent_map(u, &inode, block, UINT32_MAX - block, &run);
		if (status != 0)
			return status;
		if ((run.disk == 0 || run.unwritten) == hole || run.count >= UINT32_MAX - block) {
			if ((run.disk == 0 || run.unwritten) != hole)
				*out = UINT32_MAX;
			return 0;
		}
		block += run.count;
	}
	return status;
}

// Blocks that nobody has, has been promised, or may need for what is said to be reserved.
static uint64_t num_available(const struct ext4 *fs)
{
	struct ext4_statfs s;

	ext4_statfs(fs, &s);
	return s.available_blocks;
}

int ext4_reserve(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 struct ext4_reservation *out)
{
	uint64_t goal, available = num_available(u->fs);
	struct inode inode;
	int status = load_file(u, node, &inode);

	if (status != 0)
		return status;
	if (count > available)
		count = (uint32_t)available;
	if (count == 0)
		return -LINUX_ENOSPC;
	status = extent_goal(u, &inode, block, &goal);
	if (status == 0)
		status = blocks_find(u, goal, count, &out->block, &out->count);
	if (status == 0)
		list_insert_after(&u->fs->super.reservations, &out->entry);
	return status;
}

void ext4_unreserve(struct ext4 *fs, struct ext4_reservation *reservation)
{
	(void)fs;
	list_remove(&reservation->entry);
	reservation->count = 0;
}

void ext4_reservation_used(struct ext4 *fs, struct ext4_reservation *reservation, uint32_t count)
{
	reservation->block += count;
	reservation->count -= count;
	if (reservation->count == 0)
		ext4_unreserve(fs, reservation);
}

static int store(struct update *u, struct inode *inode, uint64_t size)
{
	if (size > inode_size(inode))
		inode_set_size(inode, size);
	inode_stamp(u->fs, inode);
	return inode_store(u, inode);
}

int ext4_extend(struct update *u, struct ext4_node node, uint32_t block,
                const struct ext4_reservation *reservation, uint32_t count, bool unwritten,
                uint64_t size)
{
	struct inode inode;
	int status = load_file(u, node, &inode);

	if (status != 0)
		return status;
	if (count == 0 || count > reservation->count || block > UINT32_MAX - count)
		return -LINUX_EINVAL;
	status = blocks_take(u, reservation->block, count);
	if (status == 0)
		status = extent_insert(u, &inode, block, reservation->block, count, unwritten);
	if (status != 0)
		return status;
	inode_add_blocks(&inode, count);
	return store(u, &inode, size);
}

int ext4_written(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 uint64_t size)
{
	struct inode inode;
	int status = load_file(u, node, &inode), more;

	if (status != 0)
		return status;
	if (block > UINT32_MAX - count)
		return -LINUX_EINVAL;
	more = extent_mark_written(u, &inode, block, count);
	if (more != 0 && more != UPDATE_MORE)
		return more;
	status = store(u, &inode, more == 0 ? size : 0);
	return status != 0 ? status : more;
}
