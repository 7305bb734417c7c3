// SPDX-License-Identifier: MIT
//
// Threads' registers: making a new thread's, and switching.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/fp.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/thread_switch.h"
#include "kernel/arch/riscv64/trap.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "libs/abi/syscall.h"

_Static_assert(offsetof(struct thread, arch) == 0, "tp points to both");
_Static_assert(offsetof(struct hart, arch) == 0, "sscratch points to both");
_Static_assert(offsetof(struct arch_thread, hart) == ARCH_THREAD_HART, "");
_Static_assert(offsetof(struct arch_thread, kernel_sp) == ARCH_THREAD_KERNEL_SP, "");
_Static_assert(offsetof(struct arch_thread, app_sp) == ARCH_THREAD_APP_SP, "");
_Static_assert(offsetof(struct arch_thread, app_pc) == ARCH_THREAD_APP_PC, "");
_Static_assert(offsetof(struct arch_thread, kernel_stack_bottom) == ARCH_THREAD_STACK_BOTTOM, "");
_Static_assert(offsetof(struct arch_thread, app_ra) == ARCH_THREAD_APP_RA, "");
_Static_assert(offsetof(struct arch_thread, app_gp) == ARCH_THREAD_APP_GP, "");
_Static_assert(offsetof(struct arch_thread, app_tp) == ARCH_THREAD_APP_TP, "");
_Static_assert(offsetof(struct arch_hart, space_stale) == ARCH_HART_SPACE_STALE, "");
_Static_assert(offsetof(struct arch_hart, thread) == ARCH_HART_THREAD, "");
_Static_assert(offsetof(struct arch_hart, scratch) == ARCH_HART_SCRATCH, "");
_Static_assert(offsetof(struct hart, attention) == HART_ATTENTION, "");
_Static_assert(offsetof(struct arch_hart, emergency_sp) == ARCH_HART_EMERGENCY_SP, "");
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_SIZE, "");
_Static_assert(offsetof(struct trap_frame, sepc) == TRAP_FRAME_SEPC, "");

// What trap_thread_start finds on the stack.
struct thread_start {
	uint64_t entry;
	uint64_t arg;
	uint64_t app_stack_top;
	uint64_t return_to;
	uint64_t user;
	uint64_t padding;
};
_Static_assert(sizeof(struct thread_start) == THREAD_START_SIZE, "");

void arch_thread_init(struct thread *thread, void (*entry)(void *arg), void *arg,
                      uintptr_t app_stack_top, const struct arch_user *user)
{
	struct arch_thread *arch = &thread->arch;
	struct thread_start *start;

	*arch = (struct arch_thread){
		.kernel_sp = thread->kernel_stack_top,
		.kernel_stack_bottom = thread->kernel_stack_top - KERNEL_STACK_SIZE,
		.windows_unmaps = USER_NO_UNMAPS,
		.shared_unmaps = USER_NO_UNMAPS,
		.windows = { { USER_NO_PAGE, USER_NO_PAGE, 0 },
		             { USER_NO_PAGE, USER_NO_PAGE, 0 },
		             { USER_NO_PAGE, USER_NO_PAGE, 0 } },
	};
	start = (struct thread_start *)(arch->kernel_sp - sizeof(*start));
	*start = (struct thread_start){
		.entry = (uintptr_t)entry,
		.arg = (uintptr_t)arg,
		.app_stack_top = app_stack_top,
		.return_to = SYSCALL_NR_thread_exit,
	};
	if (user != NULL) {
		arch->space = user->space;
		start->return_to = user->thread_return;
		start->user = 1;
	}
	arch->context.ra = (uintptr_t)trap_thread_start;
	arch->context.sp = (uintptr_t)start;
}

void arch_thread_adopt(struct hart *hart, struct thread *thread, uintptr_t stack_bottom,
                       uintptr_t stack_top)
{
	thread->arch.hart = hart;
	thread->arch.kernel_sp = stack_top;
	thread->arch.kernel_stack_bottom = stack_bottom;
	hart->arch.thread = thread;
	__asm__ volatile("mv tp, %0" ::"r"(thread) : "memory");
}

void arch_thread_deinit(struct thread *thread)
{
	// A thread that is gone must not be taken for the owner of some hart's FP registers when
	// its memory is used again.
	for (uint32_t i = 0; i < num_harts; i++) {
		struct thread *expected = thread;

		__atomic_compare_exchange_n(&harts[i].arch.fp_owner, &expected, NULL, false,
		                            __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

static void set_fs(uint64_t state)
{
	csr_clear(sstatus, SSTATUS_FS_MASK);
	csr_set(sstatus, state);
}

void fp_suspend(struct thread *thread)
{
	arch_this_hart()->arch.fp_zeroed = false;
	if ((csr_read(sstatus) & SSTATUS_FS_MASK) != SSTATUS_FS_DIRTY)
		return;
	fp_save(&thread->arch.fp);
	thread->arch.fp_valid = true;
	thread->arch.fp_hart = thread->arch.hart;
	thread->arch.hart->arch.fp_owner = thread;
	set_fs(SSTATUS_FS_CLEAN);
}

void fp_hide(struct hart *hart)
{
	static const struct arch_fp zeroed;

	if ((csr_read(sstatus) & SSTATUS_FS_MASK) != SSTATUS_FS_INITIAL)
		return;
	fp_restore(&zeroed);
	set_fs(SSTATUS_FS_INITIAL);
	hart->arch.fp_zeroed = true;
}

void fp_resume(struct thread *thread)
{
	struct hart *hart = thread->arch.hart;

	if (!thread->arch.fp_valid) {
		// It never used the unit; whatever is in there serves as its first values, but for
		// the rounding mode. In user mode: fp_hide.
		set_fs(SSTATUS_FS_INITIAL);
		__asm__ volatile("fscsr zero");
		set_fs(SSTATUS_FS_INITIAL);
		hart->arch.fp_owner = NULL;
		return;
	}
	if (hart->arch.fp_owner != thread || thread->arch.fp_hart != hart) {
		set_fs(SSTATUS_FS_INITIAL);
		fp_restore(&thread->arch.fp);
		thread->arch.fp_hart = hart;
		hart->arch.fp_owner = thread;
	}
	set_fs(SSTATUS_FS_CLEAN);
}

void fp_change(struct thread *prev, struct thread *next)
{
	struct hart *hart = arch_this_hart();

	if (hart->arch.guest != NULL)
		hv_put_guest(hart);
	fp_suspend(prev);
	// The idle thread uses no FP: its switch leaves the unit as it is, often for the very
	// thread that comes back.
	if (next != hart->idle)
		fp_resume(next);
}

void arch_thread_switch(struct thread *prev, struct thread *next)
{
	thread_switch(arch_this_hart(), prev, next);
}
