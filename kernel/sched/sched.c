// SPDX-License-Identifier: MIT
#include "kernel/sched/sched.h"

#include "kernel/debug/panic.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/work.h"

struct hart harts[MAX_HARTS];
uint32_t num_harts;

static struct thread boot_threads[MAX_HARTS];

void sched_init_hart(struct hart *hart)
{
	struct thread *idle = &boot_threads[hart->id];

	spinlock_init(&hart->lock, LOCK_RANK_SCHED);
	list_init(&hart->run_queue);
	hart->num_runnable = 0;
	hart->slice_end = NSEC_NEVER;
	hart->timer_deadline = NSEC_NEVER;
	// What boots the hart goes on as its idle thread. karch may have made this thread known already.
	if (idle->state != THREAD_RUNNING)
		thread_init_boot(idle);
	idle->hart = hart->id;
	idle->state = THREAD_RUNNING;
	hart->idle = idle;
	hart->current = idle;
	__atomic_store_n(&hart->online, true, __ATOMIC_RELEASE);
}

static bool hart_is_idle(const struct hart *hart)
{
	return __atomic_load_n(&hart->online, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&hart->current, __ATOMIC_RELAXED) == hart->idle &&
	       __atomic_load_n(&hart->num_runnable, __ATOMIC_RELAXED) == 0;
}

// Where a thread that ran on `last` should run: there if that hart idles, on any other that idles, else here.
static struct hart *choose_hart(struct hart *last)
{
	struct hart *self = arch_this_hart();

	if (hart_is_idle(last))
		return last;
	if (hart_is_idle(self))
		return self;
	for (uint32_t i = 0; i < num_harts; i++) {
		if (hart_is_idle(&harts[i]))
			return &harts[i];
	}
	return self;
}

static void enqueue_locked(struct hart *hart, struct thread *thread)
{
	thread->state = THREAD_RUNNABLE;
	thread->hart = hart->id;
	list_push_back(&hart->run_queue, &thread->run_entry);
	hart->num_runnable++;
}

void sched_wake(struct thread *thread)
{
	struct hart *self = arch_this_hart();
	struct hart *last = &harts[thread->hart];
	struct hart *target;
	bool on_way_out;

	spin_lock(&last->lock);
	// Its registers may not be saved yet: only the hart that it leaves may run it.
	on_way_out = last->current == thread || last->switched_from == thread;
	target = on_way_out ? last : choose_hart(last);
	if (target != last) {
		spin_unlock(&last->lock);
		spin_lock(&target->lock);
	}
	enqueue_locked(target, thread);
	bool preempt = target->current == target->idle || target != self || self->in_interrupt;
	if (preempt)
		__atomic_store_n(&target->need_resched, true, __ATOMIC_RELAXED);
	spin_unlock(&target->lock);

	if (target != self)
		self->kicks |= 1u << target->id;
	else if (!preempt)
		timer_program();  // somebody waits now: the running thread's slice must end
}

void sched_send_kicks(void)
{
	struct hart *self = arch_this_hart();

	while (self->kicks != 0) {
		uint32_t id = (uint32_t)__builtin_ctz(self->kicks);

		self->kicks &= self->kicks - 1;
		arch_hart_kick(id);
	}
}

static struct thread *dequeue_locked(struct hart *hart)
{
	struct list *entry = list_pop_front(&hart->run_queue);

	if (entry == NULL)
		return NULL;
	hart->num_runnable--;
	return container_of(entry, struct thread, run_entry);
}

// Takes a thread that waits on another hart. No lock is held.
static struct thread *steal(struct hart *self)
{
	for (uint32_t i = 1; i < num_harts; i++) {
		struct hart *victim = &harts[(self->id + i) % num_harts];
		struct thread *found = NULL;

		if (!__atomic_load_n(&victim->online, __ATOMIC_ACQUIRE) ||
		    __atomic_load_n(&victim->num_runnable, __ATOMIC_RELAXED) == 0)
			continue;
		spin_lock(&victim->lock);
		list_for_each(pos, &victim->run_queue) {
			struct thread *thread = container_of(pos, struct thread, run_entry);

			if (thread != victim->current && thread != victim->switched_from) {
				found = thread;
				break;
			}
		}
		if (found != NULL) {
			list_remove(&found->run_entry);
			victim->num_runnable--;
			found->hart = self->id;
		}
		spin_unlock(&victim->lock);
		if (found != NULL)
			return found;
	}
	return NULL;
}

// What this hart runs next. A thread of an ending process that never ran is never run.
static struct thread *pick_next(struct hart *hart)
{
	for (;;) {
		struct thread *next;

		spin_lock(&hart->lock);
		next = dequeue_locked(hart);
		spin_unlock(&hart->lock);
		if (next == NULL && (hart->current->state != THREAD_RUNNING || hart->current == hart->idle))
			next = steal(hart);
		if (next == NULL || !next->fresh || next->process == NULL || !process_is_ending(next->process))
			return next;
		next->state = THREAD_DEAD;
		work_post_thread(next);
	}
}

static void finish_switch(struct hart *hart)
{
	spin_lock(&hart->lock);
	hart->switched_from = NULL;
	spin_unlock(&hart->lock);
}

// Switches to what runs next. The current thread is RUNNING (it goes on when nobody else waits), BLOCKED, RUNNABLE
// (already in a queue) or DEAD.
static void schedule(void)
{
	struct hart *hart = arch_this_hart();
	struct thread *prev = hart->current;
	struct thread *next;

	sched_send_kicks();
	__atomic_store_n(&hart->need_resched, false, __ATOMIC_RELAXED);
	next = pick_next(hart);
	if (next == NULL)
		next = prev->state == THREAD_RUNNING ? prev : hart->idle;
	if (next == prev) {
		prev->state = THREAD_RUNNING;
		timer_program();
		return;
	}

	spin_lock(&hart->lock);
	if (prev->state == THREAD_RUNNING && prev != hart->idle)
		enqueue_locked(hart, prev);
	hart->switched_from = prev;
	hart->current = next;
	next->state = THREAD_RUNNING;
	next->hart = hart->id;
	next->fresh = false;
	hart->context_switches++;
	hart->slice_end = NSEC_NEVER;
	spin_unlock(&hart->lock);
	timer_program();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	arch_thread_switch(prev, next);
	finish_switch(arch_this_hart());
}

void sched_yield(void)
{
	schedule();
}

// Gives the hart away after the current thread has queued itself somewhere and may have been woken again.
void sched_block_current(void)
{
	struct hart *hart = arch_this_hart();
	struct thread *current = hart->current;

	spin_lock(&hart->lock);
	if (current->state == THREAD_RUNNING)
		current->state = THREAD_BLOCKED;
	spin_unlock(&hart->lock);
	schedule();
}

void sched_started(void)
{
	finish_switch(arch_this_hart());
}

bool sched_has_left(struct thread *thread)
{
	struct hart *hart = &harts[thread->hart];
	bool left;

	spin_lock(&hart->lock);
	left = hart->current != thread && hart->switched_from != thread;
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

// What sched_return_to_app seldom has to do.
static __attribute__((noinline)) void return_slowly(struct hart *hart, const struct thread *current)
{
	if (hart->switched_from != NULL)
		finish_switch(hart);
	sched_send_kicks();
	if (__atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED))
		schedule();
	if (current->process != NULL && process_is_ending(current->process))
		sched_exit_current();
}

// Every call ends here: no frame of its own. `ending` is read without order: whoever sets it kicks all other harts afterwards, and
// the kick's trap, taken in the app at the latest, looks again.
__attribute__((optimize("omit-frame-pointer"))) void sched_return_to_app(void)
{
	struct hart *hart = arch_this_hart();
	const struct thread *current = hart->current;

	if (hart->switched_from != NULL || hart->kicks != 0 || __atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED) ||
	    current->process == NULL || __atomic_load_n(&current->process->ending, __ATOMIC_RELAXED))
		return_slowly(hart, current);
}

nsec_t sched_slice_deadline(nsec_t now)
{
	struct hart *hart = arch_this_hart();

	if (__atomic_load_n(&hart->num_runnable, __ATOMIC_RELAXED) == 0)
		hart->slice_end = NSEC_NEVER;
	else if (hart->slice_end == NSEC_NEVER)
		hart->slice_end = (now != 0 ? now : arch_clock_now()) + TIME_SLICE_NS;
	return hart->slice_end;
}

void sched_timer_tick(nsec_t now)
{
	struct hart *hart = arch_this_hart();

	if (now >= hart->slice_end) {
		hart->slice_end = NSEC_NEVER;
		hart->need_resched = true;
	}
}

void sched_idle(void)
{
	struct hart *hart = arch_this_hart();

	for (;;) {
		schedule();
		timer_program();
		arch_idle_wait(hart);
		hart->idle_wakeups++;
	}
}
