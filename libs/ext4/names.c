// SPDX-License-Identifier: MIT
//
// Names that come and go. A copy of an inode is stored once, at the operation's end.
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/dir.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/names.h"
#include "libs/ext4/orphan.h"
#include "libs/ext4/symlink.h"

int names_load_dir(struct update *u, struct ext4_node node, struct inode *out)
{
	int status = inode_load_node(u, node, out);

	if (status == 0 && !inode_is(out, MODE_DIR))
		return -LINUX_ENOTDIR;
	return status;
}

static bool is_dots(struct span name)
{
	return (name.len == 1 && name.data[0] == '.') ||
		(name.len == 2 && name.data[0] == '.' && name.data[1] == '.');
}

int names_check(struct span name)
{
	int status = dir_check_name(name);

	return status == 0 && is_dots(name) ? -LINUX_EINVAL : status;
}

int ext4_lookup(struct update *u, struct ext4_node node, struct span name, struct ext4_attr *out)
{
	struct inode dir, inode;
	struct dir_slot slot;
	int status = names_load_dir(u, node, &dir);

	if (status == 0)
		status = dir_check_name(name);
	if (status == 0)
		status = dir_find(u, &dir, name, &slot);
	if (status == 0)
		status = inode_load(u, slot.inode, &inode);
	if (status == 0)
		inode_attr(&inode, out);
	return status;
}

// A folder that may get a name that it does not have yet.
static int load_for_new(struct update *u, struct ext4_node node, struct span name,
                        struct inode *dir)
{
	struct dir_slot slot;
	int status = names_load_dir(u, node, dir);

	if (status == 0)
		status = dir_check_name(name);
	if (status == 0)
		status = is_dots(name) ? -LINUX_EEXIST : dir_find(u, dir, name, &slot);
	if (status != -LINUX_ENOENT)
		return status == 0 ? -LINUX_EEXIST : status;
	return dir->raw.links == 0 ? -LINUX_ENOENT : 0;
}

// Takes an inode and fills it in. It has no links yet, a folder two.
static int make_inode(struct update *u, struct inode *dir, const struct ext4_new *what,
                      struct inode *inode)
{
	const bool is_dir = (what->mode & MODE_TYPE) == MODE_DIR;
	const bool inherits = (dir->raw.mode & MODE_SETGID) != 0;
	uint32_t gid = (uint32_t)dir->raw.gid_hi << 16 | dir->raw.gid_lo;
	int status;

	if (dir_type(what->mode) == 0)
		return -LINUX_EINVAL;
	status = inodes_take(u, dir, is_dir, inode);
	if (status != 0)
		return status;
	inode->raw.mode = (uint16_t)(what->mode | (is_dir && inherits ? MODE_SETGID : 0));
	inode_set_owner(inode, what->uid, inherits ? gid : what->gid);
	inode_set_atime(inode, u->fs->now);
	inode_stamp(u->fs, inode);
	inode->raw.crtime = inode->raw.ctime;
	inode->raw.crtime_extra = inode->raw.ctime_extra;
	if (is_dir) {
		inode->raw.links = 2;
		return dir_init(u, inode, dir->number);
	}
	if (inode_is(inode, MODE_FILE))
		extent_init(inode);
	else if (inode_is(inode, MODE_LINK))
		return symlink_init(u, inode, what->target);
	else if (inode_is(inode, MODE_CHAR) || inode_is(inode, MODE_BLOCK))
		inode_set_device(inode, what->device);
	return 0;
}

int ext4_create(struct update *u, struct ext4_node node, struct span name,
                const struct ext4_new *what, struct ext4_attr *out)
{
	struct inode dir, inode;
	int status = load_for_new(u, node, name, &dir);

	if (status == 0)
		status = make_inode(u, &dir, what, &inode);
	if (status == 0)
		status = dir_insert(u, &dir, name, inode.number, dir_type(what->mode));
	if (status != 0)
		return status;
	if (inode_is(&inode, MODE_DIR))
		inode_add_dir_link(&dir);
	else
		inode.raw.links = 1;
	inode_stamp(u->fs, &dir);
	status = inode_store(u, &dir);
	if (status == 0)
		status = inode_store(u, &inode);
	inode_attr(&inode, out);
	return status;
}

int ext4_create_unnamed(struct update *u, struct ext4_node node, const struct ext4_new *what,
                        struct ext4_attr *out)
{
	struct inode dir, inode;
	int status = names_load_dir(u, node, &dir);

	if ((what->mode & MODE_TYPE) == MODE_DIR)
		return -LINUX_EINVAL;
	// As on Linux, though nothing would be put into the folder.
	if (status == 0 && dir.raw.links == 0)
		status = -LINUX_EPERM;
	if (status == 0)
		status = make_inode(u, &dir, what, &inode);
	if (status == 0)
		status = orphan_add(u, &inode);
	if (status == 0)
		status = inode_store(u, &inode);
	if (status == 0)
		inode_attr(&inode, out);
	return status;
}

int ext4_link(struct update *u, struct ext4_node node, struct ext4_node dir_node, struct span name,
              struct ext4_attr *out)
{
	struct inode dir, inode;
	int status = load_for_new(u, dir_node, name, &dir);

	if (status == 0)
		status = inode_load_node(u, node, &inode);
	if (status != 0)
		return status;
	if (inode_is(&inode, MODE_DIR))
		return -LINUX_EPERM;
	if (inode.raw.links >= LINKS_MAX)
		return -LINUX_EMLINK;
	if (inode.raw.links == 0)
		status = orphan_remove(u, &inode);
	if (status == 0)
		status = dir_insert(u, &dir, name, inode.number, dir_type(inode.raw.mode));
	if (status != 0)
		return status;
	inode.raw.links++;
	inode_set_ctime(&inode, u->fs->now);
	inode_stamp(u->fs, &dir);
	status = inode_store(u, &dir);
	if (status == 0)
		status = inode_store(u, &inode);
	inode_attr(&inode, out);
	return status;
}

int names_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *slot,
               struct inode *inode)
{
	int status = dir_find(u, dir, name, slot);

	if (status == 0)
		status = inode_load(u, slot->inode, inode);
	if (status == 0 &&
	    (inode->number == dir->number || inode->raw.links == 0 ||
	     inode->number == EXT4_ROOT_INODE))
		return damaged(u->fs, "the folder of inode %u is not sound", dir->number);
	return status;
}

int names_drop(struct update *u, struct inode *inode)
{
	inode->raw.links = inode_is(inode, MODE_DIR) ? 0 : (uint16_t)(inode->raw.links - 1);
	inode_set_ctime(inode, u->fs->now);
	return inode->raw.links == 0 ? orphan_add(u, inode) : 0;
}

// Takes a name away, once the caller knows that it may go.
static int remove_name(struct update *u, struct inode *dir, const struct dir_slot *slot,
                       struct inode *inode, struct ext4_attr *out)
{
	int status = dir_remove(u, dir, slot);

	if (status == 0)
		status = names_drop(u, inode);
	if (status != 0)
		return status;
	if (inode_is(inode, MODE_DIR))
		inode_drop_dir_link(dir);
	inode_stamp(u->fs, dir);
	status = inode_store(u, dir);
	if (status == 0)
		status = inode_store(u, inode);
	inode_attr(inode, out);
	return status;
}

int ext4_unlink(struct update *u, struct ext4_node node, struct span name, struct ext4_attr *out)
{
	struct inode dir, inode;
	struct dir_slot slot;
	int status = names_load_dir(u, node, &dir);

	if (status == 0)
		status = is_dots(name) ? -LINUX_EISDIR : names_check(name);
	if (status == 0)
		status = names_find(u, &dir, name, &slot, &inode);
	if (status == 0 && inode_is(&inode, MODE_DIR))
		return -LINUX_EISDIR;
	return status != 0 ? status : remove_name(u, &dir, &slot, &inode, out);
}

int ext4_rmdir(struct update *u, struct ext4_node node, struct span name, struct ext4_attr *out)
{
	struct inode dir, inode;
	struct dir_slot slot;
	int status = names_load_dir(u, node, &dir);

	if (status == 0)
		status = names_check(name);
	if (status == 0)
		status = names_find(u, &dir, name, &slot, &inode);
	if (status == 0 && !inode_is(&inode, MODE_DIR))
		return -LINUX_ENOTDIR;
	if (status == 0)
		status = dir_check_empty(u, &inode);
	return status != 0 ? status : remove_name(u, &dir, &slot, &inode, out);
}
