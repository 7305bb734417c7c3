// SPDX-License-Identifier: MIT
//
// Extended attributes (Linux: Documentation/filesystems/ext4, "Extended Attributes").
#pragma once

#include "libs/ext4/inode.h"

// Gives up the block of attributes of an inode that is to be freed.
int xattr_release(struct update *u, struct inode *inode);
