// SPDX-License-Identifier: MIT
//
// What the portable kernel asks of the architecture. kernel/arch/riscv64 is the real one;
// kernel/arch/host is a complete fake, so that kernel/object, kernel/syscall and kernel/sched are
// unit-tested on the host.
//
// The kernel runs with interrupts off, always, but for the idle loop's wait: a call is short, and a
// guest is left as soon as an interrupt is pending. Locks therefore never save interrupt state.
// What may take long is bounded, or cut into pieces (sched_preemption_point).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/time.h"

#ifdef STARINA_HOST
#include "kernel/arch/host/app_access.h"
#include "kernel/arch/host/arch_types.h"
#else
#ifdef STARINA_USER_CALLS
#include "kernel/arch/riscv64/user_access.h"
#else
#include "kernel/arch/riscv64/app_access.h"
#endif
#include "kernel/arch/riscv64/arch_types.h"
#endif

struct arch_space;
struct thread;
struct hart;

#define MAX_HARTS 16

// --- Threads ---

// What a thread of a user-mode process has besides. `thread_return` is where its entry returns to:
// the app's call of thread_exit.
struct arch_user {
	struct arch_space *space;
	uintptr_t thread_return;
};
// Prepares a new thread's architecture state: when first switched to, it calls entry(arg) on the
// app stack that ends at `app_stack_top`, outside the kernel with interrupts on; or, with
// app_stack_top 0, as a kernel thread on its kernel stack. `user`: entry, arg and stack are of that
// space, and it runs in user mode; NULL: in the kernel's. `thread->kernel_stack_top` is set by
// then.
void arch_thread_init(struct thread *thread, void (*entry)(void *arg), void *arg,
                      uintptr_t app_stack_top, const struct arch_user *user);
// The code that runs now on this hart goes on as `thread` (its idle thread), on the stack it has.
// Once on each hart, after sched_init_hart; kernel/main.c calls it.
void arch_thread_adopt(struct hart *hart, struct thread *thread, uintptr_t stack_bottom,
                       uintptr_t stack_top);
// Switches from `prev` to `next` on this hart; returns when somebody switches back to `prev`.
void arch_thread_switch(struct thread *prev, struct thread *next);
// Gives back what arch_thread_init or running took.
void arch_thread_deinit(struct thread *thread);

// --- Harts ---

// This hart's state; the current thread is arch_this_hart()->current.
struct hart *arch_this_hart(void);
// The current thread; NULL before the first.
struct thread *arch_current_thread(void);
// This hart's index in `harts`; 0 as long as it is not known.
uint32_t arch_hart_index(void);
// Makes the hart take an interrupt: it leaves wfi or the guest, and looks at its `need_resched` and
// at kicks.
void arch_hart_kick(uint32_t hart_id);
// Kicks all others that are online.
void arch_kick_others(void);
// Waits for an interrupt with interrupts on, handles it, and returns with them off. Only the idle
// thread calls it. It returns at once when `hart->need_resched` was set before interrupts went on:
// no wake-up is lost.
void arch_idle_wait(struct hart *hart);
// Handles the interrupts that are pending, in the midst of a long call, and kicks harts that they
// have given work. No lock is held.
void arch_take_interrupts(void);

// --- Time ---

// CLOCK_MONOTONIC.
nsec_t arch_clock_now(void);
// The same clock as the hart counts it: cheap to read (arch_ticks() of arch_types.h), and in
// nanoseconds.
nsec_t arch_ticks_ns(uint64_t ticks);
// The one deadline of this hart's timer; NSEC_NEVER disarms. timer_interrupt()
// (kernel/object/timer.h) is called at it.
void arch_timer_set(nsec_t deadline);

// --- App memory ---

// Fault-protected copies between the kernel and the calling app. No lock may be held: they may
// populate lazy folios. Errors: ERR_ADDRESS.
__must_check error_t copy_from_app(void *dst, uintptr_t app_src, size_t len);
__must_check error_t copy_to_app(uintptr_t app_dst, const void *src, size_t len);

// --- Interrupt controller ---

// Enables or masks an interrupt line of the controller. When it fires, interrupt_fired(irq)
// (kernel/object/interrupt.h) is called, the line stays masked at the controller until
// arch_irq_unmask.
__must_check error_t arch_irq_enable(uint32_t irq);
void arch_irq_unmask(uint32_t irq);
void arch_irq_disable(uint32_t irq);

// --- Machine ---

// Powers the machine off by SBI SRST; a `code` other than 0 becomes the emulator's exit status.
_Noreturn void arch_power_off(int code);
// Whether all harts have the H extension.
bool arch_has_hypervisor(void);
// What all harts have: HART_* (libs/abi/system.h).
uint32_t arch_hart_features(void);
// Ticks a second of the `time` counter, of guests' too.
uint64_t arch_timebase_hz(void);
// Retired instructions of this hart (the machine's total under QEMU's icount).
uint64_t arch_instret(void);
