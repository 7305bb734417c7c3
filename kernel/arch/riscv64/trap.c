// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/trap.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/irq_chip.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/arch/riscv64/registers.h"
#include "kernel/debug/panic.h"
#include "kernel/debug/panic_private.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/trace.h"

#define EMERGENCY_STACK_SIZE 8192ul

static uint8_t emergency_stacks[MAX_HARTS][EMERGENCY_STACK_SIZE] __attribute__((aligned(16)));

static const char *const cause_names[] = {
	[CAUSE_FETCH_MISALIGNED] = "jump to a misaligned address",
	[CAUSE_FETCH_ACCESS] = "jump to an address without memory",
	[CAUSE_ILLEGAL] = "illegal instruction",
	[CAUSE_BREAKPOINT] = "breakpoint (a failed assertion)",
	[CAUSE_LOAD_MISALIGNED] = "misaligned load",
	[CAUSE_LOAD_ACCESS] = "load from an address without memory",
	[CAUSE_STORE_MISALIGNED] = "misaligned store",
	[CAUSE_STORE_ACCESS] = "store to an address without memory",
	[CAUSE_FETCH_PAGE] = "jump to what is not code",
	[CAUSE_LOAD_PAGE] = "load from an unmapped address",
	[CAUSE_STORE_PAGE] = "store to an unmapped or read-only address",
};

void trap_init_hart(struct hart *hart)
{
	hart->arch.emergency_sp = (uintptr_t)emergency_stacks[hart - harts] + EMERGENCY_STACK_SIZE;
	csr_write(sscratch, (uintptr_t)hart);
	csr_write(stvec, (uintptr_t)trap_entry);
	// Apps read the counters, in both modes.
	csr_write(scounteren, SCOUNTEREN_ALL);
	arch_space_probe_hart();
	csr_write(sie, 1 << IRQ_S_SOFT | 1 << IRQ_S_TIMER | 1 << IRQ_S_EXTERNAL);
}

void trap_handle_pending(void)
{
	struct hart *hart = arch_this_hart();
	uint64_t pending = csr_read(sip) & csr_read(sie);

	hart->in_interrupt = true;
	hart->interrupts += pending != 0;
	if ((pending & (1 << IRQ_S_SOFT)) != 0) {
		// A kick says nothing by itself: whoever sent it left word in need_resched or the
		// like.
		csr_clear(sip, 1 << IRQ_S_SOFT);
		// The clearing before the look at that word: accesses to registers of the hart
		// count as I/O (privileged specification, "Access Ordering" of CSRs), and a kick
		// that is cleared after the look would be lost. Pairs with arch_hart_kick().
		fence_io();
		panic_check_stop();
		sched_check_ending();
		hv_serve_evict(hart);
		arch_space_serve_evict(hart);
	}
	if ((pending & (1 << IRQ_S_TIMER)) != 0) {
		if (hart_is_looked_at(hart))
			trace_note(hart, LOOK_INTERRUPT, 0, 0);
		timer_interrupt(arch_clock_now());
	}
	if ((pending & (1 << IRQ_S_EXTERNAL)) != 0)
		irq_chip_handle();
	hart->in_interrupt = false;
}

void arch_idle_wait(struct hart *hart)
{
	// wfi ends at a pending interrupt also while interrupts are off (privileged specification,
	// 3.3.3), and a kick that comes between the test and the wfi stays pending: nothing is
	// lost.
	if (!__atomic_load_n(&hart->need_resched, __ATOMIC_SEQ_CST))
		__asm__ volatile("wfi" ::: "memory");
	trap_handle_pending();
}

void arch_take_interrupts(void)
{
	trap_handle_pending();
	if (arch_this_hart()->kicks != 0)
		sched_send_kicks();
}

static const char *cause_name(uint64_t cause)
{
	if (cause < sizeof(cause_names) / sizeof(cause_names[0]) && cause_names[cause] != NULL)
		return cause_names[cause];
	return "unknown exception";
}

static const struct fixup *find_fixup(uintptr_t pc)
{
	const struct fixup *end = (const struct fixup *)(uintptr_t)__fixup_end;

	for (const struct fixup *f = (const struct fixup *)(uintptr_t)__fixup_start; f < end; f++) {
		if (f->start <= pc && pc < f->end)
			return f;
	}
	return NULL;
}

// Whether a page fault is one of this hart's memory only: it had looked the page up in vain, or
// read-only, before it was mapped.
static bool resolve_stale(uint64_t cause, uintptr_t addr)
{
	if ((cause != CAUSE_LOAD_PAGE && cause != CAUSE_STORE_PAGE) ||
	    !mmu_allows(addr, cause == CAUSE_STORE_PAGE))
		return false;
	// Pairs with the stores of mmu_map().
	mmu_flush_local();
	return true;
}

// Whether a page fault at `addr` is over: the mapping is there by now.
static bool resolve_page_fault(uint64_t cause, uintptr_t addr)
{
	if (resolve_stale(cause, addr))
		return true;
	if (cause != CAUSE_LOAD_PAGE && cause != CAUSE_STORE_PAGE)
		return false;
	return vmap_fault(addr, cause == CAUSE_STORE_PAGE) == 0;
}

static bool on_emergency_stack(const struct trap_frame *frame)
{
	const uint8_t *at = (const uint8_t *)frame;

	return at >= emergency_stacks[0] &&
		at < emergency_stacks[MAX_HARTS - 1] + EMERGENCY_STACK_SIZE;
}

static void handle_kernel_exception(struct trap_frame *frame)
{
	const struct fixup *fixup = find_fixup(frame->sepc);

	if (fixup != NULL && !on_emergency_stack(frame)) {
		if (fixup->kind != FIXUP_KIND_APP ||
		    !resolve_page_fault(frame->scause, frame->stval))
			frame->sepc = fixup->handler;
		return;
	}
	// Device registers that the kernel has just mapped.
	if (!on_emergency_stack(frame) && resolve_stale(frame->scause, frame->stval))
		return;
	panic_at(frame->sepc, frame->x[8], frame->x[1],
	         "%s%s (cause %llu, address %#llx, sp %#llx)",
	         on_emergency_stack(frame) ? "the kernel's stack is bad: " : "",
	         cause_name(frame->scause), (unsigned long long)frame->scause,
	         (unsigned long long)frame->stval, (unsigned long long)frame->x[2]);
}

void trap_return_to_user(void)
{
	struct hart *hart;

	sched_return_to_app();
	hart = arch_this_hart();
	if (hart->arch.space_stale)
		arch_space_fence(hart);
}

// Whether a fault of a user-mode app is over: the mapping is there by now.
static bool resolve_user_fault(struct process *process, uint64_t cause, uintptr_t addr)
{
	bool write = cause == CAUSE_STORE_PAGE;

	// A hart may remember that the text was not there yet.
	if (cause == CAUSE_FETCH_PAGE)
		return space_resolve_fetch(process->space, addr);
	if (cause != CAUSE_LOAD_PAGE && !write)
		return false;
	return space_resolve_fault(process->space, addr, write);
}

static bool is_app_text(uintptr_t pc)
{
	return pc >= (uintptr_t)__text_start && pc < (uintptr_t)__text_end;
}

static void handle_app_exception(struct trap_frame *frame)
{
	const struct thread *thread = arch_current_thread();
	const char *cause = cause_name(frame->scause);
	uintptr_t stack_bottom = thread->app_stack_top - thread->app_stack_size;
	uintptr_t pc = frame->sepc;

	if (thread->arch.space != NULL
	            ? resolve_user_fault(thread->process, frame->scause, frame->stval)
	            : resolve_page_fault(frame->scause, frame->stval))
		return;
	// The FP unit is off while it holds a guest's registers. If it was not that, the
	// instruction comes here again.
	if (frame->scause == CAUSE_ILLEGAL && arch_this_hart()->arch.guest != NULL) {
		hv_put_guest(arch_this_hart());
		return;
	}
	if (frame->stval < stack_bottom && frame->stval >= stack_bottom - PAGE_SIZE)
		cause = "stack overflow";
	else if (frame->stval < PAGE_SIZE && frame->scause >= CAUSE_FETCH_PAGE)
		cause = frame->scause == CAUSE_FETCH_PAGE ? "call of a NULL function"
							  : "NULL pointer access";
	// After a jump to nowhere, the return address tells who jumped.
	if (frame->scause == CAUSE_FETCH_PAGE ||
	    (thread->arch.space == NULL && !is_app_text(pc) && is_app_text(frame->x[1])))
		pc = frame->x[1];
	process_fault(cause, frame->stval, pc, frame->x[8], frame->x[1]);
}

void trap_handle(struct trap_frame *frame)
{
	bool from_app = (frame->sstatus & SSTATUS_SPIE) != 0;

	if ((frame->scause & SCAUSE_INTERRUPT) != 0) {
		kassert(from_app);
		trap_handle_pending();
	} else if (from_app) {
		handle_app_exception(frame);
	} else {
		handle_kernel_exception(frame);
	}
	if (from_app)
		trap_return_to_user();
}
