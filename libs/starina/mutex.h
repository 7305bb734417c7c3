// SPDX-License-Identifier: MIT
//
// A lock between the threads of one app, for short critical sections: who waits lets others run and tries again.
#pragma once

#include "libs/starina/syscall.h"

// Zero-initialised: free.
struct mutex {
	int locked;
};

// Takes the lock. Waits by yielding; do not hold it over poll_wait or vcpu_run. Not recursive.
static inline void mutex_lock(struct mutex *m)
{
	while (__atomic_exchange_n(&m->locked, 1, __ATOMIC_ACQUIRE) != 0)
		thread_yield();
}

// Gives up the lock, which the caller holds.
static inline void mutex_unlock(struct mutex *m)
{
	__atomic_store_n(&m->locked, 0, __ATOMIC_RELEASE);
}
