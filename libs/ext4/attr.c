// SPDX-License-Identifier: MIT
//
// Attributes of nodes.
#include "libs/abi/linux_error.h"
#include "libs/ext4/inode.h"
#include "libs/ext4/internal.h"

int ext4_getattr(struct update *u, struct ext4_node node, struct ext4_attr *out)
{
	struct inode inode;
	int status = inode_load_node(u, node, &inode);

	if (status == 0)
		inode_attr(&inode, out);
	return status;
}

int ext4_node_of(struct update *u, uint32_t number, struct ext4_attr *out)
{
	struct inode inode;
	int status = inode_load(u, number, &inode);

	if (status == 0)
		inode_attr(&inode, out);
	return status;
}

int ext4_setattr(struct update *u, struct ext4_node node, uint32_t which, struct ext4_attr *attr)
{
	struct ext4_attr old;
	struct inode inode;
	int status = inode_load_node(u, node, &inode);

	if (status != 0)
		return status;
	inode_attr(&inode, &old);
	if ((which & EXT4_SET_MODE) != 0)
		inode.raw.mode =
			(uint16_t)((inode.raw.mode & MODE_TYPE) | (attr->mode & ~MODE_TYPE));
	inode_set_owner(&inode, (which & EXT4_SET_UID) != 0 ? attr->uid : old.uid,
	                (which & EXT4_SET_GID) != 0 ? attr->gid : old.gid);
	if ((which & EXT4_SET_ATIME) != 0)
		inode_set_atime(&inode, attr->atime);
	if ((which & EXT4_SET_MTIME) != 0)
		inode_set_mtime(&inode, attr->mtime);
	inode_set_ctime(&inode, (which & EXT4_SET_CTIME) != 0 ? attr->ctime : u->fs->now);
	inode_attr(&inode, attr);
	return inode_store(u, &inode);
}
