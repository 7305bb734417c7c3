// SPDX-License-Identifier: MIT
//
// A mounted file system. What belongs to whom: cache.h and journal/ bring blocks of metadata to
// memory and changes to the disk and know nothing of what is in them; super.h and all else know
// what is in them, and reach them through an update only.
#pragma once

#include "libs/ext4/cache.h"
#include "libs/ext4/device.h"
#include "libs/ext4/ext4.h"
#include "libs/ext4/journal/journal.h"
#include "libs/ext4/super.h"

struct ext4 {
	struct ext4_device *device;
	uint64_t num_blocks;  // of the file system, at most the device's
	bool read_only;
	uint32_t num_updates;         // that have begun and not ended
	const struct update *writer;  // the one of these with credits; NULL: none
	struct ext4_time now;
	struct cache cache;
	struct journal journal;
	struct super super;
};

// Reads the superblock and loads it (super_load). Blocks. Errors: those, and -LINUX_EIO.
int mount_load_super(struct ext4 *fs, char *why, size_t why_size);
