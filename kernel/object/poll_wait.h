// SPDX-License-Identifier: MIT
//
// The usual wait in a poll, inline: one entry at most may be ready, there is no deadline, and the
// caller's own last wake-up left a thread to hand the hart to.
#pragma once

#include "kernel/object/poll_private.h"

enum poll_look {
	POLL_LOOK_CLOSER,     // not the usual case: poll_object_wait. No lock is held
	POLL_LOOK_READY,      // `entry` is ready, and no other one
	POLL_LOOK_HAND_OVER,  // nothing is ready: poll_hand_over
};

// What a look at a poll has found.
struct poll_found {
	struct poll *poll;
	struct poll_entry *entry;
	uint64_t ready;       // READY_* of `entry`
	struct thread *next;  // who is to have the hart
};

// Looks at the poll of `handle`. `takes`: for poll_recv. Takes the table's and the poll lock, and
// holds both after READY and HAND_OVER.
static inline __attribute__((always_inline)) enum poll_look poll_look(struct handle_table *table,
                                                                      handle_t handle, bool takes,
                                                                      nsec_t deadline,
                                                                      struct poll_found *found)
{
	struct spinlock *lock = &poll_lock;
	const struct handle_slot *slot;
	struct poll_entry *entry;
	struct poll *poll;
	struct hart *hart;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	if (slot == NULL || slot->object->type != OBJECT_POLL || (slot->rights & RIGHT_READ) == 0) {
		spin_unlock(&table->lock);
		return POLL_LOOK_CLOSER;
	}
	poll = poll_from_object(slot->object);
	found->poll = poll;
	spin_lock(lock);
	entry = poll_only_candidate(poll);
	found->entry = entry;
	if (entry != NULL && !poll_entry_is_simple(entry))
		goto out_unlock;
	found->ready = entry != NULL ? poll_simple_ready(entry) : 0;
	if (found->ready != 0)
		return POLL_LOOK_READY;
	hart = caller_hart();
	if (deadline == NSEC_NEVER && hart->kicks == 0 &&
	    (entry != NULL || list_is_empty(&poll->ready))) {
		found->next = sched_take_handover(hart);
		// An entry that is not ready may stay in the list; but messages that are given
		// leave it empty, and it is quicker so.
		if (takes && entry != NULL)
			list_remove(&entry->by_ready);
		if (found->next != NULL)
			return POLL_LOOK_HAND_OVER;
	}
out_unlock:
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return POLL_LOOK_CLOSER;
}

// After READY, in poll_recv: the entry's oldest message, with its handles in the table, if that is
// a usual case, too (channel_take_locked), and the caller may take it. Else NULL, with nothing
// changed.
static inline struct channel_message *poll_take_locked(struct handle_table *table,
                                                       const struct poll_entry *entry)
{
	// Its handle may have left the table, and the entry be about to.
	if (entry->recv_table != table || handle_slot_locked(table, entry->handle) == NULL)
		return NULL;
	return channel_take_locked(table, channel_from_object(entry->object), true);
}

// After HAND_OVER: blocks, with the hart handed over to `next`, and gives up both locks. See
// wait_queue.c for the order. Afterwards the caller holds a reference to the poll. Returns the
// result of the wait: 0, and the thread's `wake` has what it was given or told; or an error, and
// the thread is in the poll's queue still (poll_wait_undo).
static inline __attribute__((always_inline)) error_t poll_hand_over(struct handle_table *table,
                                                                    struct poll *poll, bool takes,
                                                                    struct thread *next)
{
	struct thread *self = arch_current_thread();

	poll_expect_locked(self, takes ? table : NULL);
	list_push_back(&poll->waiters.threads, &self->wait_entry);
	self->state = THREAD_BLOCKED;
	// Pairs with the exchange in thread_unblock: whoever claims the thread, from here on, sees
	// it blocked.
	store_release(&self->blocked, 1ul);
	object_get(&poll->object);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	// The process may have begun to end before this thread could be claimed.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(thread_seems_ending(self), 0))
		(void)thread_unblock(self, ERR_BAD_STATE);
	sched_switch_over(caller_hart(), self, next);
	return arch_current_thread()->wait_result;
}

// The current thread leaves the queue in which its wait has ended with an error.
void poll_wait_undo(void);
