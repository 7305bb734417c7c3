// SPDX-License-Identifier: MIT
#include "kernel/sched/spinlock.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/panic.h"
#include "kernel/sched/sched.h"

#ifndef STARINA_DEBUG
#define STARINA_DEBUG 0
#endif

#if STARINA_DEBUG
// Bit r is set while the hart holds a lock of rank r. Locks are never held across a switch of threads.
static uint32_t held_ranks[MAX_HARTS];

static void check_order(const struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();

	if (hart == NULL)
		return;
	if (lock->holder == hart)
		panic("lock of rank %u is taken twice by hart %u", lock->rank, hart->id);
	if ((held_ranks[hart->id] >> lock->rank) != 0)
		panic("lock order: rank %u is taken while ranks 0x%x are held", lock->rank, held_ranks[hart->id]);
}

static void note_locked(struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();

	if (hart == NULL)
		return;
	lock->holder = hart;
	held_ranks[hart->id] |= 1u << lock->rank;
}

static void note_unlock(struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();

	if (hart == NULL)
		return;
	if (lock->holder != hart)
		panic("lock of rank %u is released by hart %u, which does not hold it", lock->rank, hart->id);
	lock->holder = NULL;
	held_ranks[hart->id] &= ~(1u << lock->rank);
}
#else
static inline void check_order(const struct spinlock *lock)
{
	(void)lock;
}
static inline void note_locked(struct spinlock *lock)
{
	(void)lock;
}
static inline void note_unlock(struct spinlock *lock)
{
	(void)lock;
}
#endif

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
	lock->locked = 0;
	lock->rank = (uint32_t)rank;
	lock->holder = NULL;
}

void spin_lock(struct spinlock *lock)
{
	check_order(lock);
	while (__atomic_exchange_n(&lock->locked, 1u, __ATOMIC_ACQUIRE) != 0) {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0)
			;
	}
	note_locked(lock);
}

void spin_unlock(struct spinlock *lock)
{
	note_unlock(lock);
	__atomic_store_n(&lock->locked, 0u, __ATOMIC_RELEASE);
}

bool spin_is_held(const struct spinlock *lock)
{
	return __atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0;
}
