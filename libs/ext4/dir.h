// SPDX-License-Identifier: MIT
//
// Folders: blocks of entries, and for large ones an index by the hashes of names (htree.h). The
// functions change the copy of the folder's inode, which the caller stores.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/span.h"
#include "libs/ext4/inode.h"

#define DIR_BLOCK_END (EXT4_BLOCK_SIZE - DIR_TAIL_SIZE)

// Where an entry is. It may be elsewhere after the folder was changed.
struct dir_slot {
	uint64_t disk;  // the block
	uint32_t at;    // in it
	uint32_t inode;
	uint8_t type;  // DIRENT_*
};

// Whether a name can be one of an entry: 1 to 255 bytes without '/' and NUL. 0,
// -LINUX_ENAMETOOLONG or -LINUX_EINVAL.
int dir_check_name(struct span name);
// The entry of a name. -LINUX_ENOENT. Errors: update_read's, -LINUX_EUCLEAN.
int dir_find(struct update *u, const struct inode *dir, struct span name, struct dir_slot *out);
// Makes an entry, of a name that is not there yet. -LINUX_ENOSPC.
int dir_insert(struct update *u, struct inode *dir, struct span name, uint32_t inode, uint8_t type);
// Takes the entry out that dir_find gave.
int dir_remove(struct update *u, const struct inode *dir, const struct dir_slot *slot);
// Gives the entry that dir_find gave another node.
int dir_replace(struct update *u, const struct inode *dir, const struct dir_slot *slot,
                uint32_t inode, uint8_t type);
// Makes the first block of a new folder, with "." and "..".
int dir_init(struct update *u, struct inode *dir, uint32_t parent);
// The folder that ".." is.
int dir_parent(struct update *u, const struct inode *dir, uint32_t *out);
// Makes ".." another folder.
int dir_set_parent(struct update *u, const struct inode *dir, uint32_t parent);
// 0 when there are none but "." and "..", else -LINUX_ENOTEMPTY.
int dir_check_empty(struct update *u, const struct inode *dir);

// The type of an entry for a mode.
uint8_t dir_type(uint32_t mode);

static inline uint32_t dir_num_blocks(const struct inode *dir)
{
	return (uint32_t)(inode_size(dir) / EXT4_BLOCK_SIZE);
}
