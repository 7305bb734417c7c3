// SPDX-License-Identifier: MIT
//
// An update is what JBD2 calls a handle: all the changes of one operation, which come to be
// together or not at all. An operation reads and changes blocks of metadata through its update.
// What it changes are copies of its own until update_commit makes them the file system's, at
// once and in memory; the journal (libs/ext4/journal) brings many updates to the disk as one
// transaction.
//
// Nothing here waits. When a block is not in memory yet, the function begins to read it and
// returns UPDATE_WAIT; the operation passes that on, its caller drops the update and runs the
// whole operation again when `struct ext4.resume` is called. So an operation changes nothing but
// copies, and may be run any number of times.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ext4;

// Neither success nor an error: run the operation again, from its beginning, after a resume.
#define UPDATE_WAIT 1
// Done in part and whole as it is: run the operation again, in a new update, to go on (a long
// truncate is many updates).
#define UPDATE_MORE 2

// Blocks that one update may change at most.
#define UPDATE_MAX_BLOCKS 64u
// Runs of blocks that one update may free at most.
#define UPDATE_MAX_FREED 64u

// Blocks of metadata among them.
#define UPDATE_MAX_REVOKED 1024u

struct version;
struct cached;

struct update_block {
	struct version *copy;
	struct cached *entry;
	bool is_new;  // nothing of its old content is kept
};

struct update_freed {
	uint64_t block;
	uint32_t count;
	bool metadata;  // is revoked: no old copy in the journal may come back over it
};

// What an update does to the list of orphans (orphan.h).
struct update_orphan {
	uint32_t number;  // 0: nothing
	uint32_t next;    // the one behind it
	uint32_t generation;
	bool named;
	bool is_new;  // else it is taken out
};

struct update {
	struct ext4 *fs;  // NULL: it has ended, or did not begin
	uint32_t credits;
	uint32_t num_blocks;
	uint32_t num_freed;
	uint32_t num_revoked;  // blocks of metadata in `freed`
	// What the commit adds to the counts of the whole file system.
	int64_t free_blocks, free_inodes;
	struct update_orphan orphan;
	struct update_block blocks[UPDATE_MAX_BLOCKS];
	struct update_freed freed[UPDATE_MAX_FREED];
};

// Begins an update that will change at most `credits` blocks; but one of no credits, one at a
// time. UPDATE_WAIT: the running
// transaction has no room, and a commit was begun. -LINUX_EROFS: the file system is read-only,
// or became so by an error, and `credits` is not 0. -LINUX_ENOMEM. An update of no credits only
// reads.
int update_begin(struct update *update, struct ext4 *fs, uint32_t credits);
// A block as this update sees it: EXT4_BLOCK_SIZE bytes, which stay until the update's end.
// UPDATE_WAIT, -LINUX_EIO (the disk's, or a number outside the file system: -LINUX_EUCLEAN).
int update_read(struct update *update, uint64_t block, const uint8_t **out);
// The same, to be changed. -LINUX_ENOSPC is not possible. More than `credits` blocks, which no
// sound disk takes: -LINUX_EUCLEAN. Errors: as update_read's, -LINUX_ENOMEM.
int update_write(struct update *update, uint64_t block, uint8_t **out);
// A block that was just allocated, as zeroes. Errors: -LINUX_ENOMEM; -LINUX_EUCLEAN: it is outside
// the file system, or this update has it already, or it is known to be somebody's metadata.
int update_new(struct update *update, uint64_t block, uint8_t **out);
// Tells that `count` blocks from `block` are free with this update: nobody may be given them
// before the transaction is on the disk (update_is_held). The allocator's bitmaps are the
// caller's to change. What this update had changed in them is dropped. -LINUX_ENOSPC:
// UPDATE_MAX_FREED or UPDATE_MAX_REVOKED is reached. -LINUX_ENOMEM, -LINUX_EUCLEAN.
int update_free(struct update *update, uint64_t block, uint32_t count, bool metadata);
// Whether a block was freed by an update whose transaction is not on the disk yet, or by the one
// that is under way.
bool update_is_held(const struct ext4 *fs, uint64_t block);
// Whether the update has a copy of the block.
bool update_changes(struct update *update, uint64_t block);
// Whether this very update has freed the block. NULL: no.
bool update_frees(const struct update *update, uint64_t block);
// What the update lacks will be there once what was freed is on the disk: begins a commit, when no
// update stands in its way any more. True: the operation has to return UPDATE_WAIT. False: nothing
// is on its way to the disk.
bool update_wait_for_commit(struct update *update);
// Makes the changes the file system's, and gives the number of their transaction (out may be
// NULL). Cannot fail: what could was done before. Ends the update.
void update_commit(struct update *update, uint32_t *transaction);
// Forgets the changes. Ends the update. One that was not begun with success may be dropped, too.
void update_drop(struct update *update);
// The number that the next update to be committed will have, from 1 on. With a redo memory it
// goes on over a restart of the owner, and an update is there after a restart if and only if its
// number is at most what update_last gives after the mount: so an owner can keep what it answers
// to an update together with that number, before it commits it.
uint64_t update_next(const struct ext4 *fs);
// The number of the last committed update.
uint64_t update_last(const struct ext4 *fs);
