// SPDX-License-Identifier: MIT
//
// What reads (data.c) and writes (data_write.c) of files' bytes have in common.
#pragma once

#include "apps/fs/fs.h"

static inline uint32_t block_of(uint64_t offset)
{
	return (uint32_t)(offset / EXT4_BLOCK_SIZE);
}

static inline uint32_t within_block(uint64_t offset)
{
	return (uint32_t)(offset % EXT4_BLOCK_SIZE);
}

// Where blocks of the call's file lie. UPDATE_WAIT.
int data_map(struct call *call, uint32_t block, uint32_t count, struct ext4_run *out);
// The size of a regular file.
int data_size(struct call *call, uint64_t *out);
// The call's transfer is of these bytes.
void transfer_begin(struct call *call, uint64_t offset, uint32_t size);
// Moves `count` blocks, of which the first is the `index`th of the transfer. CALL_PARKED.
int transfer_move(struct call *call, uint32_t index, uint32_t count, uint64_t disk, bool write);
