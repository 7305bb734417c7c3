// SPDX-License-Identifier: MIT
//
// poll_wait. The usual case has a path of its own: one entry at most may be ready, there is no deadline, and the caller's own last wake-up
// left a thread to hand the hart to.
#include "kernel/object/poll_private.h"
#include "kernel/syscall/syscall.h"

// Any case. The caller has checked a2.
static __attribute__((noinline)) error_t wait_slowly(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4)
{
	struct poll_event events[POLL_MAX_BATCH];
	struct object *object;
	size_t n;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = poll_object_wait(poll_from_object(object), events, a2, a3, &n);
	object_put(object);
	if (error == 0)
		error = user_write(a1, events, n * sizeof(events[0]));
	if (error == 0)
		error = user_write(a4, &n, sizeof(n));
	return error;
}

// What is left to do after a wake-up that brought more, or less, than one event. Consumes a reference to the poll.
static __attribute__((noinline)) error_t finish_slowly(struct poll *poll, error_t error, uintptr_t a1, uintptr_t a2,
                                                       uintptr_t a4)
{
	struct poll_event events[POLL_MAX_BATCH];
	size_t n;

	if (error == 0) {
		error = poll_object_wait(poll, events, a2, NSEC_NEVER, &n);
	} else {
		struct thread *self = arch_current_thread();

		spin_lock(&poll_lock);
		list_remove(&self->wait_entry);
		spin_unlock(&poll_lock);
	}
	object_put(&poll->object);
	if (error == 0)
		error = user_write(a1, events, n * sizeof(events[0]));
	if (error == 0)
		error = user_write(a4, &n, sizeof(n));
	return error;
}

static inline error_t write_event(uintptr_t a1, uintptr_t a4, uint64_t cookie, uint64_t ready)
{
	return app_store_2(a1, cookie, ready) && app_store(a4, 1) ? 0 : ERR_ADDRESS;
}

// Blocks, with the hart handed over to `next`; gives up the poll's and the table's lock. See wait_queue.c for the order.
static __attribute__((noinline)) error_t hand_over_and_wait(struct handle_table *table, struct poll *poll, uintptr_t a1,
                                                            uintptr_t a2, uintptr_t a4, struct thread *next)
{
	struct thread *self = arch_current_thread();
	const struct poll_entry *entry;
	struct spinlock *lock;
	uint64_t cookie;
	uint64_t ready;

	list_push_back(&poll->waiters.threads, &self->wait_entry);
	store_relaxed(&self->blocked, 1ul);
	object_get(&poll->object);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	// The process may have begun to end before this thread could be claimed.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&self->process->ending, __ATOMIC_RELAXED), 0))
		(void)thread_unblock(self, ERR_BAD_STATE);
	sched_switch_over(caller_hart(), self, next);

	self = arch_current_thread();
	if (__builtin_expect(self->wait_result != 0, 0))
		return finish_slowly(poll, self->wait_result, a1, a2, a4);
	lock = &poll_lock;
	spin_lock(lock);
	entry = poll_only_candidate(poll);
	ready = entry != NULL && poll_entry_is_simple(entry) ? poll_simple_ready(entry) : 0;
	if (__builtin_expect(ready == 0, 0)) {
		spin_unlock(lock);
		return finish_slowly(poll, 0, a1, a2, a4);
	}
	cookie = entry->cookie;
	spin_unlock(lock);
	object_put(&poll->object);
	return write_event(a1, a4, cookie, ready);
}

error_t sys_poll_wait(SYSCALL_ARGS)
{
	struct handle_table *table = &caller()->handles;
	const struct poll_entry *entry;
	const struct handle_slot *slot;
	struct spinlock *lock = &poll_lock;
	struct thread *next;
	struct hart *hart;
	struct poll *poll;
	uint64_t cookie;
	uint64_t ready;

	if (a2 - 1 >= POLL_MAX_BATCH)
		return ERR_INVALID;
	if (!app_words_ok(a1, sizeof(struct poll_event)) || !app_words_ok(a4, sizeof(size_t)) ||
	    !user_owns(a1, sizeof(struct poll_event), true) || !user_owns(a4, sizeof(size_t), true))
		return wait_slowly(a0, a1, a2, a3, a4);
	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)a0);
	if (slot == NULL || slot->object->type != OBJECT_POLL || (slot->rights & RIGHT_READ) == 0) {
		spin_unlock(&table->lock);
		return wait_slowly(a0, a1, a2, a3, a4);
	}
	poll = poll_from_object(slot->object);
	spin_lock(lock);
	entry = poll_only_candidate(poll);
	if (entry != NULL && !poll_entry_is_simple(entry)) {
		spin_unlock(lock);
		spin_unlock(&table->lock);
		return wait_slowly(a0, a1, a2, a3, a4);
	}
	ready = entry != NULL ? poll_simple_ready(entry) : 0;
	if (ready != 0) {
		cookie = entry->cookie;
		spin_unlock(lock);
		spin_unlock(&table->lock);
		return write_event(a1, a4, cookie, ready);
	}
	hart = caller_hart();
	if (a3 == NSEC_NEVER && hart->kicks == 0 && (entry != NULL || list_is_empty(&poll->ready))) {
		next = sched_take_handover(hart);
		if (next != NULL)
			return hand_over_and_wait(table, poll, a1, a2, a4, next);
	}
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return wait_slowly(a0, a1, a2, a3, a4);
}
