// SPDX-License-Identifier: MIT
//
// The blocks that a journal revokes: what older transactions have of them is not replayed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"

struct revoke {
	uint64_t block;
	uint32_t transaction;  // counted from the first in the log
};

struct revoked {
	struct revoke *revokes;
	uint32_t count, capacity;
};

// Room for so many. -LINUX_ENOMEM.
int revoked_init(struct revoked *revoked, uint32_t capacity);
// Frees it.
void revoked_deinit(struct revoked *revoked);
// Adds one. Returns false when there is no room.
__must_check bool revoked_add(struct revoked *revoked, uint64_t block, uint32_t transaction);
// Makes revoked_has possible, when all were added.
void revoked_sort(struct revoked *revoked);
// Whether what this transaction has of the block was revoked, by it or a later one.
bool revoked_has(const struct revoked *revoked, uint64_t block, uint32_t transaction);
