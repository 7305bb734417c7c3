// SPDX-License-Identifier: MIT
//
// Names of the file system in memory.
#include <stdlib.h>
#include <string.h>

#include "apps/fs/ext4_parts_fake.h"
#include "libs/abi/linux_error.h"

static struct entry *entry_of(struct ext4 *fs, uint32_t dir, struct span name)
{
	for (uint32_t i = 0; i < MAX_ENTRIES; i++) {
		struct entry *entry = &fs->entries[i];

		if (entry->used && entry->dir == dir && entry->len == name.len &&
		    memcmp(entry->name, name.data, name.len) == 0)
			return entry;
	}
	return NULL;
}

static int dir_check(struct update *u, struct ext4_node dir)
{
	const struct inode *inode = fake_inode_of(u->fs, dir);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return fake_is_dir(inode) ? 0 : -LINUX_ENOTDIR;
}

static struct inode *entry_inode(struct ext4 *fs, const struct entry *entry)
{
	return &fs->inodes[entry->inode];
}

int ext4_lookup(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out)
{
	const struct entry *entry = entry_of(u->fs, dir.inode, name);
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	if (entry == NULL)
		return -LINUX_ENOENT;
	*out = entry_inode(u->fs, entry)->attr;
	return 0;
}

static int entry_make(struct ext4 *fs, uint32_t dir, struct span name, uint32_t inode)
{
	for (uint32_t i = 0; i < MAX_ENTRIES; i++) {
		struct entry *entry = &fs->entries[i];

		if (entry->used)
			continue;
		*entry =
			(struct entry){ .used = true, .dir = dir, .inode = inode, .len = name.len };
		memcpy(entry->name, name.data, name.len);
		return 0;
	}
	return -LINUX_ENOSPC;
}

int ext4_create(struct update *u, struct ext4_node dir, struct span name,
                const struct ext4_new *what, struct ext4_attr *out)
{
	struct inode *inode;
	int result = dir_check(u, dir);

	if (result == 0 && fake_inode_of(u->fs, dir)->attr.links == 0)
		result = -LINUX_ENOENT;
	if (result == 0 && entry_of(u->fs, dir.inode, name) != NULL)
		result = -LINUX_EEXIST;
	if (result != 0)
		return result;
	inode = fake_inode_make(u->fs, what);
	if (inode == NULL)
		return -LINUX_ENOSPC;
	result = entry_make(u->fs, dir.inode, name, inode->attr.node.inode);
	inode->used = result == 0;
	inode->attr.links = fake_is_dir(inode) ? 2 : 1;
	*out = inode->attr;
	return result;
}

int ext4_create_unnamed(struct update *u, struct ext4_node dir, const struct ext4_new *what,
                        struct ext4_attr *out)
{
	struct inode *inode;
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	inode = fake_inode_make(u->fs, what);
	if (inode == NULL)
		return -LINUX_ENOSPC;
	*out = inode->attr;
	return 0;
}

int ext4_link(struct update *u, struct ext4_node node, struct ext4_node dir, struct span name,
              struct ext4_attr *out)
{
	struct inode *inode = fake_inode_of(u->fs, node);
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	if (inode == NULL)
		return -LINUX_ESTALE;
	if (fake_is_dir(inode))
		return -LINUX_EPERM;
	if (entry_of(u->fs, dir.inode, name) != NULL)
		return -LINUX_EEXIST;
	result = entry_make(u->fs, dir.inode, name, node.inode);
	if (result == 0)
		inode->attr.links++;
	*out = inode->attr;
	return result;
}

static bool is_empty(const struct ext4 *fs, uint32_t dir)
{
	for (uint32_t i = 0; i < MAX_ENTRIES; i++) {
		if (fs->entries[i].used && fs->entries[i].dir == dir)
			return false;
	}
	return true;
}

static void entry_remove(struct ext4 *fs, struct entry *entry, struct ext4_attr *out)
{
	struct inode *inode = entry_inode(fs, entry);

	entry->used = false;
	inode->attr.links = fake_is_dir(inode) ? 0 : inode->attr.links - 1;
	*out = inode->attr;
}

int ext4_unlink(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out)
{
	struct entry *entry = entry_of(u->fs, dir.inode, name);
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	if (entry == NULL)
		return -LINUX_ENOENT;
	if (fake_is_dir(entry_inode(u->fs, entry)))
		return -LINUX_EISDIR;
	entry_remove(u->fs, entry, out);
	return 0;
}

int ext4_rmdir(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out)
{
	struct entry *entry = entry_of(u->fs, dir.inode, name);
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	if (entry == NULL)
		return -LINUX_ENOENT;
	if (!fake_is_dir(entry_inode(u->fs, entry)))
		return -LINUX_ENOTDIR;
	if (!is_empty(u->fs, entry->inode))
		return -LINUX_ENOTEMPTY;
	entry_remove(u->fs, entry, out);
	return 0;
}

int ext4_rename(struct update *u, struct ext4_node dir, struct span name, struct ext4_node new_dir,
                struct span new_name, uint32_t flags, struct ext4_attr *replaced)
{
	struct entry *from = entry_of(u->fs, dir.inode, name);
	struct entry *to = entry_of(u->fs, new_dir.inode, new_name);
	int result = dir_check(u, dir);

	if (result == 0)
		result = dir_check(u, new_dir);
	if (result == 0 && from == NULL)
		result = -LINUX_ENOENT;
	if (result == 0 && flags != 0)
		result = -LINUX_EINVAL;
	if (result != 0)
		return result;
	if (fake_is_dir(entry_inode(u->fs, from)) ||
	    (to != NULL && fake_is_dir(entry_inode(u->fs, to))))
		return -LINUX_EINVAL;
	if (to == from || (to != NULL && to->inode == from->inode))
		return 0;
	if (to != NULL)
		entry_remove(u->fs, to, replaced);
	from->dir = new_dir.inode;
	from->len = new_name.len;
	memcpy(from->name, new_name.data, new_name.len);
	return 0;
}

int ext4_readdir(struct update *u, struct ext4_node dir, uint64_t position, ext4_entry_fn entry,
                 void *context)
{
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	for (uint64_t i = position; i < MAX_ENTRIES; i++) {
		const struct entry *e = &u->fs->entries[i];

		if (e->used && e->dir == dir.inode &&
		    !entry(context, (struct span){ e->name, e->len }, e->inode, 0, i + 1))
			break;
	}
	return 0;
}

int ext4_readlink(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	const struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL || inode->target_len == 0)
		return -LINUX_EINVAL;
	memcpy(out, inode->target, inode->target_len);
	*len = inode->target_len;
	return 0;
}
