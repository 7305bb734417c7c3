// SPDX-License-Identifier: MIT
#include "kernel/sched/sched.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/trace.h"
#include "kernel/sched/handover.h"
#include "kernel/sched/work.h"

struct hart harts[MAX_HARTS];
uint32_t num_harts;

uint32_t idle_harts;

void (*sched_noted)(void);

static struct thread boot_threads[MAX_HARTS];

void sched_init_hart(struct hart *hart)
{
	struct thread *idle = &boot_threads[hart->id];

	spinlock_init(&hart->lock, LOCK_RANK_SCHED);
	list_init(&hart->run_queue);
	hart->num_runnable = 0;
	hart->slice_end = NSEC_NEVER;
	hart->timer_deadline = NSEC_NEVER;
	hart->since = arch_ticks();
	// What boots the hart goes on as its idle thread. karch may have made this thread known
	// already.
	if (idle->state != THREAD_RUNNING)
		thread_init_boot(idle);
	idle->hart = hart->id;
	idle->state = THREAD_RUNNING;
	hart->idle = idle;
	hart->current = idle;
	__atomic_fetch_or(&idle_harts, 1u << hart->id, __ATOMIC_RELAXED);
	__atomic_store_n(&hart->online, true, __ATOMIC_RELEASE);
}

static bool hart_is_idle(const struct hart *hart)
{
	return __atomic_load_n(&hart->online, __ATOMIC_ACQUIRE) &&
		__atomic_load_n(&hart->current, __ATOMIC_RELAXED) == hart->idle &&
		__atomic_load_n(&hart->num_runnable, __ATOMIC_RELAXED) == 0;
}

// Whether the hart runs the thread, or has not saved all its registers yet.
static bool is_leaving_locked(const struct hart *hart, const struct thread *thread)
{
	// In this order: sched_switch_over.
	return __atomic_load_n(&hart->current, __ATOMIC_ACQUIRE) == thread ||
		__atomic_load_n(&hart->switched_from, __ATOMIC_ACQUIRE) == thread;
}

// Where a thread that ran on `last` should run: there if that hart idles, on any other that idles,
// else here.
static struct hart *choose_hart(struct hart *last)
{
	uint32_t idle = __atomic_load_n(&idle_harts, __ATOMIC_RELAXED);
	struct hart *self = arch_this_hart();

	if (idle == 0)
		return self;
	if (hart_is_idle(last))
		return last;
	if (hart_is_idle(self))
		return self;
	for (; idle != 0; idle &= idle - 1) {
		struct hart *hart = &harts[__builtin_ctz(idle)];

		if (hart_is_idle(hart))
			return hart;
	}
	return self;
}

static inline void enqueue_locked(struct hart *hart, struct thread *thread)
{
	thread->state = THREAD_RUNNABLE;
	thread->hart = hart->id;
	list_push_back(&hart->run_queue, &thread->run_entry);
	store_relaxed(&hart->num_runnable, hart->num_runnable + 1);
}

static __attribute__((noinline)) void wake_anywhere(struct thread *thread, struct hart *self)
{
	struct hart *last = &harts[thread->hart];
	struct hart *target;
	bool on_way_out;

	spin_lock(&last->lock);
	// Its registers may not be saved yet: only the hart that it leaves may run it.
	on_way_out = is_leaving_locked(last, thread);
	target = on_way_out ? last : choose_hart(last);
	if (target != last) {
		spin_unlock(&last->lock);
		spin_lock(&target->lock);
	}
	enqueue_locked(target, thread);
	bool idles = __atomic_load_n(&target->current, __ATOMIC_RELAXED) == target->idle;
	bool preempt = idles || target != self || self->in_interrupt;
	bool waits = !idles || target->num_runnable > 1;
	if (preempt)
		store_relaxed(&target->need_resched, 1u);
	spin_unlock(&target->lock);

	if (target != self)
		self->kicks |= 1u << target->id;
	else if (!preempt)
		sched_want_tick(self);
	if (waits)
		(void)sched_offer(self);
}

error_t sched_kick_idle(struct hart *self)
{
	uint32_t idle = __atomic_load_n(&idle_harts, __ATOMIC_RELAXED) & ~(1u << self->id);

	self->kicks |= idle & -idle;
	return 0;
}

void sched_wake(struct thread *thread)
{
	struct hart *self = arch_this_hart();

	if (hart_is_looked_at(self))
		trace_note(self, LOOK_WAKE, thread->id, 0);
	if (thread == self->current || thread->fresh || self->in_interrupt ||
	    !sched_may_hand_over(self, thread))
		wake_anywhere(thread, self);
	else
		sched_hand_over(self, thread);
}

void sched_send_kicks(void)
{
	struct hart *self = arch_this_hart();

	if ((self->kicks & SCHED_NOTE) != 0) {
		self->kicks &= ~SCHED_NOTE;
		sched_noted();
	}
	while (self->kicks != 0) {
		uint32_t id = (uint32_t)__builtin_ctz(self->kicks);

		self->kicks &= self->kicks - 1;
		arch_hart_kick(id);
	}
}

static inline struct thread *dequeue_locked(struct hart *hart)
{
	struct list *entry = hart->run_queue.next;

	if (entry == &hart->run_queue)
		return NULL;
	// A thread's run_entry says nothing while it is in no queue.
	hart->run_queue.next = entry->next;
	entry->next->prev = &hart->run_queue;
	store_relaxed(&hart->num_runnable, hart->num_runnable - 1);
	return container_of(entry, struct thread, run_entry);
}

// Takes a thread that waits on another hart. No lock is held.
static struct thread *steal(struct hart *self)
{
	for (uint32_t i = 1; i < num_harts; i++) {
		struct hart *victim = &harts[(self->id + i) % num_harts];
		struct thread *found = NULL;

		if (!__atomic_load_n(&victim->online, __ATOMIC_ACQUIRE))
			continue;
		found = sched_take_handover(victim);
		if (found != NULL) {
			found->hart = self->id;
			return found;
		}
		if (__atomic_load_n(&victim->num_runnable, __ATOMIC_RELAXED) == 0)
			continue;
		spin_lock(&victim->lock);
		list_for_each(pos, &victim->run_queue) {
			struct thread *thread = container_of(pos, struct thread, run_entry);

			if (!is_leaving_locked(victim, thread)) {
				found = thread;
				break;
			}
		}
		if (found != NULL) {
			list_remove(&found->run_entry);
			store_relaxed(&victim->num_runnable, victim->num_runnable - 1);
			found->hart = self->id;
		}
		spin_unlock(&victim->lock);
		if (found != NULL)
			return found;
	}
	return NULL;
}

// The first of the hart's own threads; NULL: none. The hart's lock is held.
static inline struct thread *pick_own_locked(struct hart *hart, const struct thread *prev)
{
	struct thread *next = sched_take_handover(hart);

	// It is next when `prev` gives the hart away, but waits its turn when that was only
	// preempted.
	if (next != NULL && prev->state == THREAD_RUNNING && prev != hart->idle) {
		enqueue_locked(hart, next);
		next = NULL;
	}
	return next != NULL ? next : dequeue_locked(hart);
}

// A thread of an ending process that never ran is never run.
static bool is_doomed(const struct thread *thread)
{
	return thread->fresh && thread_is_ending(thread);
}

// What the hart runs next when `next`, the first of its own, is none or never ran. The hart's lock
// is held, and given up meanwhile.
static __attribute__((noinline)) struct thread *pick_slowly_locked(struct hart *hart,
                                                                   struct thread *prev,
                                                                   struct thread *next)
{
	bool given_away = prev->state != THREAD_RUNNING || prev == hart->idle;
	bool again;

	do {
		spin_unlock(&hart->lock);
		if (next == NULL && given_away)
			next = steal(hart);
		again = next != NULL && is_doomed(next);
		if (again) {
			// This may make the worker one of the hart's own.
			next->state = THREAD_DEAD;
			work_post_thread(next);
		}
		if (hart->kicks != 0)
			sched_send_kicks();
		spin_lock(&hart->lock);
		if (again)
			next = pick_own_locked(hart, prev);
	} while (again && (next == NULL || next->fresh));
	if (next != NULL)
		return next;
	return given_away ? hart->idle : prev;
}

void sched_check_ending(void)
{
	struct hart *hart = arch_this_hart();

	sched_note_ending(hart, hart->current);
}

// Whether a thread waits for any hart, or is on its way out of one that it is to run on again.
static bool somebody_waits(void)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		if (__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE) &&
		    sched_somebody_waits(&harts[i]))
			return true;
	}
	return false;
}

// The hart changes between idle and busy. When it begins to idle it looks for work once more after
// this: sched_idle.
static __attribute__((noinline)) void note_idle(const struct hart *hart, const struct thread *next)
{
	if (next == hart->idle)
		__atomic_fetch_or(&idle_harts, 1u << hart->id, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&idle_harts, ~(1u << hart->id), __ATOMIC_RELAXED);
}

// The hart has found something to run while others idle: if more waits, one of them shall look.
static __attribute__((noinline)) void share_work(struct hart *hart)
{
	if (!somebody_waits())
		return;
	(void)sched_kick_idle(hart);
	sched_send_kicks();
}

// The time since the last one that was noted was `thread`'s. The hart's lock is held. Atomic, for
// a thread that is handed over may run on another hart by now.
static inline void note_time_locked(struct hart *hart, struct thread *thread)
{
	uint64_t now = arch_ticks();

	__atomic_fetch_add(&thread->ticks, now - hart->since, __ATOMIC_RELAXED);
	hart->since = now;
}

uint64_t sched_thread_ticks(struct thread *thread)
{
	struct hart *hart = &harts[__atomic_load_n(&thread->hart, __ATOMIC_RELAXED)];

	// What is told is noted: the hart may be handed over to another thread without a note, and
	// the same time would be told as that one's the next time.
	spin_lock(&hart->lock);
	if (__atomic_load_n(&hart->current, __ATOMIC_RELAXED) == thread)
		note_time_locked(hart, thread);
	spin_unlock(&hart->lock);
	return __atomic_load_n(&thread->ticks, __ATOMIC_RELAXED);
}

// Switches to what runs next; gives up the hart's lock. `prev`, the current thread, is RUNNING (it
// goes on when nobody else waits), BLOCKED, RUNNABLE (already in a queue) or DEAD.
static void schedule_locked(struct hart *hart, struct thread *prev)
{
	struct thread *next = pick_own_locked(hart, prev);

	store_relaxed(&hart->need_resched, 0u);
	if (next == NULL || next->fresh)
		next = pick_slowly_locked(hart, prev, next);
	if (next == prev) {
		prev->state = THREAD_RUNNING;
		spin_unlock(&hart->lock);
		sched_check_ending();
		return;
	}
	if (prev->state == THREAD_RUNNING && prev != hart->idle)
		enqueue_locked(hart, prev);
	note_time_locked(hart, prev);
	if (hart_is_looked_at(hart))
		trace_switch(hart, prev, next);
	store_relaxed(&hart->switched_from, prev);
	store_relaxed(&hart->current, next);
	next->state = THREAD_RUNNING;
	next->hart = hart->id;
	next->fresh = false;
	hart->context_switches++;
	hart->fresh_slice = true;
	bool waits = hart->num_runnable != 0;
	spin_unlock(&hart->lock);

	if (prev == hart->idle || next == hart->idle)
		note_idle(hart, next);
	if (waits && next != hart->idle)
		sched_want_tick(hart);
	sched_note_ending(hart, next);
	// Pairs with the fence in sched_idle, as the one in sched_offer does: `prev` may wait from
	// here on. And with the one in sched_offer: the kick that woke this hart may have been for
	// more than it has found, and who sends none from here on has its thread seen.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((waits || prev == hart->idle) && next != hart->idle &&
	    __builtin_expect(__atomic_load_n(&idle_harts, __ATOMIC_RELAXED) != 0, 0))
		share_work(hart);
	thread_switch(hart, prev, next);
	sched_finish_switch(arch_this_hart());
}

static void schedule(void)
{
	struct hart *hart = arch_this_hart();

	if (hart->kicks != 0)
		sched_send_kicks();
	spin_lock(&hart->lock);
	schedule_locked(hart, hart->current);
}

void sched_yield(void)
{
	schedule();
}

bool sched_preemption_point(void)
{
	const struct thread *current = arch_current_thread();

	if (current == NULL || current->process == NULL)
		return true;
	spin_check_none_held();
	arch_take_interrupts();
	if (__atomic_load_n(&arch_this_hart()->need_resched, __ATOMIC_RELAXED) != 0)
		sched_yield();
	return !thread_is_ending(current);
}

// Gives the hart away after the current thread has queued itself somewhere and may have been woken
// again.
void sched_block_current(void)
{
	struct hart *hart = arch_this_hart();
	struct thread *current = hart->current;

	if (hart->kicks != 0)
		sched_send_kicks();
	spin_lock(&hart->lock);
	if (current->state == THREAD_RUNNING)
		current->state = THREAD_BLOCKED;
	schedule_locked(hart, current);
}

void sched_started(void)
{
	sched_finish_switch(arch_this_hart());
}

bool sched_has_left(struct thread *thread)
{
	struct hart *hart = &harts[thread->hart];
	bool left;

	spin_lock(&hart->lock);
	left = !is_leaving_locked(hart, thread);
	spin_unlock(&hart->lock);
	if (!left && hart != arch_this_hart())
		arch_hart_kick(hart->id);
	return left;
}

void sched_exit_current(void)
{
	struct thread *current = arch_current_thread();

	current->state = THREAD_DEAD;
	work_post_thread(current);
	schedule();
	panic("a dead thread runs");
}

void sched_return_to_app(void)
{
	struct hart *hart = arch_this_hart();
	const struct thread *current = hart->current;

	if (hart->switched_from != NULL)
		sched_finish_switch(hart);
	sched_send_kicks();
	if (__atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED) != 0)
		schedule();
	if (thread_is_ending(current))
		sched_exit_current();
}

nsec_t sched_slice_deadline(void)
{
	struct hart *hart = arch_this_hart();

	// An idle hart is not woken for nothing. A busy one keeps its tick though nobody waits:
	// wake-ups come and go, and setting the timer for each would cost more than one tick.
	if (hart->current == hart->idle)
		hart->slice_end = NSEC_NEVER;
	else if (hart->slice_end == NSEC_NEVER && sched_somebody_waits(hart))
		hart->slice_end = arch_clock_now() + TIME_SLICE_NS;
	return hart->slice_end;
}

void sched_timer_tick(nsec_t now)
{
	struct hart *hart = arch_this_hart();

	if (now < hart->slice_end)
		return;
	hart->slice_end = NSEC_NEVER;
	if (!sched_somebody_waits(hart))
		return;
	if (!hart->fresh_slice)
		store_relaxed(&hart->need_resched, 1u);
	hart->fresh_slice = false;
}

void sched_idle(void)
{
	struct hart *hart = arch_this_hart();
	bool cleaned;

	for (;;) {
		schedule();
		// Pairs with the fence in sched_offer: who makes a thread wait sees that this hart
		// idles (note_idle came before), or the thread is seen here. A thread that nobody
		// can have yet, for its registers are being saved, is waited for.
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		cleaned = false;
		if (hart->kicks != 0 || somebody_waits() || (cleaned = page_clean_some()))
			store_relaxed(&hart->need_resched, 1u);
		timer_program();
		arch_idle_wait(hart);
		if (!cleaned)
			hart->idle_wakeups++;
	}
}
