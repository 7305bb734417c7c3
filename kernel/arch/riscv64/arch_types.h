// SPDX-License-Identifier: MIT
//
// What RISC-V keeps in each thread and hart. Both structs lie first in struct thread and struct
// hart; the offsets at the top are what the assembly uses, arch_thread.c asserts that they hold.
#pragma once

#define ARCH_THREAD_HART 0
#define ARCH_THREAD_KERNEL_SP 8
#define ARCH_THREAD_APP_SP 16
#define ARCH_THREAD_APP_PC 24
#define ARCH_THREAD_STACK_BOTTOM 32
#define ARCH_THREAD_APP_RA 40
#define ARCH_THREAD_APP_GP 48
#define ARCH_THREAD_APP_TP 56
#define THREAD_START_SIZE 48

#define ARCH_HART_THREAD 0
#define ARCH_HART_SCRATCH 8
#define ARCH_HART_EMERGENCY_SP 24
#define ARCH_HART_SPACE_STALE 48
#define HART_ATTENTION 96  // in struct hart, right behind struct arch_hart

#ifndef __ASSEMBLER__
#define USER_NO_PAGE 1u
#define USER_NO_UNMAPS UINT64_MAX

#include <stdbool.h>
#include <stdint.h>

struct arch_space;
struct hart;
struct thread;

// The floating-point registers, saved by fp_save (kernel/arch/riscv64/fp.h).
struct arch_fp {
	uint64_t f[32];
	uint64_t fcsr;
};

// Where a page of a user-mode process lies in the direct map: kernel/arch/riscv64/user_access.h.
struct arch_window {
	uintptr_t read_page;   // the page's address; USER_NO_PAGE: none
	uintptr_t write_page;  // the same, if it may be written
	uintptr_t offset;      // from the process's addresses to the kernel's
};

// First in struct thread, as `arch`. tp points to it while the thread runs.
struct arch_thread {
	struct hart *hart;    // that runs it; valid while it runs
	uintptr_t kernel_sp;  // where each entry from the app starts on the kernel stack
	uintptr_t app_sp;     // the app's stack and pc at the last call, for backtraces
	uintptr_t app_pc;
	uintptr_t kernel_stack_bottom;
	uintptr_t app_ra;  // of a user-mode app, during a call
	uintptr_t app_gp;
	uintptr_t app_tp;
	struct arch_space *space;  // of a user-mode process; NULL: runs in the kernel's space
	struct arch_context {
		uint64_t ra;
		uint64_t sp;
		uint64_t fp;
		// while it does not run; all else is on its stack (thread_switch.h)
	} context;
	// The count of the space's unmaps when the windows were looked up, by a process's only
	// thread, or by one of several: the other one is USER_NO_UNMAPS.
	uint64_t windows_unmaps;
	uint64_t shared_unmaps;
	struct arch_window windows[3];  // enum app_window
	bool holds_windows;             // the hart's held_space is set
	bool fp_valid;         // fp holds the thread's registers; else it never used the unit
	struct hart *fp_hart;  // the hart that loaded or saved them last
	struct arch_fp fp;
};

// First in struct hart, as `arch`. sscratch points to it in S-mode.
struct arch_hart {
	struct thread *thread;     // the current one, for the trap entry
	uint64_t scratch[2];       // the trap entry's own
	uintptr_t emergency_sp;    // a stack for traps whose own stack is bad
	struct arch_space *space;  // whose table satp has; NULL: the kernel's. Written by the hart

	// of the current thread, NULL: it needs none; atomic, written by the hart
	struct arch_space *running_space;
	bool space_stale;  // before it returns to user mode, the hart must forget what was unmapped
	bool fp_zeroed;    // the unit holds zeroes, unless FS has changed since
	bool evict_space;  // somebody wants `space` given up; atomic, set with a kick
	struct thread *fp_owner;  // whose registers the FP unit holds
	struct vcpu *guest;       // whose registers the hart holds (hv/load.c)
	uint32_t irq_target;      // what the interrupt controller calls this hart's S-mode
	bool has_irq_target;
	bool evict;                // somebody wants `guest` put back; atomic, set with a kick
	bool panicked;             // on the emergency stack already: no second report
	uintptr_t boot_stack_top;  // what the hart runs its idle thread on
	// whose memory the kernel reaches without its lock; NULL: none; atomic, written by the hart
	struct arch_space *held_space;
};

// A lock's word goes from 0 to 1: returns whether it did. Loads and stores after it stay after it.
// RISC-V unprivileged specification, "A" extension: .aq orders all that follows, .rl all that went
// before.
static inline bool arch_lock_take(uint32_t *word)
{
	long old;  // sign-extended by the instruction

	__asm__ volatile("amoswap.w.aq %0, %2, (%1)" : "=r"(old) : "r"(word), "r"(1) : "memory");
	return __builtin_expect(old == 0, 1);
}
static inline void arch_lock_give(uint32_t *word)
{
	__asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(word) : "memory");
}

// Every call reads these: they are inline.
static inline struct thread *arch_current_thread(void)
{
	struct thread *thread;

	__asm__ volatile("mv %0, tp" : "=r"(thread));
	return thread;
}

// The current thread's space, if it is of a user-mode process; else NULL. There is a thread.
static inline struct arch_space *arch_current_space(void)
{
	return ((const struct arch_thread *)(const void *)arch_current_thread())->space;
}

static inline struct hart *arch_this_hart(void)
{
	const struct arch_thread *thread =
		(const struct arch_thread *)(const void *)arch_current_thread();
	struct hart *hart;

	if (__builtin_expect(thread != 0, 1))
		return thread->hart;
	__asm__ volatile("csrr %0, sscratch" : "=r"(hart));
	return hart;
}

// The hart that the current thread, of which there is one, runs on; in one instruction.
static inline struct hart *arch_thread_hart(void)
{
	struct hart *hart;

	__asm__ volatile("ld %0, %1(tp)" : "=r"(hart) : "i"(ARCH_THREAD_HART));
	return hart;
}

// The `time` counter (unprivileged specification, Zicntr).
static inline uint64_t arch_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

// Where the app goes on after the current thread's call; 0: there is no thread.
static inline uintptr_t arch_app_pc(void)
{
	const struct arch_thread *thread =
		(const struct arch_thread *)(const void *)arch_current_thread();

	return thread != 0 ? thread->app_pc : 0;
}
#endif
