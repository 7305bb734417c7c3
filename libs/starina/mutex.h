// SPDX-License-Identifier: MIT
//
// A lock between the threads of one app, for short critical sections: who waits lets others run and
// tries again.
#pragma once

#include "libs/starina/syscall.h"

// Zero-initialised: free.
struct mutex {
	int locked;
	int waiting;  // threads in mutex_lock that found it locked
};

// Takes the lock. Waits by yielding; do not hold it over poll_wait or vcpu_run. Not recursive.
static inline void mutex_lock(struct mutex *m)
{
	if (__atomic_exchange_n(&m->locked, 1, __ATOMIC_ACQUIRE) == 0)
		return;
	__atomic_fetch_add(&m->waiting, 1, __ATOMIC_RELAXED);
	while (__atomic_exchange_n(&m->locked, 1, __ATOMIC_ACQUIRE) != 0)
		thread_yield();
	__atomic_fetch_sub(&m->waiting, 1, __ATOMIC_RELAXED);
}

// Gives up the lock, which the caller holds.
static inline void mutex_unlock(struct mutex *m)
{
	__atomic_store_n(&m->locked, 0, __ATOMIC_RELEASE);
}

// Lets those go first who wait for the lock, which the caller does not hold: for who held it long
// and may want it again at once, and would so keep it from them for as long as it likes.
static inline void mutex_give_way(struct mutex *m)
{
	while (__atomic_load_n(&m->waiting, __ATOMIC_RELAXED) != 0)
		thread_yield();
}
