// SPDX-License-Identifier: MIT
//
// Lists folders. A folder of one block, and one with an index, is listed in the order of hashes,
// which stays the same when an entry moves to another block; any other one is never indexed, and is
// listed as it lies. Positions: 0 is ".", 1 is "..", others are hashes or places, and 2.
#include "libs/abi/linux_error.h"
#include "libs/ext4/dir_block.h"
#include "libs/ext4/htree.h"
#include "libs/ext4/internal.h"

#define FIRST_KEY 2u
#define RANK_BITS 6u  // entries of one hash are told apart by their rank among them
#define ENOUGH 3
#define MAX_LISTED (SCRATCH_SIZE / sizeof(struct listed))

struct listed {
	uint64_t key;
	const struct disk_dirent *entry;
};

struct listing {
	struct update *u;
	const struct inode *dir;
	uint64_t position;
	ext4_entry_fn entry;
	void *context;
	struct listed *list;
	uint32_t count;
	uint32_t num_blocks;  // that were looked at
	uint32_t same_hash;   // blocks whose names wait for others of their hash
	bool has_any;         // something was emitted
};

static uint8_t linux_type(uint8_t type)
{
	static const uint8_t types[] = { 0, 8, 4, 2, 6, 1, 12, 10 };

	return type < sizeof(types) ? types[type] : 0;
}

static int check_entry(const struct listing *l, const struct disk_dirent *e)
{
	return dir_check_name(dirent_name(e)) == 0 ? 0 : dir_damaged(l->u, l->dir);
}

static bool is_dots(const struct disk_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

static bool emit(struct listing *l, const struct disk_dirent *e, uint64_t next)
{
	l->has_any = true;
	return l->entry(l->context, dirent_name(e), e->inode, linux_type(e->type), next);
}

// "." and "..", which are the first entries of the first block. 0: go on; ENOUGH.
static int list_dots(struct listing *l)
{
	uint32_t at = 0, end;
	const uint8_t *bytes;
	uint64_t disk;
	int status = dir_read_block(l->u, l->dir, 0, &disk, &bytes, &end);

	for (uint32_t i = 0; status == 0 && i < FIRST_KEY; i++) {
		const struct disk_dirent *e = dir_entry(bytes, at, end);

		if (e == NULL || e->inode == 0 || e->name_len != i + 1 || !is_dots(e))
			return dir_damaged(l->u, l->dir);
		if (i >= l->position && !emit(l, e, i + 1))
			return ENOUGH;
		at += e->len;
	}
	return status;
}

static void insert_sorted(struct listing *l, uint64_t key, const struct disk_dirent *e)
{
	uint32_t i = l->count++;

	for (; i > 0 && l->list[i - 1].key > key; i--)
		l->list[i] = l->list[i - 1];
	l->list[i] = (struct listed){ .key = key, .entry = e };
}

// Adds the entries of a block, in the order of their hashes.
static int add_block(struct listing *l, uint32_t version, uint32_t n)
{
	const struct disk_dirent *e;
	const uint8_t *bytes;
	uint64_t disk;
	uint32_t end;
	int status = dir_read_block(l->u, l->dir, n, &disk, &bytes, &end);

	for (uint32_t at = 0; status == 0 && at < end; at += e->len) {
		struct name_hash hash;

		e = dir_entry(bytes, at, end);
		if (e == NULL)
			return dir_damaged(l->u, l->dir);
		if (e->inode == 0 || is_dots(e))
			continue;
		status = check_entry(l, e);
		if (status != 0 || l->count == MAX_LISTED)
			return status != 0 ? status : dir_damaged(l->u, l->dir);
		hash = name_hash(dirent_name(e), version, l->u->fs->super.hash_seed);
		insert_sorted(l,
		              (uint64_t)(hash.major >> 1) << 32 |
		                      (hash.minor & ~((1u << RANK_BITS) - 1)),
		              e);
	}
	return status;
}

// Emits what was added, from the position on. 0: go on; ENOUGH.
static int emit_list(struct listing *l)
{
	uint64_t last = UINT64_MAX;
	uint32_t rank = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		uint64_t key = l->list[i].key;

		rank = key == last && rank < (1u << RANK_BITS) - 1 ? rank + 1 : 0;
		last = key;
		key += rank + FIRST_KEY;
		if (key >= l->position && !emit(l, l->list[i].entry, key + 1))
			return ENOUGH;
	}
	l->count = 0;
	l->same_hash = 0;
	return 0;
}

// Whether to go on behind a block, at a hash or a block of that number. What is listed is few names
// after many blocks, or is looked for in the next run, from there on.
static int list_on(struct listing *l, uint32_t next)
{
	if (++l->num_blocks < WALK_SHORT)
		return 0;
	if (l->has_any)
		return ENOUGH;
	walk_note(l->u->fs, WALK_LIST, l->dir->number, l->position, next, 0);
	return 0;
}

// Where to begin: at `first`, or behind what has no names.
static uint32_t list_from(const struct listing *l, uint32_t first)
{
	const struct walk *w = walk_find(l->u->fs, WALK_LIST, l->dir->number, l->position);

	return w == NULL ? first : w->at;
}

static int list_hashed(struct listing *l)
{
	bool index = (l->dir->raw.flags & INODE_INDEX) != 0;
	uint32_t hash, version, leaf = 0, next = 0;
	int status = htree_hash_version(l->u, l->dir, &version);

	hash = l->position < FIRST_KEY ? 0 : (uint32_t)((l->position - FIRST_KEY) >> 32) << 1;
	hash = list_from(l, hash);
	do {
		if (status == 0 && index)
			status = htree_leaf(l->u, l->dir, hash, &leaf, &next);
		if (status == 0)
			status = add_block(l, version, leaf);
		hash = next;
		// Names of one hash that are in two blocks are put into one order.
		if (status == 0 && (next & 1) == 0)
			status = emit_list(l);
		if (status == 0 && l->count == 0 && next != 0)
			status = list_on(l, next);
		else if (status == 0 && ++l->same_hash == SAME_HASH_LEAVES)
			status = dir_damaged(l->u, l->dir);
	} while (status == 0 && next != 0);
	return status;
}

static int list_linear(struct listing *l)
{
	uint64_t begin = l->position < FIRST_KEY ? 0 : l->position - FIRST_KEY;
	int status = 0;

	for (uint32_t n = list_from(l, (uint32_t)(begin / EXT4_BLOCK_SIZE));
	     status == 0 && n < dir_num_blocks(l->dir); n++) {
		const uint64_t first = (uint64_t)n * EXT4_BLOCK_SIZE;
		const struct disk_dirent *e;
		const uint8_t *bytes;
		uint64_t disk;
		uint32_t end;

		status = dir_read_block(l->u, l->dir, n, &disk, &bytes, &end);
		for (uint32_t at = 0; status == 0 && at < end; at += e->len) {
			e = dir_entry(bytes, at, end);
			if (e == NULL)
				return dir_damaged(l->u, l->dir);
			if (e->inode == 0 || is_dots(e) || first + at < begin)
				continue;
			status = check_entry(l, e);
			if (status == 0 && !emit(l, e, first + at + e->len + FIRST_KEY))
				return ENOUGH;
		}
		if (status == 0)
			status = list_on(l, n + 1);
	}
	return status;
}

int ext4_readdir(struct update *u, struct ext4_node node, uint64_t position, ext4_entry_fn entry,
                 void *context)
{
	struct listing l = { .u = u,
		             .position = position,
		             .entry = entry,
		             .context = context,
		             .list = u->fs->super.scratch };
	struct inode dir;
	bool hashed;
	int status = inode_load_node(u, node, &dir);

	if (status == 0 && !inode_is(&dir, MODE_DIR))
		return -LINUX_ENOTDIR;
	if (status != 0)
		return status;
	if (dir_num_blocks(&dir) == 0 || inode_size(&dir) % EXT4_BLOCK_SIZE != 0)
		return dir_damaged(u, &dir);
	l.dir = &dir;
	hashed = (dir.raw.flags & INODE_INDEX) != 0 ||
		(u->fs->super.dir_index && dir_num_blocks(&dir) == 1);
	if (position < FIRST_KEY)
		status = list_dots(&l);
	if (status == 0)
		status = hashed ? list_hashed(&l) : list_linear(&l);
	return status == ENOUGH ? 0 : status;
}
