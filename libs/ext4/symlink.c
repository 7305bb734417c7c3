// SPDX-License-Identifier: MIT
#include "libs/ext4/symlink.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/internal.h"

int symlink_init(struct update *u, struct inode *inode, struct span target)
{
	uint64_t goal, disk;
	uint8_t *bytes;
	int status;

	if (target.len == 0 || memchr(target.data, '\0', target.len) != NULL)
		return -LINUX_EINVAL;
	if (target.len >= EXT4_BLOCK_SIZE)
		return -LINUX_ENAMETOOLONG;
	inode_set_size(inode, target.len);
	if (target.len < INODE_FIELD) {
		memcpy(inode->raw.block, target.data, target.len);
		return 0;
	}
	extent_init(inode);
	status = extent_goal(u, inode, 0, &goal);
	if (status == 0)
		status = blocks_take_one(u, goal, &disk);
	if (status == 0)
		status = extent_insert(u, inode, 0, disk, 1, false);
	if (status == 0)
		status = update_new(u, disk, &bytes);
	if (status != 0)
		return status;
	memcpy(bytes, target.data, target.len);
	inode_add_blocks(inode, 1);
	return 0;
}

int ext4_readlink(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	struct inode inode;
	uint64_t disk, size;
	const uint8_t *bytes;
	int status = inode_load_node(u, node, &inode);

	if (status != 0)
		return status;
	if (!inode_is(&inode, MODE_LINK))
		return -LINUX_EINVAL;
	size = inode_size(&inode);
	if (size == 0 || size > EXT4_BLOCK_SIZE)
		return damaged(u->fs, "the link of inode %u is not sound", inode.number);
	*len = (size_t)size;
	if ((inode.raw.flags & INODE_EXTENTS) == 0) {
		if (size >= INODE_FIELD)
			return damaged(u->fs, "the link of inode %u is not sound", inode.number);
		memcpy(out, inode.raw.block, (size_t)size);
		return 0;
	}
	status = extent_block(u, &inode, 0, &disk);
	if (status == 0)
		status = update_read(u, disk, &bytes);
	if (status == 0)
		memcpy(out, bytes, (size_t)size);
	return status;
}
