// SPDX-License-Identifier: MIT
//
// What the superblock says, and what of the whole file system is kept in memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/linux_error.h"
#include "libs/base/list.h"
#include "libs/ext4/orphan.h"
#include "libs/ext4/update.h"
#include "libs/ext4/walk.h"

struct ext4;
struct disk_super;

// Blocks that are the file system's own, and so no file's.
struct zone {
	uint64_t begin, end;
};

struct super {
	uint32_t journal_inode;
	uint32_t blocks_per_group;
	uint32_t inodes_per_group;
	uint32_t num_groups;
	uint32_t num_inodes;
	uint32_t first_inode;  // that is not reserved
	uint32_t reserved_gdt_blocks;
	bool sparse_super;
	bool dir_index;
	bool hash_unsigned;
	uint8_t hash_version;
	uint32_t hash_seed[4];
	uint32_t seed;  // of checksums
	uint64_t reserved_blocks;

	uint64_t free_blocks;
	uint64_t free_inodes;
	struct zone *zones;  // sorted, and apart from each other
	uint32_t num_zones;
	uint32_t max_zones;
	uint32_t *longest;  // by group: no run of free blocks is longer than this
	struct list reservations;
	uint32_t next_generation;
	struct orphans orphans;
	struct walks walks;
	bool damage_was_logged;
	bool linear_was_logged;
	void *scratch;  // SCRATCH_SIZE bytes for an operation, which run one after the other
};

#define SCRATCH_SIZE (8u * 4096u)

// Looks at the superblock in the file system's first block (before the journal is replayed, and
// again after it): sets num_blocks and what else of `fs` comes from it. Errors: -LINUX_EINVAL (no
// ext4, or a feature that is not known), -LINUX_EUCLEAN; `why` says what is wrong.
int super_load(struct ext4 *fs, const uint8_t *first_block, char *why, size_t why_size);
// Reads all descriptors of groups, once the journal is replayed. Blocks. Errors: -LINUX_EUCLEAN,
// -LINUX_EIO, -LINUX_ENOMEM; `why` says what is wrong.
int super_load_groups(struct ext4 *fs, char *why, size_t why_size);
// Frees what super_load_groups allocated, if it did.
void super_deinit(struct ext4 *fs);
// Puts the free counts into the 1024 bytes of the superblock, for the unmount.
void super_set_counts(const struct ext4 *fs, uint8_t *super);
// The superblock, to be changed; super_store gives it its checksum. Errors: update_write's.
int super_write(struct update *u, struct disk_super **out);
// Gives the superblock that super_write gave its checksum.
void super_store(struct disk_super *super);
// Whether `count` blocks from `block` can be a file's.
bool super_is_files(const struct ext4 *fs, uint64_t block, uint32_t count);
// The first zone that ends behind `block`, by its index.
uint32_t super_zone_at(const struct ext4 *fs, uint64_t block);
// Logs what is damaged, if it is the first damage of all, and marks the disk for e2fsck.
void super_log_damage(struct ext4 *fs, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// The same, as an expression whose value is the error.
#define damaged(...) (super_log_damage(__VA_ARGS__), -LINUX_EUCLEAN)
