// SPDX-License-Identifier: MIT
#include "kernel/arch/arch.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/arch/host/ram.h"
#include "kernel/debug/panic.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/work.h"

#define FIBER_STACK (256ul * 1024)

static nsec_t now;
static nsec_t timer_deadline;
static bool irq_enabled[INTERRUPT_MAX];
static bool irq_unmasked[INTERRUPT_MAX];
static bool has_hypervisor;
// Where the idle loop's wait goes when nothing is left to wait for, and which deadlines it waits for.
static jmp_buf quiet;
static nsec_t run_until;

void host_init(void)
{
	now = 1000;
	timer_deadline = NSEC_NEVER;
	has_hypervisor = false;
	memset(irq_enabled, 0, sizeof(irq_enabled));
	memset(irq_unmasked, 0, sizeof(irq_unmasked));
	host_memory_init();
	host_log_init();
	if (num_harts == 0) {
		num_harts = 1;
		timer_init();
		sched_init_hart(&harts[0]);
		// The worker stays: what it has is no leak, though only the end of its stack is known.
		__lsan_disable();
		work_start();
		__lsan_enable();
		// The worker waits before a test counts what there is.
		host_run(now);
	}
}

// --- Threads ---

static void fiber_main(unsigned high, unsigned low)
{
	struct thread *thread = (struct thread *)((uintptr_t)high << 32 | low);

	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	thread->arch.entry(thread->arch.arg);
	sched_exit_current();
}

void arch_thread_init(struct thread *thread, void (*entry)(void *arg), void *arg, uintptr_t app_stack_top)
{
	struct arch_thread *arch = &thread->arch;
	uintptr_t self = (uintptr_t)thread;

	(void)app_stack_top;
	arch->entry = entry;
	arch->arg = arg;
	arch->stack_size = FIBER_STACK;
	arch->stack = malloc(FIBER_STACK);
	kassert(arch->stack != NULL && getcontext(&arch->context) == 0);
	arch->context.uc_stack.ss_sp = arch->stack;
	arch->context.uc_stack.ss_size = arch->stack_size;
	arch->context.uc_link = NULL;
	makecontext(&arch->context, (void (*)(void))fiber_main, 2, (unsigned)(self >> 32), (unsigned)self);
}

void arch_thread_switch(struct thread *prev, struct thread *next)
{
	void *stack = next->arch.stack;
	size_t size = next->arch.stack_size;

	if (stack == NULL)
		ram_main_stack(&stack, &size);
	__sanitizer_start_switch_fiber(&prev->arch.asan_stack, stack, size);
	kassert(swapcontext(&prev->arch.context, &next->arch.context) == 0);
	__sanitizer_finish_switch_fiber(prev->arch.asan_stack, NULL, NULL);
}

void arch_thread_deinit(struct thread *thread)
{
	free(thread->arch.stack);
	thread->arch.stack = NULL;
}

// --- Harts and time ---

struct hart *arch_this_hart(void)
{
	return &harts[0];
}

struct thread *arch_current_thread(void)
{
	return harts[0].current;
}

void arch_hart_kick(uint32_t hart_id)
{
	harts[hart_id].arch.kicks++;
}

// Time passes only here: to the next deadline, when all wait.
void arch_idle_wait(struct hart *hart)
{
	if (hart->need_resched != 0)
		return;
	if (timer_deadline == NSEC_NEVER || timer_deadline > run_until)
		longjmp(quiet, 1);
	host_advance(timer_deadline > now ? timer_deadline - now : 0);
}

nsec_t arch_clock_now(void)
{
	return now;
}

void arch_timer_set(nsec_t deadline)
{
	timer_deadline = deadline;
}

nsec_t host_timer(void)
{
	return timer_deadline;
}

void host_advance(nsec_t delta)
{
	now += delta;
	if (now >= timer_deadline)
		timer_interrupt(now);
}

void host_enter_process(struct process *process)
{
	harts[0].idle->process = process;
}

void host_run(nsec_t until)
{
	struct thread *idle = harts[0].idle;
	struct process *volatile entered = idle->process;

	idle->process = NULL;
	run_until = until;
	if (setjmp(quiet) == 0)
		sched_idle();
	idle->process = entered;
}

// --- The rest ---

error_t arch_irq_enable(uint32_t irq)
{
	irq_enabled[irq] = true;
	irq_unmasked[irq] = true;
	return 0;
}

void arch_irq_unmask(uint32_t irq)
{
	irq_unmasked[irq] = true;
}

void arch_irq_disable(uint32_t irq)
{
	irq_enabled[irq] = false;
}

bool host_irq_enabled(uint32_t irq)
{
	return irq_enabled[irq];
}

bool host_irq_unmasked(uint32_t irq)
{
	return irq_unmasked[irq];
}

void arch_power_off(int code)
{
	exit(code);
}

void host_set_hypervisor(bool there)
{
	has_hypervisor = there;
}

bool arch_has_hypervisor(void)
{
	return has_hypervisor;
}

uint64_t arch_timebase_hz(void)
{
	return 10000000;
}

bool arch_has_sstc(void)
{
	return true;
}

uint64_t arch_instret(void)
{
	return 1;
}
