// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/journal.h"

#include "libs/abi/linux_error.h"
#include "libs/ext4/internal.h"
#include "libs/starina/log.h"

// More transactions than these wait for their places no longer.
#define CHECKPOINTS_MOST 256u

int journal_init(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;

	list_init(&journal->checkpoints);
	list_init(&journal->syncs);
	list_init(&journal->active_syncs);
	list_init(&journal->checkpoint.writing);
	list_init(&journal->checkpoint.skipped);
	journal->running = transaction_create(1);
	return journal->running == NULL ? -LINUX_ENOMEM : 0;
}

void journal_resume(struct ext4 *fs)
{
	if (fs->cache.resume != NULL)
		fs->cache.resume(fs->cache.context);
}

// Whether the running transaction has enough, with another update.
static bool is_full(const struct ext4 *fs, uint32_t credits)
{
	const struct journal *journal = &fs->journal;
	const struct transaction *t = journal->running;
	uint32_t num_versions = t->num_versions + credits;
	uint32_t size =
		journal_size_of(&journal->log, num_versions, t->num_revoked + UPDATE_MAX_REVOKED);

	return t->has_begun &&
		(size > (journal->log.num_blocks - journal->log.first) / 4 ||
	         num_versions > fs->cache.capacity / 4);
}

static uint32_t num_changed(const struct journal *journal)
{
	const struct transaction *t = journal->committing;

	return journal->num_logged + journal->running->num_versions +
		(t != NULL ? t->num_versions : 0);
}

// Whether the log has room for the running transaction with another update, and the cache for its
// blocks. Makes room ahead of time.
static bool has_room(struct ext4 *fs, uint32_t credits)
{
	struct journal *journal = &fs->journal;
	const struct transaction *t = journal->running;
	uint32_t size = journal_size_of(&journal->log, t->num_versions + credits,
	                                t->num_revoked + UPDATE_MAX_REVOKED);
	uint32_t num_blocks = num_changed(journal) + credits;
	bool has = size < journal->log.free && num_blocks <= fs->cache.capacity;

	if (!has || journal->log.free < (journal->log.num_blocks - journal->log.first) / 2 ||
	    num_blocks > fs->cache.capacity / 2 || journal->num_checkpoints > CHECKPOINTS_MOST)
		checkpoint_begin(fs);
	// Blocks that this transaction has freed are brought nowhere before it is on the disk.
	if (!has)
		(void)commit_begin(fs);
	return has;
}

int journal_reserve(struct ext4 *fs, uint32_t credits)
{
	struct journal *journal = &fs->journal;

	if (journal->error != 0)
		return -LINUX_EROFS;
	if (redo_is_half_full(&journal->redo) && !journal->redo.is_replaying)
		(void)commit_begin(fs);
	if (!journal->redo.is_replaying && is_full(fs, credits) && !commit_begin(fs))
		return journal->commit.state != COMMIT_NONE ? UPDATE_WAIT : -LINUX_ENOMEM;
	if (!has_room(fs, credits))
		return UPDATE_WAIT;
	if (redo_has_room(&journal->redo, credits))
		return 0;
	(void)commit_begin(fs);
	return UPDATE_WAIT;
}

static void forget_freed(struct ext4 *fs, const struct update_freed *freed)
{
	for (uint32_t i = 0; freed->metadata && i < freed->count; i++) {
		struct cached *entry = cache_find(&fs->cache, freed->block + i);

		if (entry == NULL || entry->current == NULL)
			continue;
		if (entry->current->transaction == fs->journal.running)
			transaction_forget(entry->current);
		cache_set_current(entry, NULL);
	}
}

void journal_take(struct ext4 *fs, struct update *update)
{
	struct journal *journal = &fs->journal;
	struct transaction *t = journal->running;

	journal->last_update++;
	redo_append(fs, update);
	t->last_update = journal->last_update;
	if (!t->has_begun)
		t->begun = journal->seconds;
	t->has_begun = true;
	for (uint32_t i = 0; i < update->num_blocks; i++)
		transaction_add(t, update->blocks[i].entry, update->blocks[i].copy);
	for (uint32_t i = 0; i < update->num_freed; i++) {
		transaction_add_freed(t, &update->freed[i]);
		forget_freed(fs, &update->freed[i]);
	}
}

bool journal_is_held(const struct journal *journal, uint64_t block)
{
	return held_has(&journal->running->held, block) ||
		(journal->committing != NULL && held_has(&journal->committing->held, block));
}

static void error_written(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;

	(void)status;
	fs->journal.num_requests--;
	fs->journal.error_io_is_busy = false;
	if (fs->journal.error == 0 && fs->journal.checkpoint.state == CHECKPOINT_TAIL)
		checkpoint_write_tail(fs);
}

void journal_note_error(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;

	// A disk that is not written yet has it from ext4_begin on.
	journal->log.error = (uint32_t)-LINUX_EIO;
	if (!journal->is_open)
		return;
	// While the superblock is on its way it must not change. The next one has it.
	if (journal->checkpoint.state == CHECKPOINT_TAIL || journal->error_io_is_busy)
		return;
	log_seal_super(&journal->log);
	journal->error_io = (struct ext4_io){ .block = log_disk(&journal->log, 0, NULL),
		                              .count = 1,
		                              .write = true,
		                              .bytes = journal->log.super,
		                              .done = error_written,
		                              .context = fs };
	journal->error_io_is_busy = true;
	journal->num_requests++;
	fs->device->submit(fs->device, &journal->error_io);
}

void journal_abort(struct ext4 *fs, int error)
{
	if (fs->journal.error != 0)
		return;
	fs->journal.error = error;
	fs->read_only = true;
	log_error("ext4: a write to the disk failed (%d): the file system is read-only from now on",
	          error);
	journal_note_error(fs);
	commit_fail(fs, error);
	journal_resume(fs);
}
