// SPDX-License-Identifier: MIT
//
// The list of orphans: inodes without a name, and files whose truncate was not finished. It begins
// in the superblock and goes on in the inodes' dtime. What is on it is in memory, too: the one
// before an inode is known without a look at all others.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ext4;
struct inode;
struct update;

struct orphan {
	uint32_t number;  // 0: a free place
	uint32_t before;  // 0: it is the first
	uint32_t generation;
	bool named;
};

struct orphans {
	struct orphan *places;  // by their number, the next free one
	uint32_t num_places;    // a power of two
	uint32_t count;
};

// Reads the list, at the mount. Blocks. A list that is not sound is damage, and the mount goes on.
// Errors: -LINUX_ENOMEM, -LINUX_EIO.
int orphans_load(struct ext4 *fs);
// Frees the memory.
void orphans_deinit(struct ext4 *fs);
// Does to the list in memory what a committed update has done.
void orphans_commit(struct ext4 *fs, const struct update *u);
// Puts the inode at the list's head, unless it is on the list. The caller stores the inode. One
// change of the list in an update. -LINUX_ENOSPC: there are too many. -LINUX_ENOMEM.
int orphan_add(struct update *u, struct inode *inode);
// Takes it out. The caller stores the inode, and has no copy of another orphan.
int orphan_remove(struct update *u, struct inode *inode);
// Whether the inode is on it.
bool orphan_has(const struct ext4 *fs, const struct inode *inode);
