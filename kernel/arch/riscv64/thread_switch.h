// SPDX-License-Identifier: MIT
//
// The switch of threads, inline: what must outlive it is on the stack of whoever switches, saved by
// the compiler because the registers are clobbered, and no register is saved twice.
#pragma once

#include <stddef.h>

#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/arch/riscv64/arch_types.h"
#include "kernel/arch/riscv64/csr.h"

// Ours lie first in both structs (arch_thread.c asserts it): nothing else of them is needed.
static inline struct arch_thread *arch_of_thread(struct thread *thread)
{
	return (struct arch_thread *)(void *)thread;
}
static inline struct arch_hart *arch_of_hart(struct hart *hart)
{
	return (struct arch_hart *)(void *)hart;
}

// The FP unit changes hands, and a guest that the hart holds is put back: arch_thread.c.
void fp_change(struct thread *prev, struct thread *next);

// Whether the unit holds something of the thread before, or not what `next` expects; or the hart
// holds a guest, for then it is off.
static inline bool fp_must_change(struct hart *hart, struct thread *next)
{
	const struct thread *owner = arch_of_hart(hart)->fp_owner;
	const struct arch_thread *arch = arch_of_thread(next);
	uint64_t fs = csr_read(sstatus) & SSTATUS_FS_MASK;

	if (__builtin_expect(fs == SSTATUS_FS_INITIAL && owner == NULL && !arch->fp_valid, 1))
		return false;
	return fs != SSTATUS_FS_CLEAN || owner != next || arch->fp_hart != hart;
}

// As arch_thread_switch, by a hart that the caller knows.
static inline __attribute__((always_inline)) void thread_switch(struct hart *hart,
                                                                struct thread *prev,
                                                                struct thread *next)
{
	arch_of_thread(next)->hart = hart;
	if (__builtin_expect(fp_must_change(hart, next), 0))
		fp_change(prev, next);
	arch_of_hart(hart)->thread = next;
	if (__builtin_expect(arch_of_thread(next)->space != NULL, 0))
		arch_space_enter(hart, arch_of_thread(next)->space);
	else
		__atomic_store_n(&arch_of_hart(hart)->running_space, NULL, __ATOMIC_RELAXED);

	struct arch_context *from = &arch_of_thread(prev)->context;
	const struct arch_context *to = &arch_of_thread(next)->context;

	// All registers are lost but sp, s0 and the three that the operands are in.
	__asm__ volatile("	lla	t0, 1f\n"
	                 "	sd	t0, 0(%[from])\n"
	                 "	sd	sp, 8(%[from])\n"
	                 "	sd	s0, 16(%[from])\n"
	                 "	mv	tp, %[next]\n"
	                 "	ld	t0, 0(%[to])\n"
	                 "	ld	sp, 8(%[to])\n"
	                 "	ld	s0, 16(%[to])\n"
	                 "	jr	t0\n"
	                 "1:\n"
	                 : [from] "+r"(from), [to] "+r"(to), [next] "+r"(next)
	                 :
	                 : "memory", "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a3", "a4",
	                   "a5", "a6", "a7", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",
	                   "s10", "s11");
}
