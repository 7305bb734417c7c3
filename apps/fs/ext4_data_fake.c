// SPDX-License-Identifier: MIT
//
// What the nodes of the file system in memory have: blocks and extended attributes.
#include <stdlib.h>
#include <string.h>

#include "apps/fs/ext4_parts_fake.h"
#include "libs/abi/linux_error.h"

// --- Blocks --------------------------------------------------------------------------------------

int ext4_map(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
             struct ext4_run *out)
{
	const struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	if (count == 0)
		abort();
	*out = (struct ext4_run){ .count = 1 };
	if (block >= MAX_BLOCKS)
		return 0;
	out->disk = inode->blocks[block].disk;
	out->unwritten = inode->blocks[block].unwritten;
	while (out->count < count && block + out->count < MAX_BLOCKS) {
		const struct file_block *next = &inode->blocks[block + out->count];

		if (next->disk != (out->disk == 0 ? 0 : out->disk + out->count) ||
		    next->unwritten != out->unwritten)
			break;
		out->count++;
	}
	return 0;
}

int ext4_seek(struct update *u, struct ext4_node node, uint32_t block, bool hole, uint32_t *out)
{
	const struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	while (block < MAX_BLOCKS && (inode->blocks[block].disk == 0) != hole)
		block++;
	*out = block;
	return 0;
}

int ext4_reserve(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 struct ext4_reservation *out)
{
	struct ext4 *fs = u->fs;

	(void)node;
	if (block >= MAX_BLOCKS)
		return -LINUX_ENOSPC;
	for (uint64_t i = 2; i < fs->options.device->num_blocks; i++) {
		if (fs->taken[i] != 0)
			continue;
		*out = (struct ext4_reservation){ .block = i };
		while (out->count < count && block + out->count < MAX_BLOCKS &&
		       i + out->count < fs->options.device->num_blocks &&
		       fs->taken[i + out->count] == 0)
			fs->taken[i + out->count++] = 1;
		return 0;
	}
	return -LINUX_ENOSPC;
}

void ext4_unreserve(struct ext4 *fs, struct ext4_reservation *reservation)
{
	for (uint32_t i = 0; i < reservation->count; i++)
		fs->taken[reservation->block + i] = 0;
	reservation->count = 0;
}

static void grow(struct ext4 *fs, struct inode *inode, uint64_t size)
{
	if (size > inode->attr.size)
		inode->attr.size = size;
	inode->attr.mtime = fs->now;
}

int ext4_extend(struct update *u, struct ext4_node node, uint32_t block,
                const struct ext4_reservation *reservation, uint32_t count, bool unwritten,
                uint64_t size)
{
	struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	for (uint32_t i = 0; i < count; i++) {
		if (block + i >= MAX_BLOCKS || inode->blocks[block + i].disk != 0)
			abort();
		inode->blocks[block + i] = (struct file_block){ reservation->block + i, unwritten };
		u->fs->taken[reservation->block + i] = 2;
	}
	grow(u->fs, inode, size);
	return 0;
}

void ext4_reservation_used(struct ext4 *fs, struct ext4_reservation *reservation, uint32_t count)
{
	(void)fs;
	reservation->block += count;
	reservation->count -= count;
}

int ext4_written(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 uint64_t size)
{
	struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	for (uint32_t i = 0; i < count; i++) {
		if (inode->blocks[block + i].disk == 0)
			abort();
		inode->blocks[block + i].unwritten = false;
	}
	grow(u->fs, inode, size);
	return 0;
}

static void block_free(struct ext4 *fs, struct inode *inode, uint32_t block)
{
	if (inode->blocks[block].disk != 0)
		fs->taken[inode->blocks[block].disk] = 0;
	inode->blocks[block] = (struct file_block){ 0 };
}

int ext4_truncate(struct update *u, struct ext4_node node, uint64_t size)
{
	struct inode *inode = fake_inode_of(u->fs, node);
	uint64_t first = (size + EXT4_BLOCK_SIZE - 1) / EXT4_BLOCK_SIZE;

	if (inode == NULL)
		return -LINUX_ESTALE;
	inode->attr.size = size;
	// The last one first, and one an update.
	for (uint64_t i = MAX_BLOCKS; i > first; i--) {
		if (inode->blocks[i - 1].disk == 0)
			continue;
		block_free(u->fs, inode, (uint32_t)i - 1);
		return UPDATE_MORE;
	}
	return 0;
}

int ext4_punch(struct update *u, struct ext4_node node, uint32_t block, uint32_t count)
{
	struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	for (uint64_t i = block; i < (uint64_t)block + count && i < MAX_BLOCKS; i++)
		block_free(u->fs, inode, (uint32_t)i);
	return 0;
}

// --- Extended attributes: one a node -------------------------------------------------------------

static bool has_xattr(const struct inode *inode, struct span name)
{
	return inode->xattr_name_len == name.len &&
		memcmp(inode->xattr_name, name.data, name.len) == 0;
}

static int give(const uint8_t *bytes, size_t len, uint8_t *out, size_t *room)
{
	int result = *room == 0 ? 0 : (*room < len ? -LINUX_ERANGE : 0);

	if (*room >= len && len > 0)
		memcpy(out, bytes, len);
	*room = len;
	return result;
}

int ext4_getxattr(struct update *u, struct ext4_node node, struct span name, uint8_t *out,
                  size_t *len)
{
	const struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return has_xattr(inode, name) ? give(inode->xattr, inode->xattr_len, out, len)
				      : -LINUX_ENODATA;
}

int ext4_listxattr(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	const struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return give(inode->xattr_name, inode->xattr_name_len == 0 ? 0 : inode->xattr_name_len + 1,
	            out, len);
}

int ext4_setxattr(struct update *u, struct ext4_node node, struct span name, struct span value,
                  uint32_t flags)
{
	struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	if (value.len > sizeof(inode->xattr))
		return -LINUX_ENOSPC;
	if (flags == EXT4_XATTR_CREATE && has_xattr(inode, name))
		return -LINUX_EEXIST;
	if (flags == EXT4_XATTR_REPLACE && !has_xattr(inode, name))
		return -LINUX_ENODATA;
	memset(inode->xattr_name, 0, sizeof(inode->xattr_name));
	memcpy(inode->xattr_name, name.data, name.len);
	inode->xattr_name_len = name.len;
	memcpy(inode->xattr, value.data, value.len);
	inode->xattr_len = value.len;
	return 0;
}

int ext4_removexattr(struct update *u, struct ext4_node node, struct span name)
{
	struct inode *inode = fake_inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	if (!has_xattr(inode, name))
		return -LINUX_ENODATA;
	inode->xattr_name_len = 0;
	return 0;
}
