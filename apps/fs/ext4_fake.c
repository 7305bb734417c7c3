// SPDX-License-Identifier: MIT
#include "apps/fs/ext4_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/ext4.h"

#define MAX_INODES 64u
#define MAX_ENTRIES 512u
#define MAX_BLOCKS 512u
#define TYPE_MASK 0xf000u
#define TYPE_DIR 0x4000u

struct file_block {
	uint64_t disk;
	bool unwritten;
};

struct inode {
	bool used;
	struct ext4_attr attr;
	struct file_block blocks[MAX_BLOCKS];
	uint8_t target[EXT4_BLOCK_SIZE];
	size_t target_len;
	uint8_t xattr_name[256], xattr[512];
	size_t xattr_name_len, xattr_len;
};

struct entry {
	bool used;
	uint32_t dir, inode;
	uint8_t name[EXT4_NAME_MAX];
	size_t len;
};

struct ext4 {
	struct ext4_options options;
	struct inode inodes[MAX_INODES];
	struct entry entries[MAX_ENTRIES];
	uint8_t *taken;  // of each block: 1 is reserved, 2 a file's
	uint32_t generation;
	uint64_t updates;
	struct ext4_time now;
	struct ext4_io io;
	uint8_t bytes[EXT4_BLOCK_SIZE];
	bool io_busy;
	struct list syncs;
	struct ext4_io flush;
	bool flush_busy;
};

uint32_t ext4_fake_waits;
static struct ext4 *current;

uint32_t ext4_fake_inodes(void)
{
	uint32_t num = 0;

	for (uint32_t i = 0; current != NULL && i < MAX_INODES; i++)
		num += current->inodes[i].used;
	return num;
}

uint32_t ext4_fake_reserved(void)
{
	uint32_t num = 0;

	for (uint64_t i = 0; current != NULL && i < current->options.device->num_blocks; i++)
		num += current->taken[i] == 1;
	return num;
}

static bool is_dir(const struct inode *inode)
{
	return (inode->attr.mode & TYPE_MASK) == TYPE_DIR;
}

static struct inode *inode_of(struct ext4 *fs, struct ext4_node node)
{
	struct inode *inode = &fs->inodes[node.inode % MAX_INODES];

	if (node.inode >= MAX_INODES || !inode->used)
		return NULL;
	if (node.generation != inode->attr.node.generation && node.inode != EXT4_ROOT_INODE)
		return NULL;
	return inode;
}

static struct inode *inode_make(struct ext4 *fs, const struct ext4_new *what)
{
	for (uint32_t i = EXT4_ROOT_INODE; i < MAX_INODES; i++) {
		struct inode *inode = &fs->inodes[i];

		if (inode->used)
			continue;
		memset(inode, 0, sizeof(*inode));
		inode->used = true;
		inode->attr = (struct ext4_attr){ .node = { i, ++fs->generation * 77773 },
			                          .mode = what->mode,
			                          .uid = what->uid,
			                          .gid = what->gid,
			                          .device = what->device };
		inode->target_len = what->target.len;
		if (what->target.len > 0)
			memcpy(inode->target, what->target.data, what->target.len);
		return inode;
	}
	return NULL;
}

// What was committed is there, and nothing else.
static void after_death(struct ext4 *fs, const struct ext4_options *options)
{
	fs->options = *options;
	fs->io_busy = fs->flush_busy = false;
	list_init(&fs->syncs);
	for (uint64_t i = 0; i < options->device->num_blocks; i++) {
		if (fs->taken[i] == 1)
			fs->taken[i] = 0;
	}
}

void ext4_fake_reset(void)
{
	if (current != NULL)
		free(current->taken);
	free(current);
	current = NULL;
}

int ext4_mount(const struct ext4_options *options, struct ext4 **out, char *why, size_t why_size)
{
	const struct ext4_new root = { .mode = TYPE_DIR | 0755 };
	struct ext4 *fs;

	(void)why;
	(void)why_size;
	if (current != NULL) {
		after_death(current, options);
		*out = current;
		return 0;
	}
	fs = calloc(1, sizeof(*fs));
	fs->options = *options;
	fs->taken = calloc(1, options->device->num_blocks);
	list_init(&fs->syncs);
	inode_make(fs, &root)->attr.links = 2;
	current = fs;
	*out = fs;
	return 0;
}

int ext4_unmount(struct ext4 *fs)
{
	while (fs->io_busy || fs->flush_busy)
		fs->options.device->wait(fs->options.device);
	return 0;
}

void ext4_set_time(struct ext4 *fs, struct ext4_time now)
{
	fs->now = now;
}

void ext4_tick(struct ext4 *fs, uint64_t seconds)
{
	(void)fs;
	(void)seconds;
}

static void flushed(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;
	struct list *entry;

	fs->flush_busy = false;
	while ((entry = list_pop_front(&fs->syncs)) != NULL) {
		struct ext4_sync *sync = container_of(entry, struct ext4_sync, entry);

		sync->done(sync->context, status);
	}
}

void ext4_sync(struct ext4 *fs, struct ext4_sync *sync)
{
	list_push_back(&fs->syncs, &sync->entry);
	if (fs->flush_busy)
		return;
	fs->flush_busy = true;
	fs->flush = (struct ext4_io){ .done = flushed, .context = fs };
	fs->options.device->flush(fs->options.device, &fs->flush);
}

void ext4_statfs(const struct ext4 *fs, struct ext4_statfs *out)
{
	*out = (struct ext4_statfs){ .blocks = fs->options.device->num_blocks,
		                     .inodes = MAX_INODES };
	for (uint64_t i = 1; i < out->blocks; i++)
		out->free_blocks += fs->taken[i] == 0;
	out->available_blocks = out->free_blocks;
}

// --- Updates -------------------------------------------------------------------------------------

static void waited(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;

	(void)status;
	fs->io_busy = false;
	fs->options.resume(fs->options.context);
}

int update_begin(struct update *update, struct ext4 *fs, uint32_t credits)
{
	update->fs = fs;
	update->num_blocks = credits;
	if ((uint32_t)rand() % 256 >= ext4_fake_waits)
		return 0;
	if (!fs->io_busy) {
		fs->io_busy = true;
		fs->io = (struct ext4_io){ .block = 1,
			                   .count = 1,
			                   .bytes = fs->bytes,
			                   .done = waited,
			                   .context = fs };
		fs->options.device->submit(fs->options.device, &fs->io);
	}
	return UPDATE_WAIT;
}

void update_commit(struct update *update, uint32_t *transaction)
{
	(void)transaction;
	update->fs->updates++;
}

void update_drop(struct update *update)
{
	(void)update;
}

uint64_t update_next(const struct ext4 *fs)
{
	return fs->updates + 1;
}

uint64_t update_last(const struct ext4 *fs)
{
	return fs->updates;
}

// --- Nodes ---------------------------------------------------------------------------------------

int ext4_getattr(struct update *u, struct ext4_node node, struct ext4_attr *out)
{
	const struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	*out = inode->attr;
	return 0;
}

int ext4_node_of(struct update *u, uint32_t number, struct ext4_attr *out)
{
	const struct inode *inode = &u->fs->inodes[number % MAX_INODES];

	if (number >= MAX_INODES || !inode->used)
		return -LINUX_ESTALE;
	*out = inode->attr;
	return 0;
}

int ext4_setattr(struct update *u, struct ext4_node node, uint32_t which, struct ext4_attr *attr)
{
	struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	if ((which & EXT4_SET_MODE) != 0)
		inode->attr.mode = attr->mode;
	if ((which & EXT4_SET_UID) != 0)
		inode->attr.uid = attr->uid;
	if ((which & EXT4_SET_GID) != 0)
		inode->attr.gid = attr->gid;
	if ((which & EXT4_SET_MTIME) != 0)
		inode->attr.mtime = attr->mtime;
	*attr = inode->attr;
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
	struct inode *inode = inode_of(u->fs, node);
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
	struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	for (uint64_t i = block; i < (uint64_t)block + count && i < MAX_BLOCKS; i++)
		block_free(u->fs, inode, (uint32_t)i);
	return 0;
}

int ext4_release(struct update *u, struct ext4_node node)
{
	struct inode *inode = inode_of(u->fs, node);
	int result = ext4_truncate(u, node, 0);

	if (result != 0)
		return result;
	if (inode->attr.links != 0)
		abort();
	inode->used = false;
	return 0;
}

void ext4_orphans(const struct ext4 *fs,
                  void (*found)(void *context, struct ext4_node node, bool named), void *context)
{
	for (uint32_t i = 0; i < MAX_INODES; i++) {
		const struct inode *inode = &fs->inodes[i];

		if (inode->used && inode->attr.links == 0)
			found(context, inode->attr.node, false);
	}
}

// --- Names ---------------------------------------------------------------------------------------

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
	const struct inode *inode = inode_of(u->fs, dir);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return is_dir(inode) ? 0 : -LINUX_ENOTDIR;
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

	if (result == 0 && inode_of(u->fs, dir)->attr.links == 0)
		result = -LINUX_ENOENT;
	if (result == 0 && entry_of(u->fs, dir.inode, name) != NULL)
		result = -LINUX_EEXIST;
	if (result != 0)
		return result;
	inode = inode_make(u->fs, what);
	if (inode == NULL)
		return -LINUX_ENOSPC;
	result = entry_make(u->fs, dir.inode, name, inode->attr.node.inode);
	inode->used = result == 0;
	inode->attr.links = is_dir(inode) ? 2 : 1;
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
	inode = inode_make(u->fs, what);
	if (inode == NULL)
		return -LINUX_ENOSPC;
	*out = inode->attr;
	return 0;
}

int ext4_link(struct update *u, struct ext4_node node, struct ext4_node dir, struct span name,
              struct ext4_attr *out)
{
	struct inode *inode = inode_of(u->fs, node);
	int result = dir_check(u, dir);

	if (result != 0)
		return result;
	if (inode == NULL)
		return -LINUX_ESTALE;
	if (is_dir(inode))
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
	inode->attr.links = is_dir(inode) ? 0 : inode->attr.links - 1;
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
	if (is_dir(entry_inode(u->fs, entry)))
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
	if (!is_dir(entry_inode(u->fs, entry)))
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
	if (is_dir(entry_inode(u->fs, from)) || (to != NULL && is_dir(entry_inode(u->fs, to))))
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
	const struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL || inode->target_len == 0)
		return -LINUX_EINVAL;
	memcpy(out, inode->target, inode->target_len);
	*len = inode->target_len;
	return 0;
}

// --- Blocks --------------------------------------------------------------------------------------

int ext4_map(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
             struct ext4_run *out)
{
	const struct inode *inode = inode_of(u->fs, node);

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
	const struct inode *inode = inode_of(u->fs, node);

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
	struct inode *inode = inode_of(u->fs, node);

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
	struct inode *inode = inode_of(u->fs, node);

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
	const struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return has_xattr(inode, name) ? give(inode->xattr, inode->xattr_len, out, len)
				      : -LINUX_ENODATA;
}

int ext4_listxattr(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	const struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	return give(inode->xattr_name, inode->xattr_name_len == 0 ? 0 : inode->xattr_name_len + 1,
	            out, len);
}

int ext4_setxattr(struct update *u, struct ext4_node node, struct span name, struct span value,
                  uint32_t flags)
{
	struct inode *inode = inode_of(u->fs, node);

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
	struct inode *inode = inode_of(u->fs, node);

	if (inode == NULL)
		return -LINUX_ESTALE;
	if (!has_xattr(inode, name))
		return -LINUX_ENODATA;
	inode->xattr_name_len = 0;
	return 0;
}
