// SPDX-License-Identifier: MIT
#include "apps/fs/ext4_fake.h"

#include <stdlib.h>
#include <string.h>

#include "apps/fs/ext4_parts_fake.h"
#include "libs/abi/linux_error.h"

uint32_t ext4_fake_waits, ext4_fake_ticks;
bool ext4_fake_begin_fails;
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

struct inode *fake_inode_of(struct ext4 *fs, struct ext4_node node)
{
	struct inode *inode = &fs->inodes[node.inode % MAX_INODES];

	if (node.inode >= MAX_INODES || !inode->used)
		return NULL;
	if (node.generation != inode->attr.node.generation && node.inode != EXT4_ROOT_INODE)
		return NULL;
	return inode;
}

struct inode *fake_inode_make(struct ext4 *fs, const struct ext4_new *what)
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

static uint32_t num_orphans(const struct ext4 *fs)
{
	uint32_t num = 0;

	for (uint32_t i = 0; i < MAX_INODES; i++)
		num += fs->inodes[i].used && fs->inodes[i].attr.links == 0;
	return num;
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
		current->deferred = options->deferred && num_orphans(current) == 0;
		*out = current;
		return 0;
	}
	fs = calloc(1, sizeof(*fs));
	fs->options = *options;
	fs->deferred = options->deferred;
	fs->taken = calloc(1, options->device->num_blocks);
	list_init(&fs->syncs);
	fake_inode_make(fs, &root)->attr.links = 2;
	current = fs;
	*out = fs;
	return 0;
}

bool ext4_is_deferred(const struct ext4 *fs)
{
	return fs->deferred;
}

int ext4_begin(struct ext4 *fs)
{
	if (ext4_fake_begin_fails)
		return -LINUX_EIO;
	fs->deferred = false;
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
	ext4_fake_ticks++;
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
	fs->num_syncs++;
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
	if (credits > 0 && fs->deferred)
		abort();
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
	const struct inode *inode = fake_inode_of(u->fs, node);

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
	struct inode *inode = fake_inode_of(u->fs, node);

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

int ext4_release(struct update *u, struct ext4_node node)
{
	struct inode *inode = fake_inode_of(u->fs, node);
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
