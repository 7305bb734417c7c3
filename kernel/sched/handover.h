// SPDX-License-Identifier: MIT
//
// The short way from a thread that wakes another and then blocks, to that other: no run queue, no
// lock. As long as no hart is idle, the first thread that is woken on the hart where it ran last
// waits in hart.handover, and goes on as soon as the waker blocks. A waker that does not block is
// interrupted by the tick as ever, and the thread then waits its turn in the run queue.
#pragma once

#ifdef STARINA_HOST
#include "kernel/arch/host/thread_switch.h"
#else
#include "kernel/arch/riscv64/thread_switch.h"
#endif
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"

// The hart that it runs on, in a call: there is a current thread.
static inline struct hart *caller_hart(void)
{
#ifdef STARINA_HOST
	return arch_this_hart();
#else
	return arch_current_thread()->arch.hart;
#endif
}

// Bit per hart that runs its idle thread; atomic. A hart sets its bit and then looks for work once
// more (sched_idle); who makes a thread wait for a hart looks at the bits after that (sched_offer).
// So no thread waits while a hart sleeps.
extern uint32_t idle_harts;

// Whether a thread is there that could run on the hart.
static inline bool sched_somebody_waits(const struct hart *hart)
{
	return __atomic_load_n(&hart->num_runnable, __ATOMIC_RELAXED) != 0 ||
		__atomic_load_n(&hart->handover, __ATOMIC_RELAXED) != NULL;
}

// Somebody waits for what runs here: there must be a tick.
static inline void sched_want_tick(const struct hart *self)
{
	if (__builtin_expect(self->slice_end == NSEC_NEVER, 0))
		timer_program();
}

// Whether a blocked thread, which ran before and is not the current one, may go the short way from
// a call. There must be a tick, for it waits from then on: the long way sees to that.
static inline bool sched_may_hand_over(const struct hart *self, const struct thread *thread)
{
	return __builtin_expect(__atomic_load_n(&idle_harts, __ATOMIC_RELAXED) == 0 &&
	                                thread->hart == self->id && self->slice_end != NSEC_NEVER &&
	                                __atomic_load_n(&self->handover, __ATOMIC_RELAXED) == NULL,
	                        1);
}

// Has an idle hart kicked, by sched_send_kicks: there is work for it, which it may take. Returns 0,
// so that calls may end with it.
error_t sched_kick_idle(struct hart *self);

// A thread waits for a hart: an idle hart, if there is one, is to take it. Returns 0.
static inline error_t sched_offer(struct hart *self)
{
	// Pairs with the fences in sched_idle and schedule_locked: there a hart says whether it
	// idles and then looks for threads; here a thread waits already, and idle harts are looked
	// for. One sees the other.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&idle_harts, __ATOMIC_RELAXED) == 0, 1))
		return 0;
	return sched_kick_idle(self);
}

// Makes a thread that may go the short way, and that the caller has claimed, runnable. sched_offer
// must follow.
static inline void sched_set_handover(struct hart *self, struct thread *thread)
{
	thread->state = THREAD_RUNNABLE;
	// Pairs with the exchange in sched_take_handover: another hart that takes the thread sees
	// what this one did to it.
	store_release(&self->handover, thread);
}
static inline void sched_hand_over(struct hart *self, struct thread *thread)
{
	sched_set_handover(self, thread);
	(void)sched_offer(self);
}

// The thread that waits for the hart to be given up, no longer to be had by others. NULL: none.
static inline struct thread *sched_take_handover(struct hart *hart)
{
	if (__atomic_load_n(&hart->handover, __ATOMIC_RELAXED) == NULL)
		return NULL;
	return __atomic_exchange_n(&hart->handover, NULL, __ATOMIC_ACQUIRE);
}

// The threads that this hart has left may be run by other harts from here on: their registers are
// all saved.
static inline void sched_finish_switch(struct hart *hart)
{
	store_release(&hart->switched_from, NULL);
}

// Whether a thread that is about to go on is to end: then it must stop at the return to the app.
// A kick may have come while the thread did not run.
static inline void sched_note_ending(struct hart *hart, const struct thread *next)
{
	if (__builtin_expect(thread_seems_ending(next), 0))
		store_relaxed(&hart->need_resched, 1u);
}

// sched_block_current for a thread that is BLOCKED (another hart may have woken it by now) and has
// taken `next` from the handover; kicks were sent. The slice goes on: two threads that hand the
// hart to and fro do not keep it from others.
static inline __attribute__((always_inline)) void sched_switch_over(struct hart *hart,
                                                                    struct thread *current,
                                                                    struct thread *next)
{
	// Who wakes `current` looks at hart.current first, and then here.
	store_relaxed(&hart->switched_from, current);
	store_release(&hart->current, next);
	next->state = THREAD_RUNNING;
	hart->context_switches++;
	sched_note_ending(hart, next);
	thread_switch(hart, current, next);
	sched_finish_switch(caller_hart());
}
