// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ext4;

struct super {
	uint32_t journal_inode;
};

// Looks at the superblock in the file system's first block (before the journal is replayed, and
// again after it): sets num_blocks and what else of `fs` comes from it. Errors: -LINUX_EINVAL (no
// ext4, or a feature that is not known), -LINUX_EUCLEAN; `why` says what is wrong.
int super_load(struct ext4 *fs, const uint8_t *first_block, char *why, size_t why_size);
