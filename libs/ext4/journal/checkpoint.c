// SPDX-License-Identifier: MIT
//
// Brings the blocks of committed transactions to their places, in rounds: blocks, a flush, the
// journal's superblock with the new tail, a flush; then the log before the tail is free.
#include "libs/ext4/internal.h"

static void write_blocks(struct ext4 *fs);
static void next_state(struct ext4 *fs);

static struct transaction *first_of(struct journal *journal)
{
	return list_is_empty(&journal->checkpoints)
		? NULL
		: container_of(journal->checkpoints.next, struct transaction, entry);
}

// The block is in its place, or is not to come there any more.
static void unlog(struct ext4 *fs, struct cached *entry)
{
	struct version *v = entry->logged;

	if (v == NULL)
		return;
	entry->logged = NULL;
	fs->journal.num_logged--;
	transaction_forget(v);
	version_put(v);
}

void checkpoint_add(struct ext4 *fs, struct transaction *t)
{
	struct journal *journal = &fs->journal;

	// An older version of a block is in the journal for nothing now.
	list_for_each(pos, &t->versions) {
		struct version *v = container_of(pos, struct version, entry);

		unlog(fs, v->cached);
		v->cached->logged = version_get(v);
		journal->num_logged++;
	}
	for (uint32_t i = 0; i < t->num_freed; i++)
		for (uint32_t b = 0; t->freed[i].metadata && b < t->freed[i].count; b++) {
			struct cached *entry = cache_find(&fs->cache, t->freed[i].block + b);

			if (entry != NULL)
				unlog(fs, entry);
		}
	list_push_back(&journal->checkpoints, &t->entry);
	journal->num_checkpoints++;
}

static void write_done(struct ext4_io *io, int status)
{
	struct checkpoint_slot *slot = container_of(io, struct checkpoint_slot, io);
	struct ext4 *fs = io->context;
	struct version *v = slot->version;
	struct cached *entry = v->cached;

	slot->version = NULL;
	fs->journal.checkpoint.num_busy--;
	fs->journal.num_requests--;
	entry->writing = false;
	if (status == 0 && entry->logged == v)
		unlog(fs, entry);
	version_put(v);
	if (status != 0)
		journal_abort(fs, status);
	if (fs->journal.error == 0)
		write_blocks(fs);
}

// Gives the version's block to the device, unless it is freed in a transaction that is not on the
// disk, or an older version is on its way.
static bool write_version(struct ext4 *fs, struct version *v, struct checkpoint_slot *slot)
{
	struct checkpoint *checkpoint = &fs->journal.checkpoint;
	struct cached *entry = v->cached;

	list_remove(&v->entry);
	if (entry->current == NULL || entry->writing) {
		list_push_back(&checkpoint->skipped, &v->entry);
		return false;
	}
	list_push_back(&checkpoint->writing, &v->entry);
	entry->writing = true;
	checkpoint->num_written++;
	slot->version = version_get(v);
	slot->io = (struct ext4_io){ .block = v->block,
		                     .count = 1,
		                     .write = true,
		                     .bytes = v->bytes,
		                     .done = write_done,
		                     .context = fs };
	checkpoint->num_busy++;
	fs->journal.num_requests++;
	fs->device->submit(fs->device, &slot->io);
	return true;
}

static struct version *next_version(struct journal *journal)
{
	list_for_each(pos, &journal->checkpoints) {
		struct transaction *t = container_of(pos, struct transaction, entry);

		if ((int32_t)(t->id - journal->checkpoint.last) > 0)
			break;
		if (!list_is_empty(&t->versions))
			return container_of(t->versions.next, struct version, entry);
	}
	return NULL;
}

static void write_blocks(struct ext4 *fs)
{
	struct checkpoint *checkpoint = &fs->journal.checkpoint;

	for (uint32_t i = 0; i < CHECKPOINT_SLOTS; i++) {
		struct version *v;

		if (checkpoint->slots[i].version != NULL)
			continue;
		while ((v = next_version(&fs->journal)) != NULL)
			if (write_version(fs, v, &checkpoint->slots[i]))
				break;
		if (v == NULL)
			break;
	}
	if (checkpoint->num_busy == 0)
		next_state(fs);
}

static void io_done(struct ext4_io *io, int status)
{
	struct ext4 *fs = io->context;
	struct journal *journal = &fs->journal;
	bool was_super = journal->checkpoint.state == CHECKPOINT_TAIL;

	journal->num_requests--;
	if (status == 0 && journal->error == 0) {
		next_state(fs);
		return;
	}
	// The superblock is not on its way any more: the error can be noted there.
	if (was_super)
		journal->checkpoint.state = CHECKPOINT_NONE;
	if (journal->error == 0)
		journal_abort(fs, status);
	else if (was_super)
		journal_note_error(fs);
}

static void flush(struct ext4 *fs)
{
	struct ext4_io *io = &fs->journal.checkpoint.io;

	*io = (struct ext4_io){ .done = io_done, .context = fs };
	fs->journal.num_requests++;
	fs->device->flush(fs->device, io);
}

static void put_skipped_back(struct journal *journal)
{
	struct list *pos;

	while ((pos = list_pop_front(&journal->checkpoint.skipped)) != NULL)
		list_push_back(&container_of(pos, struct version, entry)->transaction->versions,
		               pos);
}

// The log begins at the first transaction that has blocks which are not in place.
void checkpoint_write_tail(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct log *log = &journal->log;
	struct ext4_io *io = &journal->checkpoint.io;
	const struct transaction *tail = journal->committing;

	log->start = tail != NULL ? tail->log_start : log->head;
	log->sequence = tail != NULL ? tail->id : journal->running->id;
	list_for_each(pos, &journal->checkpoints) {
		tail = container_of(pos, struct transaction, entry);
		if (tail->num_versions == 0)
			continue;
		log->start = tail->log_start;
		log->sequence = tail->id;
		break;
	}
	log_seal_super(log);
	*io = (struct ext4_io){ .block = log_disk(log, 0, NULL),
		                .count = 1,
		                .write = true,
		                .bytes = log->super,
		                .done = io_done,
		                .context = fs };
	journal->num_requests++;
	fs->device->submit(fs->device, io);
}

static void free_log(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct transaction *t;

	while ((t = first_of(journal)) != NULL && t->id != journal->log.sequence) {
		journal->log.free += t->log_blocks;
		journal->num_checkpoints--;
		transaction_destroy(t);
	}
}

static void next_state(struct ext4 *fs)
{
	struct checkpoint *checkpoint = &fs->journal.checkpoint;

	switch (checkpoint->state) {
	case CHECKPOINT_NONE: break;
	case CHECKPOINT_BLOCKS:
		checkpoint->state = CHECKPOINT_FLUSH;
		put_skipped_back(&fs->journal);
		flush(fs);
		break;
	case CHECKPOINT_FLUSH:
		checkpoint->state = CHECKPOINT_TAIL;
		// Of two writes of the superblock the older one could come last.
		if (!fs->journal.error_io_is_busy)
			checkpoint_write_tail(fs);
		break;
	case CHECKPOINT_TAIL:
		checkpoint->state = CHECKPOINT_FLUSH_TAIL;
		flush(fs);
		break;
	case CHECKPOINT_FLUSH_TAIL:
		checkpoint->state = CHECKPOINT_NONE;
		free_log(fs);
		// What cannot be written now can when the running transaction is on the disk.
		if (checkpoint->num_written > 0)
			checkpoint_begin_if_many(fs);
		journal_resume(fs);
		break;
	}
}

void checkpoint_begin(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct checkpoint *checkpoint = &journal->checkpoint;

	if (checkpoint->state != CHECKPOINT_NONE || journal->error != 0 ||
	    first_of(journal) == NULL)
		return;
	checkpoint->last = container_of(journal->checkpoints.prev, struct transaction, entry)->id;
	checkpoint->state = CHECKPOINT_BLOCKS;
	checkpoint->num_written = 0;
	write_blocks(fs);
}

void checkpoint_begin_if_many(struct ext4 *fs)
{
	if (fs->journal.num_logged > fs->cache.capacity / 2)
		checkpoint_begin(fs);
}
