// SPDX-License-Identifier: MIT
//
// A new file system on a disk that reads as zeroes, for a Linux that mounts it (not for ext4_mount:
// it has no checksums of metadata). All that has to be written lies in the first blocks, whatever
// the size, so a sparse file is made with one short write.
#pragma once

#include <stdint.h>

#include "libs/ext4/device.h"

#define EXT4_MAKE_MIN 4096ull                // blocks: 16 MiB
#define EXT4_MAKE_MAX (64ull * 1024 * 1024)  // 256 GiB

struct ext4_make {
	uint64_t num_blocks;  // of the disk, of EXT4_BLOCK_SIZE
	uint8_t uuid[16];     // random
	uint32_t time;        // seconds since 1970
};

// How many blocks are to be written. 0: a size that cannot be had.
uint32_t ext4_make_length(uint64_t num_blocks);
// Fills these blocks, EXT4_BLOCK_SIZE bytes each.
void ext4_make(const struct ext4_make *make, uint8_t *out);
