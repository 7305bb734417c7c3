// SPDX-License-Identifier: MIT
#include "libs/ext4/dir_block.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"

// An unused entry, and the checksum in its name's place.
struct dir_tail {
	uint32_t inode;
	uint16_t len;
	uint8_t name_len;
	uint8_t type;
	uint32_t checksum;
};
_Static_assert(sizeof(struct dir_tail) == DIR_TAIL_SIZE, "dir_tail");

static uint32_t leaf_checksum(const struct inode *dir, const uint8_t *bytes)
{
	return crc32c(dir->seed, bytes, DIR_BLOCK_END);
}

static bool leaf_is_sound(const struct inode *dir, const uint8_t *bytes)
{
	const struct dir_tail *tail = (const void *)(bytes + DIR_BLOCK_END);

	return tail->inode == 0 && tail->len == DIR_TAIL_SIZE && tail->name_len == 0 &&
		tail->type == DIR_TAIL_TYPE && tail->checksum == leaf_checksum(dir, bytes);
}

// Over the used entries, and the checksum's own place as zeroes.
static uint32_t index_checksum(const struct inode *dir, const uint8_t *bytes, uint32_t at)
{
	const struct disk_index_entry *entries = (const void *)(bytes + at);
	uint32_t limit = entries[0].hash & 0xffff, count = entries[0].hash >> 16;
	uint32_t zero = 0;
	uint32_t sum = crc32c(dir->seed, bytes, at + count * sizeof(entries[0]));

	sum = crc32c(sum, bytes + at + limit * sizeof(entries[0]), 4);
	return crc32c(sum, &zero, 4);
}

static uint32_t index_limit(uint32_t at)
{
	return (EXT4_BLOCK_SIZE - at - INDEX_TAIL_SIZE) / (uint32_t)sizeof(struct disk_index_entry);
}

static bool index_is_sound(const struct inode *dir, const uint8_t *bytes, uint32_t at)
{
	const struct disk_index_entry *entries = (const void *)(bytes + at);
	uint32_t limit = entries[0].hash & 0xffff, count = entries[0].hash >> 16;
	uint32_t sum;

	if (limit != index_limit(at) || count == 0 || count > limit)
		return false;
	memcpy(&sum, bytes + EXT4_BLOCK_SIZE - 4, sizeof(sum));
	return sum == index_checksum(dir, bytes, at);
}

// A block may be more than one of a hostile folder's: it is sound for a place of entries only.
static enum block_kind index_kind(uint32_t at)
{
	return at == INDEX_ROOT_AT ? KIND_INDEX_ROOT : KIND_INDEX;
}

int dir_read_block(struct update *u, const struct inode *dir, uint32_t n, uint64_t *disk,
                   const uint8_t **bytes, uint32_t *end)
{
	const uint32_t at = n == 0 ? INDEX_ROOT_AT : INDEX_NODE_AT;
	const struct disk_dirent *first;
	enum block_kind kind;
	bool index, sound;
	int status = extent_block(u, dir, n, disk);

	if (status == 0)
		status = update_read(u, *disk, bytes);
	if (status != 0)
		return status;
	first = (const void *)*bytes;
	index = (dir->raw.flags & INODE_INDEX) != 0 &&
		(n == 0 || (first->inode == 0 && first->len == EXT4_BLOCK_SIZE));
	*end = index ? EXT4_BLOCK_SIZE : DIR_BLOCK_END;
	kind = index ? index_kind(at) : KIND_DIR;
	if (*block_kind(*bytes) == (uint32_t)kind)
		return 0;
	sound = index ? index_is_sound(dir, *bytes, at) : leaf_is_sound(dir, *bytes);
	if (!sound)
		return dir_damaged(u, dir);
	*block_kind(*bytes) = kind;
	return 0;
}

const struct disk_dirent *dir_entry(const uint8_t *bytes, uint32_t at, uint32_t end)
{
	const struct disk_dirent *e = (const void *)(bytes + at);

	if (at % 4 != 0 || at + sizeof(*e) > end || e->len % 4 != 0 ||
	    e->len < dirent_size(e->name_len) || e->len > end - at ||
	    (e->inode != 0 && e->name_len == 0))
		return NULL;
	return e;
}

void dir_store(const struct inode *dir, uint8_t *bytes)
{
	struct dir_tail *tail = (void *)(bytes + DIR_BLOCK_END);

	*tail = (struct dir_tail){ .len = DIR_TAIL_SIZE, .type = DIR_TAIL_TYPE };
	tail->checksum = leaf_checksum(dir, bytes);
	*block_kind(bytes) = KIND_DIR;
}

void dir_store_index(const struct inode *dir, uint8_t *bytes, uint32_t at)
{
	uint32_t sum = index_checksum(dir, bytes, at);

	memcpy(bytes + EXT4_BLOCK_SIZE - 4, &sum, sizeof(sum));
	*block_kind(bytes) = index_kind(at);
}

void dir_make_empty(uint8_t *bytes)
{
	struct disk_dirent *e = (void *)bytes;

	*e = (struct disk_dirent){ .len = DIR_BLOCK_END };
}

bool dir_put(uint8_t *bytes, struct span name, uint32_t inode, uint8_t type)
{
	const uint32_t size = dirent_size(name.len);
	const struct disk_dirent *found;

	for (uint32_t at = 0; at < DIR_BLOCK_END; at += found->len) {
		struct disk_dirent *e = (void *)(bytes + at);
		uint32_t used, len;

		found = dir_entry(bytes, at, DIR_BLOCK_END);
		if (found == NULL)
			return false;
		used = e->inode != 0 ? dirent_size(e->name_len) : 0;
		len = e->len - used;
		if (len < size)
			continue;
		if (used > 0)
			e->len = (uint16_t)used;
		e = (void *)(bytes + at + used);
		*e = (struct disk_dirent){ .inode = inode,
			                   .len = (uint16_t)len,
			                   .name_len = (uint8_t)name.len,
			                   .type = type };
		memcpy(e->name, name.data, name.len);
		return true;
	}
	return false;
}

int dir_append(struct update *u, struct inode *dir, uint32_t *n, uint8_t **bytes)
{
	uint64_t goal, disk;
	int status;

	*n = dir_num_blocks(dir);
	if (*n >= 1u << 20)
		return -LINUX_ENOSPC;
	status = extent_goal(u, dir, *n, &goal);
	if (status == 0)
		status = blocks_take_one(u, goal, &disk);
	if (status == 0)
		status = extent_insert(u, dir, *n, disk, 1, false);
	if (status == 0)
		status = update_new(u, disk, bytes);
	if (status != 0)
		return status;
	inode_add_blocks(dir, 1);
	inode_set_size(dir, inode_size(dir) + EXT4_BLOCK_SIZE);
	return 0;
}

int dir_search(struct update *u, const struct inode *dir, uint32_t n, struct span name,
               struct dir_slot *out)
{
	const struct disk_dirent *e;
	const uint8_t *bytes;
	uint32_t end;
	int status = dir_read_block(u, dir, n, &out->disk, &bytes, &end);

	for (uint32_t at = 0; status == 0 && at < end; at += e->len) {
		e = dir_entry(bytes, at, end);
		if (e == NULL)
			return dir_damaged(u, dir);
		if (e->inode == 0 || e->name_len != name.len ||
		    memcmp(e->name, name.data, name.len) != 0)
			continue;
		out->at = at;
		out->inode = e->inode;
		out->type = e->type;
		return 0;
	}
	return status != 0 ? status : -LINUX_ENOENT;
}
