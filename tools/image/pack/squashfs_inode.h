// SPDX-License-Identifier: MIT
//
// The parts of a squashfs image while it is made, and its inodes. (Squashfs binary format,
// "Inodes")
#pragma once

#include "tools/image/pack/squashfs_table.h"
#include "tools/image/tree/tree.h"

#define SQUASHFS_NO_XATTRS UINT32_MAX

struct squashfs_image {
	struct squashfs_bytes inodes;
	struct squashfs_bytes directories;
	struct squashfs_bytes ids;         // user and group ids, 4 bytes each
	struct squashfs_bytes xattrs;      // names and values
	struct squashfs_bytes xattr_sets;  // where each file's attributes are
	uint64_t *references;              // of the inodes, by number
	uint32_t num_inodes;
	uint32_t last_id;  // index of the id that was asked for last
	uint64_t entries;  // of directories, that have been written
};

// Where a regular file's content is.
struct squashfs_content {
	uint64_t start;
	uint64_t holes;               // bytes of blocks that are not stored
	struct squashfs_bytes sizes;  // of the blocks, 4 bytes each
};

// A directory's inode, or NULL for all else.
struct squashfs_listing {
	size_t start;  // in the table of directories
	uint32_t size;
	uint32_t links;
	uint32_t parent;  // number of its inode
	unsigned num_indexes;
	struct squashfs_bytes indexes;
};

// Adds the inode of `inode`, number inode->number, to the table and sets inode->reference. Of
// `content` and `listing`, one is NULL, or both. -1 with `err` when the format cannot hold it.
int squashfs_inode_add(struct squashfs_image *image, struct tree_inode *inode,
                       const struct squashfs_content *content,
                       const struct squashfs_listing *listing, struct error *err);

// The type of `mode` in a directory's entry.
unsigned squashfs_type(mode_t mode);
