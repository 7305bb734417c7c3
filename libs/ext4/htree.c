// SPDX-License-Identifier: MIT
#include "libs/ext4/htree.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/dir_block.h"
#include "libs/ext4/internal.h"

#define MAX_LEVELS 2u
#define LEAF_MAX_ENTRIES (DIR_BLOCK_END / 12u)

struct level {
	uint64_t disk;
	uint32_t at;     // the entry
	uint32_t count;  // of entries
	uint32_t limit;
	uint32_t begin;  // where they begin in the block
};

struct path {
	uint32_t version;  // of the hash
	uint32_t num_levels;
	struct level levels[MAX_LEVELS];
	uint32_t leaf;
};

static const struct disk_index_entry *entries_of(const uint8_t *bytes, const struct level *l)
{
	return (const void *)(bytes + l->begin);
}

// Block numbers have 28 bits.
static uint32_t child(const struct disk_index_entry *e)
{
	return e->block & 0x0fffffff;
}

static uint32_t search(const struct disk_index_entry *entries, uint32_t count, uint32_t hash)
{
	uint32_t low = 0, high = count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (entries[middle].hash <= hash)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int read_info(struct update *u, const struct inode *dir, const uint8_t *bytes,
                     struct path *path)
{
	const struct disk_index_info *info = (const void *)(bytes + INDEX_INFO_AT);

	if (info->reserved != 0 || info->info_len != sizeof(*info) || info->levels >= MAX_LEVELS ||
	    info->hash_version > HASH_TEA)
		return dir_damaged(u, dir);
	path->version = info->hash_version;
	if (u->fs->super.hash_unsigned)
		path->version += HASH_UNSIGNED;
	path->num_levels = info->levels + 1u;
	return 0;
}

// One level: block `n` of the folder is a block of the index.
static int read_level(struct update *u, const struct inode *dir, uint32_t n, struct level *l,
                      const uint8_t **bytes)
{
	uint32_t end;
	int status = dir_read_block(u, dir, n, &l->disk, bytes, &end);

	if (status != 0)
		return status;
	if (end != EXT4_BLOCK_SIZE)
		return dir_damaged(u, dir);
	l->begin = n == 0 ? INDEX_ROOT_AT : INDEX_NODE_AT;
	l->limit = entries_of(*bytes, l)[0].hash & 0xffff;
	l->count = entries_of(*bytes, l)[0].hash >> 16;
	return 0;
}

static int find(struct update *u, const struct inode *dir, uint32_t hash, struct path *path)
{
	uint32_t n = 0;

	path->num_levels = 1;
	for (uint32_t i = 0; i < path->num_levels; i++) {
		struct level *l = &path->levels[i];
		const uint8_t *bytes;
		int status;

		if (i > 0 && n == 0)
			return dir_damaged(u, dir);
		status = read_level(u, dir, n, l, &bytes);
		if (status == 0 && i == 0)
			status = read_info(u, dir, bytes, path);
		if (status != 0)
			return status;
		l->at = search(entries_of(bytes, l), l->count, hash);
		n = child(&entries_of(bytes, l)[l->at]);
	}
	path->leaf = n;
	return n == 0 ? dir_damaged(u, dir) : 0;
}

// The hash of the next leaf; 0: there is none.
static int next_hash(struct update *u, const struct path *path, uint32_t *out)
{
	*out = 0;
	for (uint32_t i = path->num_levels; i-- > 0;) {
		const struct level *l = &path->levels[i];
		const uint8_t *bytes;
		int status;

		if (l->at + 1 >= l->count)
			continue;
		status = update_read(u, l->disk, &bytes);
		if (status == 0)
			*out = entries_of(bytes, l)[l->at + 1].hash;
		return status;
	}
	return 0;
}

int htree_leaf(struct update *u, const struct inode *dir, uint32_t hash, uint32_t *leaf,
               uint32_t *next)
{
	struct path path;
	int status = find(u, dir, hash, &path);

	if (status == 0)
		status = next_hash(u, &path, next);
	if (status != 0)
		return status;
	*leaf = path.leaf;
	if (*next != 0 && *next <= hash)
		return dir_damaged(u, dir);
	return 0;
}

int htree_hash_version(struct update *u, const struct inode *dir, uint32_t *version)
{
	const struct super *super = &u->fs->super;
	struct path path;
	int status = 0;

	*version = super->hash_version % HASH_UNSIGNED +
		(super->hash_unsigned ? (uint32_t)HASH_UNSIGNED : 0);
	if ((dir->raw.flags & INODE_INDEX) != 0) {
		status = find(u, dir, 0, &path);
		*version = path.version;
	}
	return status;
}

int htree_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *out)
{
	uint32_t version, leaf, next = 0, hash, at;
	int status = htree_hash_version(u, dir, &version);

	if (status != 0)
		return status;
	hash = name_hash(name, version, u->fs->super.hash_seed).major;
	at = hash;
	for (uint32_t leaves = 0; leaves < SAME_HASH_LEAVES; leaves++, at = next) {
		status = htree_leaf(u, dir, at, &leaf, &next);
		if (status == 0)
			status = dir_search(u, dir, leaf, name, out);
		if (status != -LINUX_ENOENT || next != (hash | 1) || next == at)
			return status;
	}
	return dir_damaged(u, dir);
}

// --- Changes ---

static int write_level(struct update *u, const struct level *l, uint8_t **bytes,
                       struct disk_index_entry **entries)
{
	int status = update_write(u, l->disk, bytes);

	*entries = (void *)(*bytes + l->begin);
	return status;
}

static void set_count(struct disk_index_entry *entries, uint32_t count, uint32_t limit)
{
	entries[0].hash = count << 16 | limit;
}

static int insert_entry(struct update *u, const struct inode *dir, const struct level *l,
                        uint32_t hash, uint32_t block)
{
	struct disk_index_entry *entries;
	uint8_t *bytes;
	int status = write_level(u, l, &bytes, &entries);

	if (status != 0)
		return status;
	memmove(&entries[l->at + 2], &entries[l->at + 1],
	        (l->count - l->at - 1) * sizeof(entries[0]));
	entries[l->at + 1] = (struct disk_index_entry){ .hash = hash, .block = block };
	set_count(entries, l->count + 1, l->limit);
	dir_store_index(dir, bytes, l->begin);
	return 0;
}

// Makes `bytes`, of zeroes, a node of the index with some entries.
static void make_node(const struct inode *dir, uint8_t *bytes,
                      const struct disk_index_entry *entries, uint32_t count)
{
	struct disk_dirent *unused = (void *)bytes;
	struct disk_index_entry *to = (void *)(bytes + INDEX_NODE_AT);

	*unused = (struct disk_dirent){ .len = EXT4_BLOCK_SIZE };
	memcpy(to, entries, count * sizeof(*to));
	set_count(to, count, (EXT4_BLOCK_SIZE - INDEX_NODE_AT - INDEX_TAIL_SIZE) / 8);
	dir_store_index(dir, bytes, INDEX_NODE_AT);
}

// Moves the root's entries into a node below it.
static int add_level(struct update *u, struct inode *dir, const struct path *path)
{
	const struct level *root = &path->levels[0];
	struct disk_index_entry *entries;
	uint8_t *bytes, *node;
	uint32_t n;
	int status = dir_append(u, dir, &n, &node);

	if (status == 0)
		status = write_level(u, root, &bytes, &entries);
	if (status != 0)
		return status;
	make_node(dir, node, entries, root->count);
	set_count(entries, 1, root->limit);
	entries[0].block = n;
	((struct disk_index_info *)(void *)(bytes + INDEX_INFO_AT))->levels = 1;
	dir_store_index(dir, bytes, INDEX_ROOT_AT);
	return 0;
}

// Moves half of a node's entries into another one beside it.
static int split_node(struct update *u, struct inode *dir, const struct path *path)
{
	const struct level *l = &path->levels[1];
	struct disk_index_entry *entries;
	uint32_t keep = l->count / 2, n, hash;
	uint8_t *bytes, *node;
	int status;

	if (path->levels[0].count == path->levels[0].limit)
		return -LINUX_ENOSPC;
	status = dir_append(u, dir, &n, &node);
	if (status == 0)
		status = write_level(u, l, &bytes, &entries);
	if (status != 0)
		return status;
	hash = entries[keep].hash;
	make_node(dir, node, &entries[keep], l->count - keep);
	set_count(entries, keep, l->limit);
	dir_store_index(dir, bytes, l->begin);
	return insert_entry(u, dir, &path->levels[0], hash, n);
}

struct moved {
	uint32_t hash;
	uint16_t at;
	uint16_t size;
};

// Lists the entries of a leaf in the order of their hashes.
static int sort_leaf(struct update *u, const struct inode *dir, const struct path *path,
                     const uint8_t *bytes, struct moved *list, uint32_t *count)
{
	const struct disk_dirent *e;

	*count = 0;
	for (uint32_t at = 0; at < DIR_BLOCK_END; at += e->len) {
		struct moved m = { .at = (uint16_t)at };
		uint32_t i;

		e = dir_entry(bytes, at, DIR_BLOCK_END);
		if (e == NULL)
			return dir_damaged(u, dir);
		if (e->inode == 0)
			continue;
		m.hash = name_hash(dirent_name(e), path->version, u->fs->super.hash_seed).major;
		m.size = (uint16_t)dirent_size(e->name_len);
		for (i = (*count)++; i > 0 && list[i - 1].hash > m.hash; i--)
			list[i] = list[i - 1];
		list[i] = m;
	}
	return *count < 2 ? dir_damaged(u, dir) : 0;
}

static void copy_entries(uint8_t *to, const uint8_t *from, const struct moved *list, uint32_t count)
{
	struct disk_dirent *e = (void *)to;
	uint32_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		e = (void *)(to + at);
		memcpy(e, from + list[i].at, list[i].size);
		e->len = list[i].size;
		at += list[i].size;
	}
	e->len = (uint16_t)(e->len + DIR_BLOCK_END - at);
}

static int split_leaf(struct update *u, struct inode *dir, const struct path *path)
{
	struct moved *list = u->fs->super.scratch;
	uint8_t *old = (uint8_t *)u->fs->super.scratch + LEAF_MAX_ENTRIES * sizeof(*list);
	uint32_t count, keep = 0, size = 0, n, end;
	const uint8_t *bytes;
	uint8_t *leaf, *other;
	uint64_t disk;
	int status = dir_read_block(u, dir, path->leaf, &disk, &bytes, &end);

	if (status == 0 && end != DIR_BLOCK_END)
		status = dir_damaged(u, dir);
	// The scratch memory is the allocator's meanwhile, so it comes first.
	if (status == 0)
		status = dir_append(u, dir, &n, &other);
	if (status == 0)
		status = update_write(u, disk, &leaf);
	if (status == 0)
		status = sort_leaf(u, dir, path, leaf, list, &count);
	if (status != 0)
		return status;
	memcpy(old, leaf, EXT4_BLOCK_SIZE);
	for (keep = 0; keep < count - 1 && (keep == 0 || size < DIR_BLOCK_END / 2); keep++)
		size += list[keep].size;
	memset(leaf, 0, EXT4_BLOCK_SIZE);
	copy_entries(leaf, old, list, keep);
	copy_entries(other, old, list + keep, count - keep);
	dir_store(dir, leaf);
	dir_store(dir, other);
	return insert_entry(u, dir, &path->levels[path->num_levels - 1],
	                    list[keep].hash + (list[keep].hash == list[keep - 1].hash), n);
}

static int put(struct update *u, const struct inode *dir, uint32_t n, struct span name,
               uint32_t inode, uint8_t type)
{
	const uint8_t *old;
	uint8_t *bytes;
	uint64_t disk;
	uint32_t end;
	int status = dir_read_block(u, dir, n, &disk, &old, &end);

	if (status == 0 && end != DIR_BLOCK_END)
		status = dir_damaged(u, dir);
	if (status == 0)
		status = update_write(u, disk, &bytes);
	if (status != 0)
		return status;
	if (!dir_put(bytes, name, inode, type))
		return -LINUX_ENOSPC;
	dir_store(dir, bytes);
	return 0;
}

int htree_insert(struct update *u, struct inode *dir, struct span name, uint32_t inode,
                 uint8_t type)
{
	uint32_t version, hash;
	int status = htree_hash_version(u, dir, &version);

	if (status != 0)
		return status;
	hash = name_hash(name, version, u->fs->super.hash_seed).major;
	// A level, a node, a leaf: then there is room, unless the folder is damaged.
	for (uint32_t step = 0; step < 4; step++) {
		const struct level *l;
		struct path path;

		status = find(u, dir, hash, &path);
		if (status == 0)
			status = put(u, dir, path.leaf, name, inode, type);
		if (status != -LINUX_ENOSPC)
			return status;
		l = &path.levels[path.num_levels - 1];
		if (l->count < l->limit)
			status = split_leaf(u, dir, &path);
		else if (path.num_levels == 1)
			status = add_level(u, dir, &path);
		else
			status = split_node(u, dir, &path);
		if (status != 0)
			return status;
	}
	return dir_damaged(u, dir);
}

// "." and ".." stay where they are. The other entries move to a block of their own.
int htree_create(struct update *u, struct inode *dir)
{
	struct disk_dirent *dotdot;
	struct disk_index_entry *entries;
	struct disk_index_info *info;
	const uint8_t *old;
	uint8_t *root, *leaf;
	uint32_t n, end, at;
	uint64_t disk;
	int status = dir_read_block(u, dir, 0, &disk, &old, &end);

	if (status == 0)
		status = dir_append(u, dir, &n, &leaf);
	if (status == 0)
		status = update_write(u, disk, &root);
	if (status != 0)
		return status;
	dotdot = (void *)(root + 12);
	if (dir_entry(root, 0, DIR_BLOCK_END) == NULL ||
	    dir_entry(root, 12, DIR_BLOCK_END) == NULL ||
	    ((struct disk_dirent *)(void *)root)->len != 12 || dotdot->name_len != 2)
		return dir_damaged(u, dir);
	dir_make_empty(leaf);
	for (at = 12u + dotdot->len; at < DIR_BLOCK_END;) {
		const struct disk_dirent *e = dir_entry(root, at, DIR_BLOCK_END);

		if (e == NULL)
			return dir_damaged(u, dir);
		if (e->inode != 0)
			dir_put(leaf, dirent_name(e), e->inode, e->type);
		at += e->len;
	}
	dir_store(dir, leaf);
	dotdot->len = EXT4_BLOCK_SIZE - 12;
	memset(root + 24, 0, EXT4_BLOCK_SIZE - 24);
	info = (void *)(root + INDEX_INFO_AT);
	info->hash_version = u->fs->super.hash_version % HASH_UNSIGNED;
	info->info_len = sizeof(*info);
	entries = (void *)(root + INDEX_ROOT_AT);
	set_count(entries, 1, (EXT4_BLOCK_SIZE - INDEX_ROOT_AT - INDEX_TAIL_SIZE) / 8);
	entries[0].block = n;
	dir->raw.flags |= INODE_INDEX;
	dir_store_index(dir, root, INDEX_ROOT_AT);
	return 0;
}
