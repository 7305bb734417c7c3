// SPDX-License-Identifier: MIT
//
// Spin locks. Interrupts are off in the kernel, so a lock never saves their state. Debug builds
// check the lock order: a lock may be taken only while all locks held have a smaller rank, and
// records the holder.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef STARINA_HOST
#include "kernel/arch/host/arch_types.h"
#else
#include "kernel/arch/riscv64/arch_types.h"
#endif

#ifndef STARINA_DEBUG
#define STARINA_DEBUG 0
#endif

// In the order in which they may nest. docs/architecture.md explains each.
enum lock_rank {
	LOCK_RANK_SERVICE = 1,  // the service table, the worker's list
	LOCK_RANK_PROCESS = 2,  // a process's threads and state, the list of processes
	LOCK_RANK_HANDLES = 3,  // a process's handle table
	LOCK_RANK_TRANSIT = 4,  // the graph of channel ends that travel in queues
	LOCK_RANK_POLL = 5,     // the one lock of all watch lists and polls' ready lists

	// one object (a channel pair, an event...); channel pairs never nest
	LOCK_RANK_OBJECT = 6,
	LOCK_RANK_FOLIO = 7,      // a folio, which is sent with a channel's lock held
	LOCK_RANK_VM = 8,         // an hvspace, a process's address space
	LOCK_RANK_VCPU = 9,       // a vCPU's wait
	LOCK_RANK_TIMER = 10,     // a hart's timer queue
	LOCK_RANK_SCHED = 11,     // a run queue
	LOCK_RANK_MEMORY = 12,    // the kernel address space
	LOCK_RANK_KMALLOC = 13,   // the kernel's heap
	LOCK_RANK_PAGE = 14,      // the page allocator
	LOCK_RANK_IRQ_CHIP = 15,  // the interrupt controller's registers
	LOCK_RANK_LOG = 16,
	LOCK_RANK_LOG_RING = 17,  // the log's last lines
};

// Plain stores that others see whole: no order, or after all that this hart did before. (The
// compiler's __atomic_store_n is a swap on RISC-V, and ThreadSanitizer on the host knows no
// fences.) Loads have __atomic_load_n.
#ifdef STARINA_HOST
#define store_relaxed(ptr, value) __atomic_store_n(ptr, value, __ATOMIC_RELAXED)
#define store_release(ptr, value) __atomic_store_n(ptr, value, __ATOMIC_RELEASE)
#else
#define store_relaxed(ptr, value) (*(volatile __typeof__(*(ptr)) *)(ptr) = (value))
#define store_release(ptr, value) \
	(__atomic_thread_fence(__ATOMIC_RELEASE), store_relaxed(ptr, value))
#endif

struct spinlock {
	uint32_t locked;
	uint32_t rank;
	const void *holder;  // hart, debug builds only
};

// A free lock of `rank`.
void spinlock_init(struct spinlock *lock, enum lock_rank rank);
// Whether this hart holds it (debug builds), or anybody does. For assertions.
bool spin_is_held(const struct spinlock *lock);

#if STARINA_DEBUG
// Panics, in debug builds, when this hart holds any lock.
void spin_check_none_held(void);
// What debug builds check and note: before a lock is taken, after, and before it is given up.
void spin_check_order(const struct spinlock *lock);
void spin_note_locked(struct spinlock *lock);
void spin_note_unlock(struct spinlock *lock);
#else
static inline void spin_check_none_held(void)
{
}
static inline void spin_check_order(const struct spinlock *lock)
{
	(void)lock;
}
static inline void spin_note_locked(struct spinlock *lock)
{
	(void)lock;
}
static inline void spin_note_unlock(struct spinlock *lock)
{
	(void)lock;
}
#endif

// Takes the lock, spinning; gives it up. Orders memory, not devices' registers. Context: interrupts
// off, as always in the kernel. Inline: every call takes some.
static inline void spin_lock(struct spinlock *lock)
{
	spin_check_order(lock);
	while (!arch_lock_take(&lock->locked)) {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0)
			;
	}
	spin_note_locked(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
	spin_note_unlock(lock);
	arch_lock_give(&lock->locked);
}
