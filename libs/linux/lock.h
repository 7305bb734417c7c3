// SPDX-License-Identifier: MIT
//
// A lock between threads of one app: an atomic when nobody waits, an event to sleep on when somebody does.
#pragma once

#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/handle.h"

struct lock {
	uint32_t state;  // 0 free, 1 held, 2 held and maybe waited for
	handle_t event;
	handle_t poll;
};

// Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t lock_init(struct lock *lock);
// Nobody may hold it or wait for it.
void lock_deinit(struct lock *lock);
// Blocks until the lock is the caller's. Not recursive.
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);
