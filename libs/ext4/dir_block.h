// SPDX-License-Identifier: MIT
//
// One block of a folder, for dir.c, htree.c and readdir.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/dir.h"
#include "libs/ext4/format.h"
#include "libs/ext4/super.h"

// A block of a folder: the `n`th. A sound checksum; its entries are looked at by dir_next. *end is
// where they end: DIR_BLOCK_END, or EXT4_BLOCK_SIZE for a block of the index, which looks like
// one without entries (but for "." and ".." in the first).
int dir_read_block(struct update *u, const struct inode *dir, uint32_t n, uint64_t *disk,
                   const uint8_t **bytes, uint32_t *end);
// The entry at `at`; NULL: it is not sound. An unused one has inode 0.
const struct disk_dirent *dir_entry(const uint8_t *bytes, uint32_t at, uint32_t end);
// Gives a block of entries its tail and checksum.
void dir_store(const struct inode *dir, uint8_t *bytes);
// Gives a block of the index its checksum; `at` is where its entries begin.
void dir_store_index(const struct inode *dir, uint8_t *bytes, uint32_t at);
// Puts an entry into a block of entries, which is to be stored then. False: there is no room.
bool dir_put(uint8_t *bytes, struct span name, uint32_t inode, uint8_t type);
// Makes a block one of a single unused entry.
void dir_make_empty(uint8_t *bytes);
// Appends a block of zeroes to a folder.
int dir_append(struct update *u, struct inode *dir, uint32_t *n, uint8_t **bytes);
// Looks for a name in a block. -LINUX_ENOENT; -LINUX_EUCLEAN.
int dir_search(struct update *u, const struct inode *dir, uint32_t n, struct span name,
               struct dir_slot *out);

// -LINUX_EUCLEAN, logged.
static inline int dir_damaged(struct update *u, const struct inode *dir)
{
	return damaged(u->fs, "the folder of inode %u is not sound", dir->number);
}
static inline uint32_t dirent_size(size_t name_len)
{
	return (uint32_t)(8 + name_len + 3) & ~3u;
}
static inline struct span dirent_name(const struct disk_dirent *e)
{
	return (struct span){ .data = e->name, .len = e->name_len };
}
