// SPDX-License-Identifier: MIT
//
// The journal (Linux: Documentation/filesystems/ext4/journal.rst, JBD2): brings updates to the
// disk, many at once, all or nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/journal/transaction.h"

struct ext4;

struct journal {
	struct transaction *running;
	uint64_t last_update;  // the number of the last committed update
};

// Sets it up, without a disk. -LINUX_ENOMEM.
int journal_init(struct ext4 *fs);
// Frees it. No request may be on its way.
void journal_deinit(struct ext4 *fs);
// Whether an update of so many blocks can be taken. UPDATE_WAIT: not now; `resume` is called when
// it is worth another try. -LINUX_EROFS.
int journal_reserve(struct ext4 *fs, uint32_t credits);
// Makes an update part of the running transaction and its blocks the current ones. Takes the
// update's copies over.
void journal_take(struct ext4 *fs, struct update *update);
// Whether a block was freed by a transaction that is not on the disk.
bool journal_is_held(const struct journal *journal, uint64_t block);
// Writes all changes to the disk. Blocks. Errors: -LINUX_EIO.
int journal_close(struct ext4 *fs);
