// SPDX-License-Identifier: MIT
//
// Blocks that leave a file: in pieces, with the file on the list of orphans from the first piece
// to the last.
#include "libs/abi/linux_error.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/orphan.h"
#include "libs/ext4/xattr.h"

#define NO_END (1ull << 32)

static uint32_t blocks_of(uint64_t size)
{
	return (uint32_t)((size + EXT4_BLOCK_SIZE - 1) / EXT4_BLOCK_SIZE);
}

// Frees what lies behind the size. UPDATE_MORE: there is more, and it is an orphan. A file without
// a name is one anyway.
static int cut_tail(struct update *u, struct inode *inode)
{
	const bool named = inode->raw.links > 0;
	const bool orphan = named && orphan_has(u->fs, inode);
	int status = 0, more;

	more = inode_size(inode) > UINT32_MAX * (uint64_t)EXT4_BLOCK_SIZE
		? 0
		: extent_remove(u, inode, blocks_of(inode_size(inode)), NO_END);
	if (more == UPDATE_MORE && named && !orphan)
		status = orphan_add(u, inode);
	if (more == 0 && orphan)
		status = orphan_remove(u, inode);
	return status != 0 ? status : more;
}

int ext4_truncate(struct update *u, struct ext4_node node, uint64_t size)
{
	struct inode inode;
	int status = inode_load_node(u, node, &inode), more = 0;

	if (status != 0)
		return status;
	if (!inode_is(&inode, MODE_FILE))
		return -LINUX_EINVAL;
	if (size > UINT32_MAX * (uint64_t)EXT4_BLOCK_SIZE)
		return -LINUX_EFBIG;
	if (size > inode_size(&inode)) {
		// A truncate that was not finished is, before what it left is shown again.
		if (inode.raw.links > 0 && orphan_has(u->fs, &inode))
			more = cut_tail(u, &inode);
		if (more == 0)
			inode_set_size(&inode, size);
	} else {
		inode_set_size(&inode, size);
		more = cut_tail(u, &inode);
	}
	if (status == 0 && more != 0 && more != UPDATE_MORE)
		status = more;
	if (status != 0)
		return status;
	inode_stamp(u->fs, &inode);
	status = inode_store(u, &inode);
	return status != 0 ? status : more;
}

int ext4_release(struct update *u, struct ext4_node node)
{
	struct inode inode;
	int status = inode_load_node(u, node, &inode), more = 0;

	if (status != 0)
		return status;
	if (inode.raw.links > 0 || node.inode == EXT4_ROOT_INODE)
		return -LINUX_EINVAL;
	if ((inode.raw.flags & INODE_EXTENTS) != 0)
		more = extent_remove(u, &inode, 0, NO_END);
	if (more == UPDATE_MORE) {
		status = inode_store(u, &inode);
		return status != 0 ? status : UPDATE_MORE;
	}
	if (more == 0)
		more = xattr_release(u, &inode);
	if (more == 0)
		more = orphan_remove(u, &inode);
	return more != 0 ? more : inodes_free(u, &inode);
}

int ext4_punch(struct update *u, struct ext4_node node, uint32_t block, uint32_t count)
{
	struct inode inode;
	int status = inode_load_node(u, node, &inode), more;

	if (status != 0)
		return status;
	if (!inode_is(&inode, MODE_FILE))
		return -LINUX_EINVAL;
	more = extent_remove(u, &inode, block, (uint64_t)block + count);
	if (more != 0 && more != UPDATE_MORE)
		return more;
	inode_stamp(u->fs, &inode);
	status = inode_store(u, &inode);
	return status != 0 ? status : more;
}
