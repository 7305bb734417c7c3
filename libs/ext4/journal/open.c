// SPDX-License-Identifier: MIT
//
// The journal from mount to unmount.
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"
#include "libs/ext4/seal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Of the superblock (Linux: Documentation/filesystems/ext4/super.rst).
#define SUPER_OFFSET 1024u
#define SUPER_STATE 0x3au
#define SUPER_STATE_ERROR 2u
#define SUPER_COMPAT 0x5cu
#define COMPAT_HAS_JOURNAL 4u
#define SUPER_INCOMPAT 0x60u
#define INCOMPAT_RECOVER 4u
#define INCOMPAT_JOURNAL_DEVICE 8u
#define INCOMPAT_64BIT 0x80u
#define SUPER_RO_COMPAT 0x64u
#define RO_COMPAT_METADATA_CSUM 0x400u

static uint8_t *super_of(struct version *first)
{
	return first->bytes + SUPER_OFFSET;
}

// All features that count here are in the lowest 16 bits.
static uint32_t features(struct ext4 *fs, uint32_t offset)
{
	const uint8_t *p = super_of(cache_find(&fs->cache, 0)->current) + offset;

	return p[0] | (uint32_t)p[1] << 8;
}

// The superblock's block, which may have left the cache. Blocks.
static int read_first(struct ext4 *fs, struct cached **out)
{
	int status;

	while ((status = cache_read(&fs->cache, 0, out)) == UPDATE_WAIT)
		fs->device->wait(fs->device);
	return status;
}

// Whether the journal is to be replayed at the next mount, and whether there was an error.
static int mark_super(struct ext4 *fs, bool recover, bool error)
{
	struct cached *entry;
	struct version *v;
	uint8_t *super;
	int status = read_first(fs, &entry);

	v = status == 0 ? version_create(0) : NULL;
	if (v == NULL)
		return status != 0 ? status : -LINUX_ENOMEM;
	memcpy(v->bytes, entry->current->bytes, EXT4_BLOCK_SIZE);
	super = super_of(v);
	super[SUPER_INCOMPAT] &= (uint8_t)~INCOMPAT_RECOVER;
	if (recover)
		super[SUPER_INCOMPAT] |= INCOMPAT_RECOVER;
	else
		super_set_counts(fs, super);
	if (error)
		super[SUPER_STATE] |= SUPER_STATE_ERROR;
	super_seal(super);
	status = device_write(fs->device, 0, 1, v->bytes);
	if (status == 0)
		status = device_flush(fs->device);
	cache_set_current(entry, v);
	return status;
}

static int replay(struct ext4 *fs, char *why, size_t why_size)
{
	struct log *log = &fs->journal.log;
	bool must = (features(fs, SUPER_INCOMPAT) & INCOMPAT_RECOVER) != 0 && log->start != 0;
	int status;

	if (!must) {
		// Somebody wants what is in the log forgotten: nothing of it has a number that
		// comes.
		log->sequence += log->start != 0 ? log->num_blocks : 0;
		return 0;
	}
	if (fs->device->read_only) {
		str_copy(why, "its journal must be replayed, and the disk is read-only", why_size);
		return -LINUX_EROFS;
	}
	status = recover(fs, why, why_size);
	// What is in memory is older.
	if (status == 0)
		cache_evict(cache_find(&fs->cache, 0));
	return status != 0 ? status : mount_load_super(fs, why, why_size);
}

static int take_slots(struct commit *commit)
{
	for (uint32_t i = 0; i < LOG_SLOTS; i++) {
		commit->slots[i].bytes = heap_alloc(LOG_SLOT_BLOCKS * EXT4_BLOCK_SIZE);
		if (commit->slots[i].bytes == NULL)
			return -LINUX_ENOMEM;
	}
	return 0;
}

// An empty log that is ready to be written, and says so.
static int begin_log(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	struct log *log = &journal->log;
	bool had_error = log->error != 0;
	int status = take_slots(&journal->commit);

	if (status != 0)
		return status;
	log_set_features(log, features(fs, SUPER_RO_COMPAT) & RO_COMPAT_METADATA_CSUM,
	                 features(fs, SUPER_INCOMPAT) & INCOMPAT_64BIT);
	log->start = log->first;
	log->head = log->first;
	log->free = log->num_blocks - log->first - 1;
	log->error = 0;
	journal->running->id = log->sequence;
	status = mark_super(fs, true, had_error);
	if (status == 0)
		status = log_write_super(fs);
	return status;
}

// From now on it may be written, and what the redo memory has is.
static int begin(struct ext4 *fs, char *why, size_t why_size)
{
	struct journal *journal = &fs->journal;
	int status;

	str_copy(why, "its journal cannot be written", why_size);
	status = begin_log(fs);
	if (status != 0)
		return status;
	journal->is_open = true;
	return redo_open(fs, &journal->redo_memory, why, why_size);
}

static bool has_nothing_to_mend(struct ext4 *fs)
{
	return (features(fs, SUPER_INCOMPAT) & INCOMPAT_RECOVER) == 0 &&
		fs->journal.log.error == 0 && redo_is_empty(&fs->journal.redo_memory);
}

int journal_open(struct ext4 *fs, const struct ext4_options *options, char *why, size_t why_size)
{
	int status;

	if ((features(fs, SUPER_COMPAT) & COMPAT_HAS_JOURNAL) == 0) {
		str_copy(why, "it has no journal; tune2fs -j makes one", why_size);
		return fs->read_only ? 0 : -LINUX_EINVAL;
	}
	if (features(fs, SUPER_INCOMPAT) & INCOMPAT_JOURNAL_DEVICE) {
		str_copy(why, "it is the journal of another file system", why_size);
		return -LINUX_EINVAL;
	}
	status = log_open(fs, why, why_size);
	if (status == 0)
		status = replay(fs, why, why_size);
	if (status != 0 || fs->read_only)
		return status;
	fs->journal.redo_memory = options->redo;
	fs->journal.is_deferred = options->deferred && has_nothing_to_mend(fs);
	fs->read_only = fs->journal.is_deferred;
	return fs->read_only ? 0 : begin(fs, why, why_size);
}

bool ext4_is_deferred(const struct ext4 *fs)
{
	return fs->journal.is_deferred;
}

int ext4_begin(struct ext4 *fs)
{
	struct cached *first;
	char why[120];
	int status;

	if (!fs->journal.is_deferred)
		return 0;
	assert(fs->num_updates == 0);
	status = read_first(fs, &first);
	if (status == 0)
		status = begin(fs, why, sizeof(why));
	if (status == 0)
		fs->journal.is_deferred = fs->read_only = false;
	return status;
}

void journal_wait(struct ext4 *fs)
{
	while (fs->journal.num_requests > 0)
		fs->device->wait(fs->device);
}

int journal_commit_all(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;

	while (journal->error == 0 &&
	       (journal->running->has_begun || journal->committing != NULL)) {
		if (!commit_begin(fs) && journal->num_requests == 0)
			return -LINUX_ENOMEM;
		journal_wait(fs);
	}
	return journal->error;
}

int journal_close(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;
	int status;

	if (!journal->is_open)
		return 0;
	status = journal_commit_all(fs);
	while (status == 0 && journal->num_checkpoints > 0) {
		checkpoint_begin(fs);
		journal_wait(fs);
		status = journal->error;
	}
	journal_wait(fs);
	if (status == 0)
		status = journal->error;
	if (status != 0)
		return status;
	journal->log.start = 0;
	journal->log.sequence = journal->running->id;
	status = log_write_super(fs);
	return status != 0 ? status : mark_super(fs, false, journal->log.error != 0);
}

void journal_deinit(struct ext4 *fs)
{
	struct journal *journal = &fs->journal;

	journal_wait(fs);
	while (!list_is_empty(&journal->checkpoint.writing))
		transaction_forget(
			container_of(journal->checkpoint.writing.next, struct version, entry));
	while (!list_is_empty(&journal->checkpoint.skipped))
		transaction_forget(
			container_of(journal->checkpoint.skipped.next, struct version, entry));
	while (!list_is_empty(&journal->checkpoints))
		transaction_destroy(
			container_of(journal->checkpoints.next, struct transaction, entry));
	transaction_destroy(journal->committing);
	transaction_destroy(journal->running);
	for (uint32_t i = 0; i < LOG_SLOTS; i++)
		heap_free(journal->commit.slots[i].bytes);
	log_close(&journal->log);
}
