// SPDX-License-Identifier: MIT
#include "kernel/sched/spinlock.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/panic.h"

#if STARINA_DEBUG
// Bit r is set while the hart holds a lock of rank r. Locks are never held across a switch of
// threads.
static uint32_t held_ranks[MAX_HARTS];

void spin_check_order(const struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();
	uint32_t index = arch_hart_index();

	if (hart == NULL)
		return;
	if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == hart)
		panic("lock of rank %u is taken twice by hart %u", lock->rank, index);
	if ((held_ranks[index] >> lock->rank) != 0)
		panic("lock order: rank %u is taken while ranks 0x%x are held", lock->rank,
		      held_ranks[index]);
}

void spin_check_none_held(void)
{
	uint32_t index = arch_hart_index();

	if (held_ranks[index] != 0)
		panic("hart %u gives itself away with locks of ranks 0x%x", index,
		      held_ranks[index]);
}

void spin_note_locked(struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();
	uint32_t index = arch_hart_index();

	if (hart == NULL)
		return;
	store_relaxed(&lock->holder, hart);
	held_ranks[index] |= 1u << lock->rank;
}

void spin_note_unlock(struct spinlock *lock)
{
	const struct hart *hart = arch_this_hart();
	uint32_t index = arch_hart_index();

	if (hart == NULL)
		return;
	if (lock->holder != hart)
		panic("lock of rank %u is released by hart %u, which does not hold it", lock->rank,
		      index);
	store_relaxed(&lock->holder, NULL);
	held_ranks[index] &= ~(1u << lock->rank);
}
#endif

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
	lock->locked = 0;
	lock->rank = (uint32_t)rank;
	lock->holder = NULL;
}

bool spin_is_held(const struct spinlock *lock)
{
	return __atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0;
}
