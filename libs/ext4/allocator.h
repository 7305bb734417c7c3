// SPDX-License-Identifier: MIT
//
// Gives out blocks and inodes, by the bitmaps of the groups.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/inode.h"

// Finds a run of free blocks, at most `want`, near to `goal`. It stays free. -LINUX_ENOSPC.
// UPDATE_WAIT, too, when there will be free blocks after a commit, which this asks for.
int blocks_find(struct update *u, uint64_t goal, uint32_t want, uint64_t *block, uint32_t *count);
// Takes blocks that are free. -LINUX_EUCLEAN: they are not.
int blocks_take(struct update *u, uint64_t block, uint32_t count);
// Finds and takes one block.
int blocks_take_one(struct update *u, uint64_t goal, uint64_t *block);
// Frees blocks. -LINUX_EUCLEAN: they are no file's. Errors: update_free's.
int blocks_free(struct update *u, uint64_t block, uint32_t count, bool metadata);

// Takes an inode for a node in `parent`. Gives a copy of zeroes, with number, place, a new
// generation and seed. -LINUX_ENOSPC.
int inodes_take(struct update *u, const struct inode *parent, bool is_dir, struct inode *out);
// Frees an inode: it has no mode afterwards.
int inodes_free(struct update *u, struct inode *inode);
