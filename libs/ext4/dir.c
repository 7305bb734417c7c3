// SPDX-License-Identifier: MIT
#include "libs/ext4/dir.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/dir_block.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/htree.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/starina/log.h"

int dir_check_name(struct span name)
{
	if (name.len > EXT4_NAME_MAX)
		return -LINUX_ENAMETOOLONG;
	if (name.len == 0 || memchr(name.data, '/', name.len) != NULL ||
	    memchr(name.data, '\0', name.len) != NULL)
		return -LINUX_EINVAL;
	return 0;
}

uint8_t dir_type(uint32_t mode)
{
	switch (mode & MODE_TYPE) {
	case MODE_FILE: return DIRENT_FILE;
	case MODE_DIR: return DIRENT_DIR;
	case MODE_LINK: return DIRENT_LINK;
	case MODE_CHAR: return DIRENT_CHAR;
	case MODE_BLOCK: return DIRENT_BLOCK;
	case MODE_FIFO: return DIRENT_FIFO;
	case MODE_SOCKET: return DIRENT_SOCKET;
	default: return 0;
	}
}

static bool is_dots(struct span name)
{
	return (name.len == 1 && name.data[0] == '.') ||
		(name.len == 2 && name.data[0] == '.' && name.data[1] == '.');
}

// A folder without an index is looked through from its beginning, so it must be in memory whole.
static uint32_t linear_max(const struct ext4 *fs)
{
	return fs->cache.capacity / 4;
}

static int check_linear(struct update *u, const struct inode *dir)
{
	struct ext4 *fs = u->fs;

	if (dir_num_blocks(dir) <= linear_max(fs))
		return 0;
	if (!fs->super.linear_was_logged)
		log_warn("ext4: the folder of inode %u has %u blocks and no index: it cannot be "
		         "used before e2fsck -fD has made one",
		         dir->number, dir_num_blocks(dir));
	fs->super.linear_was_logged = true;
	return -LINUX_EFBIG;
}

int dir_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *out)
{
	uint32_t num_blocks = dir_num_blocks(dir);
	int status = -LINUX_ENOENT;

	if (num_blocks == 0 || inode_size(dir) % EXT4_BLOCK_SIZE != 0)
		return dir_damaged(u, dir);
	if (is_dots(name))
		return dir_search(u, dir, 0, name, out);
	if ((dir->raw.flags & INODE_INDEX) != 0)
		return htree_find(u, dir, name, out);
	if (check_linear(u, dir) != 0)
		return -LINUX_EFBIG;
	for (uint32_t n = 0; status == -LINUX_ENOENT && n < num_blocks; n++)
		status = dir_search(u, dir, n, name, out);
	return status;
}

static int insert_into(struct update *u, const struct inode *dir, uint32_t n, struct span name,
                       uint32_t inode, uint8_t type)
{
	const uint8_t *old;
	uint8_t *bytes;
	uint64_t disk;
	uint32_t end;
	int status = dir_read_block(u, dir, n, &disk, &old, &end);

	if (status == 0)
		status = update_write(u, disk, &bytes);
	if (status != 0)
		return status;
	if (end != DIR_BLOCK_END || !dir_put(bytes, name, inode, type))
		return -LINUX_ENOSPC;
	dir_store(dir, bytes);
	return 0;
}

// Whether a block has room, so that those that do not are not copied.
static int has_room(struct update *u, const struct inode *dir, uint32_t n, size_t name_len,
                    bool *out)
{
	const struct disk_dirent *e;
	const uint8_t *bytes;
	uint64_t disk;
	uint32_t end;
	int status = dir_read_block(u, dir, n, &disk, &bytes, &end);

	*out = false;
	for (uint32_t at = 0; status == 0 && at < end && !*out; at += e->len) {
		e = dir_entry(bytes, at, end);
		if (e == NULL)
			return dir_damaged(u, dir);
		*out = e->len - (e->inode != 0 ? dirent_size(e->name_len) : 0) >=
			dirent_size(name_len);
	}
	return status;
}

int dir_insert(struct update *u, struct inode *dir, struct span name, uint32_t inode, uint8_t type)
{
	uint32_t num_blocks = dir_num_blocks(dir), n;
	uint8_t *bytes;
	int status;

	walk_names_changed(u->fs, dir->number);
	if ((dir->raw.flags & INODE_INDEX) != 0)
		return htree_insert(u, dir, name, inode, type);
	status = check_linear(u, dir);
	if (status != 0)
		return status;
	for (n = 0; n < num_blocks; n++) {
		bool room;

		status = has_room(u, dir, n, name.len, &room);
		if (status != 0)
			return status;
		if (room)
			return insert_into(u, dir, n, name, inode, type);
	}
	if (num_blocks == 1 && u->fs->super.dir_index) {
		status = htree_create(u, dir);
		return status != 0 ? status : htree_insert(u, dir, name, inode, type);
	}
	if (num_blocks >= linear_max(u->fs))
		return -LINUX_ENOSPC;
	status = dir_append(u, dir, &n, &bytes);
	if (status != 0)
		return status;
	dir_make_empty(bytes);
	dir_put(bytes, name, inode, type);
	dir_store(dir, bytes);
	return 0;
}

// The block of a slot, to be changed, if its entry is still there.
static int write_slot(struct update *u, const struct inode *dir, const struct dir_slot *slot,
                      uint8_t **bytes, struct disk_dirent **e)
{
	int status = update_write(u, slot->disk, bytes);

	if (status != 0)
		return status;
	if (dir_entry(*bytes, slot->at, EXT4_BLOCK_SIZE) == NULL)
		return dir_damaged(u, dir);
	*e = (void *)(*bytes + slot->at);
	return (*e)->inode == slot->inode ? 0 : dir_damaged(u, dir);
}

int dir_remove(struct update *u, const struct inode *dir, const struct dir_slot *slot)
{
	struct disk_dirent *entry, *before = NULL;
	uint8_t *bytes;
	int status = write_slot(u, dir, slot, &bytes, &entry);

	if (status != 0)
		return status;
	for (uint32_t at = 0; at < slot->at; at += before->len) {
		if (dir_entry(bytes, at, DIR_BLOCK_END) == NULL)
			return dir_damaged(u, dir);
		before = (void *)(bytes + at);
	}
	if (before != NULL)
		before->len = (uint16_t)(before->len + entry->len);
	entry->inode = 0;
	dir_store(dir, bytes);
	return 0;
}

// A block that was changed in place gets the checksum of its kind.
static void store_any(const struct inode *dir, uint8_t *bytes)
{
	if (*block_kind(bytes) == KIND_INDEX_ROOT)
		dir_store_index(dir, bytes, INDEX_ROOT_AT);
	else
		dir_store(dir, bytes);
}

int dir_replace(struct update *u, const struct inode *dir, const struct dir_slot *slot,
                uint32_t inode, uint8_t type)
{
	struct disk_dirent *entry;
	uint8_t *bytes;
	int status = write_slot(u, dir, slot, &bytes, &entry);

	if (status != 0)
		return status;
	entry->inode = inode;
	entry->type = type;
	store_any(dir, bytes);
	return 0;
}

int dir_init(struct update *u, struct inode *dir, uint32_t parent)
{
	struct disk_dirent *e;
	uint8_t *bytes;
	uint32_t n;
	int status;

	extent_init(dir);
	status = dir_append(u, dir, &n, &bytes);
	if (status != 0)
		return status;
	e = (void *)bytes;
	*e = (struct disk_dirent){ .inode = dir->number,
		                   .len = 12,
		                   .name_len = 1,
		                   .type = DIRENT_DIR };
	e->name[0] = '.';
	e = (void *)(bytes + 12);
	*e = (struct disk_dirent){ .inode = parent,
		                   .len = DIR_BLOCK_END - 12,
		                   .name_len = 2,
		                   .type = DIRENT_DIR };
	memcpy(e->name, "..", 2);
	dir_store(dir, bytes);
	return 0;
}

static const struct span dotdot = { (const uint8_t *)"..", 2 };

int dir_parent(struct update *u, const struct inode *dir, uint32_t *out)
{
	struct dir_slot slot;
	int status = dir_find(u, dir, dotdot, &slot);

	*out = slot.inode;
	return status == -LINUX_ENOENT ? dir_damaged(u, dir) : status;
}

int dir_set_parent(struct update *u, const struct inode *dir, uint32_t parent)
{
	struct dir_slot slot;
	int status = dir_find(u, dir, dotdot, &slot);

	if (status == -LINUX_ENOENT)
		return dir_damaged(u, dir);
	return status != 0 ? status : dir_replace(u, dir, &slot, parent, DIRENT_DIR);
}

// -LINUX_ENOTEMPTY: the block has a name.
static int check_block_empty(struct update *u, const struct inode *dir, uint32_t n)
{
	const struct disk_dirent *e;
	const uint8_t *bytes;
	uint64_t disk;
	uint32_t end;
	int status = dir_read_block(u, dir, n, &disk, &bytes, &end);

	for (uint32_t at = 0; status == 0 && at < end; at += e->len) {
		e = dir_entry(bytes, at, end);
		if (e == NULL)
			return dir_damaged(u, dir);
		if (e->inode != 0 && !is_dots(dirent_name(e)))
			return -LINUX_ENOTEMPTY;
	}
	return status;
}

int dir_check_empty(struct update *u, const struct inode *dir)
{
	const struct walk *w = walk_find(u->fs, WALK_EMPTY, dir->number, dir->raw.generation);
	uint32_t n = w == NULL ? 0 : w->at;
	int status = 0;

	for (; status == 0 && n < dir_num_blocks(dir); n++) {
		status = check_block_empty(u, dir, n);
		if (status == 0 && n >= WALK_SHORT)
			walk_note(u->fs, WALK_EMPTY, dir->number, dir->raw.generation, n + 1, n);
	}
	return status;
}
