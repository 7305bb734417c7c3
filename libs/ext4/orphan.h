// SPDX-License-Identifier: MIT
//
// The list of orphans: inodes without a name, and files whose truncate was not finished. It begins
// in the superblock and goes on in the inodes' dtime.
#pragma once

#include <stdbool.h>

#include "libs/ext4/inode.h"

// Puts the inode at the list's head. The caller stores the inode.
int orphan_add(struct update *u, struct inode *inode);
// Takes it out. The caller stores the inode, and has no copy of another orphan.
int orphan_remove(struct update *u, struct inode *inode);
// Whether the inode is on it.
int orphan_has(struct update *u, const struct inode *inode, bool *out);
