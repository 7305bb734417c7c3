// SPDX-License-Identifier: MIT
//
// What the parts of the file system in memory share: ext4_fake.c has mounts, updates and nodes,
// ext4_names_fake.c names, ext4_data_fake.c what nodes have.
#pragma once

#include <stdbool.h>

#include "libs/ext4/ext4.h"

#define MAX_INODES 64u
#define MAX_ENTRIES 512u
#define MAX_BLOCKS 512u
#define TYPE_MASK 0xf000u
#define TYPE_DIR 0x4000u

struct file_block {
	uint64_t disk;
	bool unwritten;
};

struct inode {
	bool used;
	struct ext4_attr attr;
	struct file_block blocks[MAX_BLOCKS];
	uint8_t target[EXT4_BLOCK_SIZE];
	size_t target_len;
	uint8_t xattr_name[256], xattr[512];
	size_t xattr_name_len, xattr_len;
};

struct entry {
	bool used;
	uint32_t dir, inode;
	uint8_t name[EXT4_NAME_MAX];
	size_t len;
};

struct ext4 {
	struct ext4_options options;
	struct inode inodes[MAX_INODES];
	struct entry entries[MAX_ENTRIES];
	uint8_t *taken;  // of each block: 1 is reserved, 2 a file's
	uint32_t generation;
	uint64_t updates;
	bool deferred;
	struct ext4_time now;
	struct ext4_io io;
	uint8_t bytes[EXT4_BLOCK_SIZE];
	bool io_busy;
	struct list syncs;
	struct ext4_io flush;
	bool flush_busy;
	uint32_t num_syncs;  // that were asked for
};

static inline bool fake_is_dir(const struct inode *inode)
{
	return (inode->attr.mode & TYPE_MASK) == TYPE_DIR;
}

// The inode of a node; NULL: there is none.
struct inode *fake_inode_of(struct ext4 *fs, struct ext4_node node);
// A new inode; NULL: all are used.
struct inode *fake_inode_make(struct ext4 *fs, const struct ext4_new *what);
