// SPDX-License-Identifier: MIT
//
// A transaction: the changes of many updates, which get to the disk together. One is running, and
// takes updates; one at most commits; those before wait for their blocks to be written in place.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/list.h"
#include "libs/ext4/cache.h"
#include "libs/ext4/journal/held.h"
#include "libs/ext4/update.h"

struct transaction {
	struct list entry;     // among those whose blocks are not in place
	uint32_t id;           // JBD2's sequence
	struct list versions;  // each block once; with a reference each
	uint32_t num_versions;
	struct update_freed *freed;
	uint32_t num_freed, max_freed;
	uint32_t num_revoked;  // blocks of metadata in `freed`
	struct held held;
	bool has_begun;        // there was an update
	uint64_t begun;        // then, in seconds of ext4_tick
	uint64_t last_update;  // the number of its last one
	uint32_t log_start;    // where it lies in the journal
	uint32_t log_blocks;
};

// NULL: no memory.
struct transaction *transaction_create(uint32_t id);
// Frees it; its versions are as they are on the disk then.
void transaction_destroy(struct transaction *t);
// Takes memory for one more freed run after `pending` others. -LINUX_ENOMEM.
int transaction_reserve_freed(struct transaction *t, uint32_t pending, uint64_t block,
                              uint32_t count);
// Makes a changed block the transaction's. A version that it has of the block already goes.
// Consumes the reference.
void transaction_add(struct transaction *t, struct cached *entry, struct version *version);
// Adds a run that transaction_reserve_freed was called for.
void transaction_add_freed(struct transaction *t, const struct update_freed *freed);
// Takes a version out of its transaction and gives back the transaction's reference.
void transaction_forget(struct version *version);
