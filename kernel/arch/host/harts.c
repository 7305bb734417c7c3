// SPDX-License-Identifier: MIT
//
// Harts and threads of the fake machine. With one hart, the test's own stack is the idle thread's.
// With several, each is a host thread that runs the real idle loop; what they share for the fake's
// own sake is atomic without order, so that it orders nothing else and ThreadSanitizer sees what
// the kernel itself orders.
#include <setjmp.h>
#include <stdlib.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/host/fiber.h"
#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/arch/host/host_threads.h"
#include "kernel/arch/host/ram.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/debug/panic.h"
#include "kernel/object/channel.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/handover.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/work.h"

#define FIBER_STACK (256ul * 1024)
// `activity` counts sleeping harts, and in its upper half kicks that no hart has handled.
#define ONE_KICK (1ull << 32)

static nsec_t now;
static nsec_t run_until;
static uint64_t activity;
static uint32_t num_running;  // harts that are host threads; 0: the test's alone
static bool stopped;
static _Thread_local struct hart *this_hart = harts;
// where the idle loop's wait goes when nothing is left to wait for
static _Thread_local jmp_buf quiet;

void host_harts_init(void)
{
	now = 1000;
	harts[0].arch.timer = NSEC_NEVER;
}

void host_start_worker(void)
{
	// It stays: what it has is not a leak, though only the end of its stack is known.
	fiber_ignore_leaks(true);
	work_start();
	fiber_ignore_leaks(false);
	host_run(now);
}

// --- Threads ---

// The first thing after each switch: whom the hart has left is saved.
static void finish_switch(void)
{
	arch_this_hart()->arch.leaving->arch.running = false;
}

static void fiber_main(unsigned high, unsigned low)
{
	struct thread *thread = (struct thread *)((uintptr_t)high << 32 | low);

	fiber_begin();
	finish_switch();
	thread->arch.entry(thread->arch.arg);
	sched_exit_current();
}

void (*host_program)(void *arg) = NULL;

void arch_thread_init(struct thread *thread, void (*entry)(void *arg), void *arg,
                      uintptr_t app_stack_top, const struct arch_user *user)
{
	struct arch_thread *arch = &thread->arch;
	uintptr_t self = (uintptr_t)thread;

	// Code of apps is the host's in any case; only calls look at the space.
	(void)app_stack_top;
	arch->entry = user != NULL && (uintptr_t)entry < HOST_LOWEST_CODE ? host_program : entry;
	arch->arg = arg;
	arch->stack_size = FIBER_STACK;
	arch->stack = malloc(FIBER_STACK);
	kassert(arch->stack != NULL && getcontext(&arch->context) == 0);
	arch->context.uc_stack.ss_sp = arch->stack;
	arch->context.uc_stack.ss_size = arch->stack_size;
	arch->context.uc_link = NULL;
	makecontext(&arch->context, (void (*)(void))fiber_main, 2, (unsigned)(self >> 32),
	            (unsigned)self);
	fiber_create(arch);
}

void arch_thread_switch(struct thread *prev, struct thread *next)
{
	void *stack = next->arch.stack;
	size_t size = next->arch.stack_size;

	if (stack == NULL)
		ram_main_stack(&stack, &size);
	kassert(!next->arch.running);
	next->arch.running = true;
	prev->arch.running = true;
	arch_this_hart()->arch.leaving = prev;
	host_switch_space(arch_this_hart(), next);
	fiber_leave(&prev->arch, &next->arch, stack, size);
	kassert(swapcontext(&prev->arch.context, &next->arch.context) == 0);
	fiber_arrive(&prev->arch);
	finish_switch();
}

void arch_thread_deinit(struct thread *thread)
{
	fiber_destroy(&thread->arch);
	free(thread->arch.stack);
	thread->arch.stack = NULL;
}

// --- Harts and time ---

// Not inline: a fiber may go on in another host thread, and the compiler must not know where that
// keeps its variables.
__attribute__((noinline)) struct hart *arch_this_hart(void)
{
	__asm__ volatile("");
	return this_hart;
}

struct thread *arch_current_thread(void)
{
	return arch_this_hart()->current;
}

uint32_t arch_hart_index(void)
{
	const struct hart *self = arch_this_hart();

	return self != NULL ? self->id : 0;
}

void arch_hart_kick(uint32_t hart_id)
{
	struct hart *hart = &harts[hart_id];

	__atomic_fetch_add(&activity, ONE_KICK, __ATOMIC_RELAXED);
	__atomic_fetch_add(&hart->arch.kicks, 1, __ATOMIC_RELAXED);
	host_futex_wake(&hart->arch.kicks);
}

void host_come_between(void)
{
	static uint32_t seed;

	if (num_running > 0 &&
	    __atomic_add_fetch(&seed, 0x9e3779b9u, __ATOMIC_RELAXED) * 2654435761u < 1u << 26)
		host_thread_pause();
}

bool host_some_hart_sleeps(void)
{
	uint64_t state = __atomic_load_n(&activity, __ATOMIC_RELAXED);

	return state != 0 && state < ONE_KICK;
}

// All harts sleep: the clock moves to the next deadline, whose hart goes on, or all stop.
static void all_sleep(void)
{
	struct hart *first = NULL;

	for (uint32_t i = 0; i < num_running; i++) {
		nsec_t deadline = __atomic_load_n(&harts[i].arch.timer, __ATOMIC_RELAXED);

		if (deadline != NSEC_NEVER &&
		    (first == NULL ||
		     deadline < __atomic_load_n(&first->arch.timer, __ATOMIC_RELAXED)))
			first = &harts[i];
	}
	if (first != NULL) {
		nsec_t deadline = __atomic_load_n(&first->arch.timer, __ATOMIC_RELAXED);

		if (deadline > arch_clock_now())
			__atomic_store_n(&now, deadline, __ATOMIC_RELAXED);
		arch_hart_kick(first->id);
		return;
	}
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < num_running; i++)
		arch_hart_kick(i);
}

static void sleep_until_kicked(struct hart *hart)
{
	uint32_t kicks;

	if (__atomic_add_fetch(&activity, 1, __ATOMIC_RELAXED) == num_running)
		all_sleep();
	while (__atomic_load_n(&hart->arch.kicks, __ATOMIC_RELAXED) == 0)
		host_futex_wait(&hart->arch.kicks);
	kicks = __atomic_exchange_n(&hart->arch.kicks, 0, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&activity, kicks * ONE_KICK + 1, __ATOMIC_RELAXED);
}

static void wait_beside_others(struct hart *hart)
{
	nsec_t deadline;

	if (__atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED) == 0)
		sleep_until_kicked(hart);
	if (__atomic_load_n(&stopped, __ATOMIC_RELAXED))
		longjmp(quiet, 1);
	sched_check_ending();
	arch_space_serve_evict(hart);
	deadline = __atomic_load_n(&hart->arch.timer, __ATOMIC_RELAXED);
	if (deadline != NSEC_NEVER && deadline <= arch_clock_now())
		timer_interrupt(arch_clock_now());
}

// Of one hart: time passes only here, to the next deadline, when all threads wait.
void arch_idle_wait(struct hart *hart)
{
	if (num_running > 0) {
		wait_beside_others(hart);
		return;
	}
	if (hart->need_resched != 0)
		return;
	if (hart->arch.timer == NSEC_NEVER || hart->arch.timer > run_until)
		longjmp(quiet, 1);
	host_advance(hart->arch.timer > now ? hart->arch.timer - now : 0);
}

struct hart *arch_thread_hart(void)
{
	return arch_this_hart();
}

uint64_t arch_ticks(void)
{
	return arch_clock_now();
}

nsec_t arch_ticks_ns(uint64_t ticks)
{
	return ticks;
}

nsec_t arch_clock_now(void)
{
	return __atomic_load_n(&now, __ATOMIC_RELAXED);
}

void arch_timer_set(nsec_t deadline)
{
	__atomic_store_n(&arch_this_hart()->arch.timer, deadline, __ATOMIC_RELAXED);
}

nsec_t host_timer(void)
{
	return harts[0].arch.timer;
}

void host_advance(nsec_t delta)
{
	now += delta;
	if (now >= harts[0].arch.timer)
		timer_interrupt(now);
}

void host_enter_process(struct process *process)
{
	harts[0].idle->process = process;
}

static void run_idle_loop(void)
{
	fiber_adopt(&arch_this_hart()->idle->arch);
	if (setjmp(quiet) == 0)
		sched_idle();
}

void host_run(nsec_t until)
{
	struct thread *idle = harts[0].idle;
	struct process *entered = idle->process;

	idle->process = NULL;
	run_until = until;
	run_idle_loop();
	idle->process = entered;
}

static void *hart_thread(void *arg)
{
	this_hart = arg;
	this_hart->arch.timer = NSEC_NEVER;
	sched_init_hart(this_hart);
	run_idle_loop();
	channel_trim();
	__atomic_fetch_and(&idle_harts, ~(1u << this_hart->id), __ATOMIC_RELAXED);
	__atomic_store_n(&this_hart->online, false, __ATOMIC_RELEASE);
	return NULL;
}

void host_run_harts(uint32_t count)
{
	struct process *entered = harts[0].idle->process;
	uintptr_t threads[MAX_HARTS];

	harts[0].idle->process = NULL;
	activity = 0;
	stopped = false;
	num_running = count;
	num_harts = count;
	for (uint32_t i = 1; i < count; i++) {
		harts[i].id = i;
		threads[i] = host_thread_start(hart_thread, &harts[i]);
	}
	run_idle_loop();
	for (uint32_t i = 1; i < count; i++)
		host_thread_join(threads[i]);
	num_running = 0;
	num_harts = 1;
	for (uint32_t i = 0; i < count; i++)
		harts[i].arch.kicks = 0;
	harts[0].idle->process = entered;
}
