// SPDX-License-Identifier: MIT
//
// The blocks that a transaction has freed. Until it is on the disk nobody may write to them, for
// after a crash they are what they were before.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/list.h"

#define HELD_BUCKETS 64u

struct held {
	struct list buckets[HELD_BUCKETS];  // of struct chunk
	bool is_empty;
};

// An empty set.
void held_init(struct held *held);
// Frees what it has; it is empty then.
void held_clear(struct held *held);
// Takes the memory that these blocks need, so that held_add cannot fail. -LINUX_ENOMEM.
int held_reserve(struct held *held, uint64_t block, uint32_t count);
// Adds blocks that held_reserve was called for.
void held_add(struct held *held, uint64_t block, uint32_t count);
// Whether a block is in it.
bool held_has(const struct held *held, uint64_t block);
