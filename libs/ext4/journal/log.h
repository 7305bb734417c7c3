// SPDX-License-Identifier: MIT
//
// Where the journal lies, and its superblock. Its blocks have numbers of their own, which go round
// from `first` to num_blocks - 1.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/ext4/device.h"

struct ext4;

struct log_run {
	uint32_t block;  // of the journal
	uint32_t count;
	uint64_t disk;
};

#define LOG_MAX_RUNS 1024u

struct log {
	struct log_run *runs;  // ascending, without a gap
	uint32_t num_runs;
	uint32_t first, num_blocks;
	uint32_t checksum_version;  // 0: none, 2, 3
	bool is_64bit;
	uint32_t seed;  // of checksums
	// In the superblock: where the log begins (0: nothing is in it), and with which sequence.
	uint32_t start;
	uint32_t sequence;
	uint32_t error;
	uint8_t *super;  // the block
	// The block that is written next, and how many are free from there on.
	uint32_t head;
	uint32_t free;
};

// Finds the journal's blocks and checks its superblock. Blocks. Errors: -LINUX_EINVAL (none, or
// one with a feature that is not known), -LINUX_EUCLEAN, -LINUX_EIO, -LINUX_ENOMEM; `why` says
// what is wrong.
int log_open(struct ext4 *fs, char *why, size_t why_size);
// Frees what it has.
void log_close(struct log *log);
// The journal of inode `inode` in runs (journal/place.c). Errors as log_open.
int log_find(struct ext4 *fs, char *why, size_t why_size);
// Where a block of the journal is on the disk, and how many from there on lie behind each other.
uint64_t log_disk(const struct log *log, uint32_t block, uint32_t *together);
// Whether a block of the disk is one of the journal's.
bool log_has(const struct log *log, uint64_t disk);
// The block of the journal that is `count` behind `block`; count < num_blocks.
uint32_t log_after(const struct log *log, uint32_t block, uint32_t count);
// Brings `start`, `sequence` and `error` into the bytes of the superblock.
void log_seal_super(struct log *log);
// The same, and writes it, and flushes. Blocks.
int log_write_super(struct ext4 *fs);
// Takes the features that this library writes with. The log is empty.
void log_set_features(struct log *log, bool with_checksums, bool is_64bit);

// Bytes of a tag (without a UUID), of a number in a revoke block, and of a checksum at a block's
// end.
uint32_t log_tag_size(const struct log *log);
uint32_t log_revoke_size(const struct log *log);
uint32_t log_tail_size(const struct log *log);
// The checksum of a logged block, as it is in the journal.
uint32_t log_data_checksum(const struct log *log, uint32_t sequence, const uint8_t *bytes);
// The checksum of a block of the journal, with the four bytes at `offset` as zeroes.
uint32_t log_block_checksum(const struct log *log, const uint8_t *bytes, uint32_t offset);
