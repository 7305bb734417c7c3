// SPDX-License-Identifier: MIT
#pragma once

#include "libs/base/span.h"
#include "libs/ext4/inode.h"

// Gives a new symbolic link its target, in the inode or in a block. -LINUX_EINVAL,
// -LINUX_ENAMETOOLONG, -LINUX_ENOSPC.
int symlink_init(struct update *u, struct inode *inode, struct span target);
