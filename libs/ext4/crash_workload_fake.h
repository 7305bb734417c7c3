// SPDX-License-Identifier: MIT
//
// What runs on a file system while its disk's writes are recorded, and knows afterwards whether a
// disk is as it was after some update. Its updates number themselves on the disk.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/device_fake.h"
#include "libs/ext4/ext4.h"

struct workload {
	struct device_fake *disk;
	struct ext4 *fs;
	uint64_t number;  // of the last update that was committed
	void (*synced)(void *context, uint64_t number);
	void *context;
	uint32_t num_syncs;  // on their way
	bool is_stopped;     // an update failed: the file system is read-only
};

// Blocks of the pool that updates use as metadata and as a file's data; they are free on the disk.
#define POOL_BLOCKS 60u

// Begins on a mounted file system. `first` is the pool's first block, behind two more.
void workload_begin(struct workload *w, struct device_fake *disk, struct ext4 *fs);
// One random step: an update, a sync, a tick, or some requests of the disk.
void workload_step(struct workload *w);
// Lets all requests complete.
void workload_settle(struct workload *w);
// Whether `bytes` are the disk after an update from `least` on; `most` likewise. Else says what is
// wrong.
const char *workload_check(const uint8_t *bytes, uint64_t least, uint64_t most);
// The pool's first block. Set it once, before anything.
extern uint64_t workload_pool;
