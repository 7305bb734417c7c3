// SPDX-License-Identifier: MIT
//
// What names.c and rename.c share.
#pragma once

#include "libs/base/span.h"
#include "libs/ext4/dir.h"

// A node that has to be a folder. -LINUX_ENOTDIR, -LINUX_ESTALE.
int names_load_dir(struct update *u, struct ext4_node node, struct inode *out);
// Whether a name can be made, removed or renamed. -LINUX_EINVAL, -LINUX_ENAMETOOLONG.
int names_check(struct span name);
// The entry of a name and its node. -LINUX_ENOENT; -LINUX_EUCLEAN: the folder itself, the root, or
// a node without links.
int names_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *slot,
               struct inode *inode);
// A node has one name less, and may become an orphan. The caller stores it.
int names_drop(struct update *u, struct inode *inode);
