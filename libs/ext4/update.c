// SPDX-License-Identifier: MIT
#include "libs/ext4/update.h"

#include "libs/abi/linux_error.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/ext4/orphan.h"
#include "libs/starina/log.h"

int update_begin(struct update *update, struct ext4 *fs, uint32_t credits)
{
	int status;

	assert(credits <= UPDATE_MAX_BLOCKS && (credits == 0 || fs->writer == NULL));
	update->fs = NULL;
	if (credits > 0 && fs->read_only)
		return -LINUX_EROFS;
	status = credits > 0 ? journal_reserve(fs, credits) : 0;
	if (status != 0)
		return status;
	if (fs->num_updates == 0)
		cache_trim(&fs->cache);
	fs->num_updates++;
	if (credits > 0)
		fs->writer = update;
	update->fs = fs;
	update->credits = credits;
	update->num_blocks = 0;
	update->num_freed = 0;
	update->num_revoked = 0;
	update->free_blocks = 0;
	update->free_inodes = 0;
	update->orphan.number = 0;
	return 0;
}

static struct update_block *find_copy(struct update *update, uint64_t block)
{
	for (uint32_t i = 0; i < update->num_blocks; i++)
		if (update->blocks[i].entry->block == block)
			return &update->blocks[i];
	return NULL;
}

// More blocks than credits are what only a damaged disk asks for: deeper or fuller trees than a
// file system of this size can have.
static int add_copy(struct update *update, struct cached *entry, struct update_block **out)
{
	struct update_block *b = &update->blocks[update->num_blocks];
	struct version *copy;

	assert(update->credits > 0);
	if (update->num_blocks == update->credits)
		return damaged(update->fs, "a change takes more than %u blocks", update->credits);
	copy = version_create(entry->block);
	if (copy == NULL)
		return -LINUX_ENOMEM;
	*b = (struct update_block){ .copy = copy, .entry = entry };
	update->num_blocks++;
	*out = b;
	return 0;
}

int update_read(struct update *update, uint64_t block, const uint8_t **out)
{
	const struct update_block *copy = find_copy(update, block);
	struct cached *entry;
	int status;

	if (copy != NULL) {
		*out = copy->copy->bytes;
		return 0;
	}
	if (block >= update->fs->num_blocks)
		return -LINUX_EUCLEAN;
	status = cache_read(&update->fs->cache, block, &entry);
	if (status == 0)
		*out = entry->current->bytes;
	return status;
}

int update_write(struct update *update, uint64_t block, uint8_t **out)
{
	struct update_block *copy = find_copy(update, block);
	struct cached *entry;
	int status;

	if (copy == NULL) {
		if (block >= update->fs->num_blocks)
			return -LINUX_EUCLEAN;
		status = cache_read(&update->fs->cache, block, &entry);
		if (status != 0)
			return status;
		status = add_copy(update, entry, &copy);
		if (status != 0)
			return status;
		memcpy(copy->copy->bytes, entry->current->bytes, EXT4_BLOCK_SIZE);
		copy->copy->kind = entry->current->kind;
	}
	*out = copy->copy->bytes;
	return 0;
}

// A bitmap may say that a block is free which somebody has: his content would go while he works on
// it.
static bool is_in_use(struct update *update, const struct cached *entry)
{
	return find_copy(update, entry->block) != NULL ||
		(entry->current != NULL && entry->current->kind != KIND_UNKNOWN);
}

int update_new(struct update *update, uint64_t block, uint8_t **out)
{
	struct update_block *copy;
	struct cached *entry;
	int status;

	if (block >= update->fs->num_blocks)
		return -LINUX_EUCLEAN;
	entry = cache_entry(&update->fs->cache, block);
	if (entry == NULL)
		return -LINUX_ENOMEM;
	if (is_in_use(update, entry))
		return damaged(update->fs, "block %llu is in use, and not free",
		               (unsigned long long)block);
	status = add_copy(update, entry, &copy);
	if (status != 0)
		return status;
	memset(copy->copy->bytes, 0, EXT4_BLOCK_SIZE);
	copy->copy->kind = 0;
	copy->is_new = true;
	*out = copy->copy->bytes;
	return 0;
}

static void drop_copies(struct update *update, uint64_t block, uint32_t count)
{
	for (uint32_t i = update->num_blocks; i-- > 0;) {
		struct update_block *b = &update->blocks[i];

		if (b->entry->block - block >= count)
			continue;
		version_put(b->copy);
		*b = update->blocks[--update->num_blocks];
	}
}

int update_free(struct update *update, uint64_t block, uint32_t count, bool metadata)
{
	struct ext4 *fs = update->fs;
	uint32_t revoked = metadata ? count : 0;
	int status;

	assert(update->credits > 0);
	if (count == 0 || !range_within(block, count, fs->num_blocks))
		return -LINUX_EUCLEAN;
	if (update->num_freed == UPDATE_MAX_FREED ||
	    revoked > UPDATE_MAX_REVOKED - update->num_revoked)
		return -LINUX_ENOSPC;
	status = transaction_reserve_freed(fs->journal.running, update->num_freed, block, count);
	if (status != 0)
		return status;
	drop_copies(update, block, count);
	update->freed[update->num_freed++] =
		(struct update_freed){ .block = block, .count = count, .metadata = metadata };
	update->num_revoked += revoked;
	return 0;
}

bool update_changes(struct update *update, uint64_t block)
{
	return find_copy(update, block) != NULL;
}

bool update_frees(const struct update *update, uint64_t block)
{
	for (uint32_t i = 0; update != NULL && i < update->num_freed; i++)
		if (block - update->freed[i].block < update->freed[i].count)
			return true;
	return false;
}

bool update_is_held(const struct ext4 *fs, uint64_t block)
{
	const struct cached *entry;

	if (journal_is_held(&fs->journal, block) || update_frees(fs->writer, block))
		return true;
	// What it was is still on its way to the disk.
	entry = cache_find(&fs->cache, block);
	return entry != NULL && entry->writing;
}

static void end(struct update *update)
{
	update->fs->num_updates--;
	if (update->fs->writer == update)
		update->fs->writer = NULL;
	update->fs = NULL;
}

bool update_wait_for_commit(struct update *update)
{
	struct ext4 *fs = update->fs;
	struct journal *journal = &fs->journal;

	if (journal->error != 0 || !journal->is_open)
		return false;
	if (journal->running->has_begun)
		journal->commit_wanted = true;
	else if (journal->commit.state == COMMIT_NONE &&
	         journal->checkpoint.state == CHECKPOINT_NONE)
		return false;
	if (fs->writer == NULL)
		commit_go_on(fs);
	return true;
}

void update_commit(struct update *update, uint32_t *transaction)
{
	struct ext4 *fs = update->fs;

	fs->super.free_blocks += (uint64_t)update->free_blocks;
	fs->super.free_inodes += (uint64_t)update->free_inodes;
	orphans_commit(fs, update);
	if (update->num_blocks > 0 || update->num_freed > 0)
		journal_take(fs, update);
	if (transaction != NULL)
		*transaction = fs->journal.running->id;
	end(update);
}

void update_drop(struct update *update)
{
	struct ext4 *fs;

	if (update->fs == NULL)
		return;
	for (uint32_t i = 0; i < update->num_blocks; i++)
		version_put(update->blocks[i].copy);
	fs = update->fs;
	end(update);
	if (fs->journal.commit_wanted && fs->writer == NULL)
		commit_go_on(fs);
}

uint64_t update_next(const struct ext4 *fs)
{
	return fs->journal.last_update + 1;
}

uint64_t update_last(const struct ext4 *fs)
{
	return fs->journal.last_update;
}
