// SPDX-License-Identifier: MIT
//
// The journal (Linux: Documentation/filesystems/ext4/journal.rst, JBD2): brings updates to the
// disk, many at once, all or nothing.
//
// A transaction runs, then commits (its blocks and a commit block go to the journal), then waits
// in `checkpoints` for its blocks to be written in their places; the journal's tail moves behind
// it when they are. All of it goes on as requests complete.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/ext4/ext4.h"
#include "libs/ext4/journal/log.h"
#include "libs/ext4/journal/redo.h"
#include "libs/ext4/journal/transaction.h"

// A request to the journal is at most so many blocks, copied together.
#define LOG_SLOT_BLOCKS 16u
#define LOG_SLOTS 8u
#define CHECKPOINT_SLOTS 32u

struct log_slot {
	struct ext4_io io;
	uint8_t *bytes;
	bool is_busy;
};

struct commit {
	enum {
		COMMIT_NONE,
		COMMIT_BLOCKS,       // all but the commit block are written
		COMMIT_FLUSH,        // and flushed, with the data that the owner wrote before
		COMMIT_BLOCK,        // then the commit block
		COMMIT_FLUSH_BLOCK,  // and that is flushed
		COMMIT_FLUSH_ONLY,   // there was nothing to commit, but a sync
	} state;
	uint32_t position;  // of the block of the journal that is written next
	// What is to be written still: numbers of revoked blocks, from the run and the place in it
	// on; blocks that no descriptor has named; and those of the last descriptor.
	uint32_t revokes_left, freed_index, freed_offset;
	struct list *described;
	struct list *logged;
	uint32_t logged_left;
	uint32_t num_busy;
	struct log_slot slots[LOG_SLOTS];
	struct ext4_io flush;
};

struct checkpoint_slot {
	struct ext4_io io;
	struct version *version;  // NULL: free
};

struct checkpoint {
	enum {
		CHECKPOINT_NONE,
		CHECKPOINT_BLOCKS,      // blocks are written in their places
		CHECKPOINT_FLUSH,       // and flushed
		CHECKPOINT_TAIL,        // then the journal's superblock
		CHECKPOINT_FLUSH_TAIL,  // and that is flushed
	} state;
	uint32_t last;         // the last transaction of this round
	struct list writing;   // versions of this round, on their way
	struct list skipped;   // that cannot be written now
	uint32_t num_written;  // blocks of this round
	uint32_t num_busy;
	struct checkpoint_slot slots[CHECKPOINT_SLOTS];
	struct ext4_io io;
};

struct journal {
	bool is_open;                  // there is a log, and it may be written
	bool is_deferred;              // it may be once ext4_begin was called
	struct ext4_redo redo_memory;  // that is taken up then
	struct log log;
	struct transaction *running;
	struct transaction *committing;  // NULL: none
	struct list checkpoints;         // transactions, the oldest first
	uint32_t num_checkpoints;
	uint32_t num_logged;  // blocks that are in the log and not in place
	struct commit commit;
	struct checkpoint checkpoint;
	bool commit_wanted;        // an operation waits for blocks that the running one has freed
	struct list syncs;         // that the next commit answers
	struct list active_syncs;  // and this one
	struct redo redo;
	uint64_t last_update;  // the number of the last committed update
	uint64_t seconds;      // of ext4_tick
	int error;             // what ended all writing
	struct ext4_io error_io;
	bool error_io_is_busy;
	uint32_t num_requests;  // on their way
};

// Sets it up, without a disk. -LINUX_ENOMEM.
int journal_init(struct ext4 *fs);
// Opens the log and replays it, then takes up the redo memory. Blocks. Errors: as ext4_mount's.
int journal_open(struct ext4 *fs, const struct ext4_options *options, char *why, size_t why_size);
// Writes all changes to the disk and leaves an empty log. Blocks. Gives the first error.
int journal_close(struct ext4 *fs);
// Waits for all requests of the journal. Blocks.
void journal_wait(struct ext4 *fs);
// Commits what is running. Blocks. Errors: what ended all writing, -LINUX_ENOMEM.
int journal_commit_all(struct ext4 *fs);
// Frees it. Blocks, until no request is on its way.
void journal_deinit(struct ext4 *fs);
// Whether an update of so many blocks can be taken. UPDATE_WAIT: not now; `resume` is called when
// it is worth another try. Errors: -LINUX_EROFS, -LINUX_ENOMEM.
int journal_reserve(struct ext4 *fs, uint32_t credits);
// Makes an update part of the running transaction and its blocks the current ones. Takes the
// update's copies over.
void journal_take(struct ext4 *fs, struct update *update);
// Whether a block was freed by a transaction that is not on the disk.
bool journal_is_held(const struct journal *journal, uint64_t block);
// Ends all writing, after a request failed: the file system is read-only from now on.
void journal_abort(struct ext4 *fs, int error);
// Writes into the log, if there is one, that there was an error: e2fsck and the next mount shall
// know of it.
void journal_note_error(struct ext4 *fs);
// Tells the owner that operations that wait may be run again.
void journal_resume(struct ext4 *fs);
// Blocks of the log that a transaction takes.
uint32_t journal_size_of(const struct log *log, uint32_t num_versions, uint32_t num_revoked);

// --- commit.c ---

// Begins to commit the running transaction, if it has something and none is committing; a new one
// runs. False: not now (there may be no memory).
bool commit_begin(struct ext4 *fs);
// Answers all syncs with an error.
void commit_fail(struct ext4 *fs, int error);
// Begins the commit that somebody wants, or answers syncs that nothing is done for yet: begins a
// commit or a flush.
void commit_go_on(struct ext4 *fs);
// The next block of the journal that the committing transaction writes (journal/blocks.c); at the
// end, zeroes in the place of the commit block.
void commit_make_block(struct ext4 *fs, uint8_t *bytes);
// Its commit block.
void commit_make_last_block(struct ext4 *fs, uint8_t *bytes);
// Sets up what commit_make_block makes.
void commit_rewind(struct ext4 *fs);

// --- checkpoint.c ---

// Begins to write the blocks of all transactions that are in the log in their places, if none are
// being written.
void checkpoint_begin(struct ext4 *fs);
// The same, if so many blocks wait for it that there is little room for others in the cache.
void checkpoint_begin_if_many(struct ext4 *fs);
// Writes the journal's superblock with the new tail: what CHECKPOINT_TAIL waits for.
void checkpoint_write_tail(struct ext4 *fs);
// Takes over the transaction that was just committed.
void checkpoint_add(struct ext4 *fs, struct transaction *t);

// --- recovery.c ---

// Brings what the log has to its places, and leaves it empty. Blocks. Gives in log.sequence the
// sequence that comes next. Errors: -LINUX_EUCLEAN, -LINUX_EIO, -LINUX_ENOMEM, -LINUX_EROFS.
int recover(struct ext4 *fs, char *why, size_t why_size);
