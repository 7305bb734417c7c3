// SPDX-License-Identifier: MIT
//
// Locks for host tests, which run on one thread: taken twice, or given back twice, they fail the
// test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/sched/spinlock.h"

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock){ .rank = (uint32_t)rank };
}

void spin_check_order(const struct spinlock *lock)
{
	assert_int_equal(lock->locked, 0);
}

void spin_note_locked(struct spinlock *lock)
{
	assert_int_equal(lock->locked, 1);
}

void spin_note_unlock(struct spinlock *lock)
{
	assert_int_equal(lock->locked, 1);
}
