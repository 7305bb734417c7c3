// SPDX-License-Identifier: MIT
//
// The life of a commit: the transaction's blocks to the journal, a flush (which covers the data
// that the owner wrote before), the commit block, a flush.
#include "libs/abi/linux_error.h"
#include "libs/ext4/internal.h"
#include "libs/starina/log.h"

static void answer(struct list *syncs, int status)
{
	struct list *pos;

	while ((pos = list_pop_front(syncs)) != NULL) {
		struct ext4_sync *sync = container_of(pos, struct ext4_sync, entry);

		sync->done(sync->context, status);
	}
}

static void flush_done(struct ext4_io *io, int status);
static void write_blocks(struct ext4 *fs);

static void flush(struct ext4 *fs)
{
	struct ext4_io *io = &fs->journal.commit.flush;

	*io = (struct ext4_io){ .done = flush_done, .context = fs };
	fs->journal.num_requests++;
	fs->device->flush(fs->device, io);
}

static void write_done(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;
	struct commit *commit = &fs->journal.commit;

	container_of(io, struct log_slot, io)->is_busy = false;
	commit->num_busy--;
	fs->journal.num_requests--;
	if (status != 0)
		journal_abort(fs, status);
	if (fs->journal.error != 0)
		return;
	if (commit->state == COMMIT_BLOCKS)
		write_blocks(fs);
	if (commit->num_busy > 0)
		return;
	commit->state = commit->state == COMMIT_BLOCKS ? COMMIT_FLUSH : COMMIT_FLUSH_BLOCK;
	flush(fs);
}

static void write_slot(struct ext4 *fs, struct log_slot *slot, uint32_t count)
{
	struct commit *commit = &fs->journal.commit;
	const struct log *log = &fs->journal.log;

	slot->is_busy = true;
	commit->num_busy++;
	fs->journal.num_requests++;
	slot->io = (struct ext4_io){ .block = log_disk(log, commit->position, NULL),
		                     .count = count,
		                     .write = true,
		                     .bytes = slot->bytes,
		                     .done = write_done,
		                     .context = fs };
	commit->position = log_after(log, commit->position, count);
	fs->device->submit(fs->device, &slot->io);
}

// Blocks that no request has yet. The last one is zeroes in the place of the commit block, which is
// not zero in its first sector only: a power cut cannot tear it then. (JBD2 takes a torn one for
// damage.)
static uint32_t blocks_left(const struct ext4 *fs)
{
	const struct journal *journal = &fs->journal;
	const struct transaction *t = journal->committing;
	uint32_t size = journal->log.num_blocks - journal->log.first;
	uint32_t done = (journal->commit.position + size - t->log_start) % size;

	return t->log_blocks - done;
}

static void write_blocks(struct ext4 *fs)
{
	const struct log *log = &fs->journal.log;
	struct commit *commit = &fs->journal.commit;

	for (uint32_t i = 0; i < LOG_SLOTS; i++) {
		struct log_slot *slot = &commit->slots[i];
		uint32_t count = blocks_left(fs);
		uint32_t together;

		if (slot->is_busy)
			continue;
		if (count == 0)
			return;
		(void)log_disk(log, commit->position, &together);
		if (count > together)
			count = together;
		if (count > log->num_blocks - commit->position)
			count = log->num_blocks - commit->position;
		if (count > LOG_SLOT_BLOCKS)
			count = LOG_SLOT_BLOCKS;
		for (uint32_t b = 0; b < count; b++)
			commit_make_block(fs, slot->bytes + (size_t)b * EXT4_BLOCK_SIZE);
		write_slot(fs, slot, count);
	}
}

static void committed(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct transaction *t = journal->committing;

	journal->committing = NULL;
	held_clear(&t->held);
	redo_drop(fs, t->last_update);
	checkpoint_add(fs, t);
	checkpoint_begin_if_many(fs);
}

static void flush_done(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;
	struct journal *journal = &fs->journal;
	struct commit *commit = &journal->commit;

	journal->num_requests--;
	if (status != 0)
		journal_abort(fs, status);
	if (journal->error != 0)
		return;
	if (commit->state == COMMIT_FLUSH) {
		commit->state = COMMIT_BLOCK;
		commit->position = log_after(&journal->log, journal->committing->log_start,
		                             journal->committing->log_blocks - 1);
		commit_make_last_block(fs, commit->slots[0].bytes);
		write_slot(fs, &commit->slots[0], 1);
		return;
	}
	if (commit->state == COMMIT_FLUSH_BLOCK)
		committed(fs);
	commit->state = COMMIT_NONE;
	answer(&journal->active_syncs, 0);
	commit_go_on(fs);
	journal_resume(fs);
}

static void activate_syncs(struct journal *journal)
{
	struct list *pos;

	while ((pos = list_pop_front(&journal->syncs)) != NULL)
		list_push_back(&journal->active_syncs, pos);
}

bool commit_begin(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct transaction *t = journal->running;
	struct transaction *next;

	assert(fs->writer == NULL);
	if (journal->error != 0 || journal->commit.state != COMMIT_NONE || !t->has_begun)
		return false;
	next = transaction_create(t->id + 1);
	if (next == NULL)
		return false;
	t->log_blocks = journal_size_of(&journal->log, t->num_versions, t->num_revoked);
	assert(t->log_blocks < journal->log.free);
	t->log_start = journal->log.head;
	journal->log.head = log_after(&journal->log, t->log_start, t->log_blocks);
	journal->log.free -= t->log_blocks;
	journal->committing = t;
	journal->running = next;
	journal->commit_wanted = false;
	activate_syncs(journal);
	commit_rewind(fs);
	journal->commit.state = COMMIT_BLOCKS;
	write_blocks(fs);
	if (journal->commit.num_busy == 0) {
		journal->commit.state = COMMIT_FLUSH;
		flush(fs);
	}
	return true;
}

void commit_go_on(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;

	if (journal->commit.state != COMMIT_NONE || journal->error != 0 ||
	    (list_is_empty(&journal->syncs) && !journal->commit_wanted))
		return;
	if (journal->running->has_begun) {
		(void)commit_begin(fs);
		return;
	}
	journal->commit_wanted = false;
	if (list_is_empty(&journal->syncs))
		return;
	activate_syncs(journal);
	journal->commit.state = COMMIT_FLUSH_ONLY;
	flush(fs);
}

void ext4_sync(struct ext4 *fs, struct ext4_sync *sync)
{
	struct journal *journal = &fs->journal;

	sync->transaction = journal->running->id;
	if (!journal->is_open || journal->error != 0) {
		sync->done(sync->context, journal->error);
		return;
	}
	list_push_back(&journal->syncs, &sync->entry);
	commit_go_on(fs);
}

void ext4_tick(struct ext4 *fs, uint64_t seconds)
{
	struct transaction *t = fs->journal.running;

	fs->journal.seconds = seconds;
	if (t->has_begun && seconds - t->begun >= EXT4_COMMIT_SECONDS)
		(void)commit_begin(fs);
	// A commit for which there was no memory.
	commit_go_on(fs);
}

void commit_fail(struct ext4 *fs, int error)
{
	answer(&fs->journal.active_syncs, error);
	answer(&fs->journal.syncs, error);
}
