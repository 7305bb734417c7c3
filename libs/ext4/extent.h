// SPDX-License-Identifier: MIT
//
// Where the blocks of a file lie: a tree of extents, whose root is in the inode (Linux:
// Documentation/filesystems/ext4, "The Contents of inode.i_block"). The functions change the copy
// of the inode, which the caller stores.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/inode.h"

// Makes an empty tree.
void extent_init(struct inode *inode);
// The first run of blocks in `count` blocks from `block` of the file on. Errors: update_read's,
// -LINUX_EUCLEAN.
int extent_map(struct update *u, const struct inode *inode, uint32_t block, uint32_t count,
               struct ext4_run *out);
// Where one block lies. -LINUX_EUCLEAN: it is a hole.
int extent_block(struct update *u, const struct inode *inode, uint32_t block, uint64_t *out);
// Makes blocks that are a hole lie at `disk`, and counts them. The blocks are the caller's to take.
// -LINUX_ENOSPC: there is no block for the tree.
int extent_insert(struct update *u, struct inode *inode, uint32_t block, uint64_t disk,
                  uint32_t count, bool unwritten);
// Frees the blocks in [begin, end). UPDATE_MORE: some, there are more. Begins at the end.
int extent_remove(struct update *u, struct inode *inode, uint32_t begin, uint64_t end);
// Marks blocks as written. UPDATE_MORE: some, there are more.
int extent_mark_written(struct update *u, struct inode *inode, uint32_t block, uint32_t count);
// Where the next block of a file had best lie: behind the block before it.
int extent_goal(struct update *u, const struct inode *inode, uint32_t block, uint64_t *out);
