// SPDX-License-Identifier: MIT
//
// Ordering between us, a device's registers, and memory that it reads and writes.
#pragma once

// Orders all memory accesses before it against all after it, as the device sees them.
static inline void barrier_memory(void)
{
#ifdef STARINA_HOST
	__sync_synchronize();
#else
	__asm__ volatile("fence rw, rw" ::: "memory");
#endif
}

// Orders memory and register accesses before it against both after it.
static inline void barrier_io(void)
{
#ifdef STARINA_HOST
	__sync_synchronize();
#else
	__asm__ volatile("fence iorw, iorw" ::: "memory");
#endif
}
