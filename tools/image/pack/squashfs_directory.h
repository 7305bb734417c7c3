// SPDX-License-Identifier: MIT
//
// The listings of a squashfs image's directories. (Squashfs binary format, "Directory table")
#pragma once

#include "tools/image/pack/squashfs_inode.h"

// Adds the listing of the `count` entries, sorted by name, whose inodes are in the table already.
// Fills in `listing` but for `links` and `parent`; its `indexes` are the caller's to free. -1 with
// `err` when the format cannot hold it.
int squashfs_listing_add(struct squashfs_image *image, struct tree_node *const *entries,
                         size_t count, struct squashfs_listing *listing, struct error *err);
