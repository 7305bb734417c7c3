// SPDX-License-Identifier: MIT
//
// The index of a large folder: a tree of one or two levels over its blocks, by hashes of names
// (Linux: Documentation/filesystems/ext4, "Hash Tree Directories"). Three levels (large_dir) are a
// feature that is refused at the mount.
#pragma once

#include <stdint.h>

#include "libs/ext4/dir.h"
#include "libs/ext4/hash.h"

// Leaves that may have names of one hash of 32 bits: no sound folder has so many.
#define SAME_HASH_LEAVES 64u

// As dir_find, for a folder with an index.
int htree_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *out);
// As dir_insert.
int htree_insert(struct update *u, struct inode *dir, struct span name, uint32_t inode,
                 uint8_t type);
// Gives a folder of one block an index.
int htree_create(struct update *u, struct inode *dir);
// The hash of a name in this folder, with or without an index. Errors: update_read's,
// -LINUX_EUCLEAN.
int htree_hash_version(struct update *u, const struct inode *dir, uint32_t *version);
// The block of entries for a hash, and the next hash that another block has, with bit 0 set when
// the names of one hash go on there; 0: there is none behind it.
int htree_leaf(struct update *u, const struct inode *dir, uint32_t hash, uint32_t *leaf,
               uint32_t *next);
