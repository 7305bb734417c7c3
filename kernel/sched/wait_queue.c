// SPDX-License-Identifier: MIT
//
// Blocking without a missed wake-up: a thread first puts itself into the queue, then becomes
// claimable (`blocked`), then lets go of the lock, then gives the hart away. Whoever sets `blocked`
// from 1 to 0 wakes it, once: a waker that holds the queue's lock, its deadline, or the end of its
// process.
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->threads);
}

bool thread_unblock(struct thread *thread, error_t result)
{
	if (__atomic_exchange_n(&thread->blocked, 0ul, __ATOMIC_SEQ_CST) == 0)
		return false;
	thread->wait_result = result;
	sched_wake(thread);
	return true;
}

error_t wait_queue_wait(struct wait_queue *queue, struct spinlock *lock, nsec_t deadline)
{
	struct thread *self = arch_current_thread();
	error_t result;

	list_push_back(&queue->threads, &self->wait_entry);
	__atomic_store_n(&self->blocked, 1ul, __ATOMIC_SEQ_CST);
	spin_unlock(lock);

	if (deadline != NSEC_NEVER)
		timer_node_arm(&self->wait_timer, deadline);
	// The process may have begun to end before this thread could be claimed.
	if (thread_should_end())
		thread_unblock(self, ERR_BAD_STATE);
	sched_block_current();
	if (deadline != NSEC_NEVER)
		timer_node_cancel(&self->wait_timer);

	result = self->wait_result;
	if (result != 0) {
		spin_lock(lock);
		list_remove(&self->wait_entry);
		spin_unlock(lock);
	}
	return result;
}

static bool wake_entry(struct list *entry)
{
	struct thread *thread = container_of(entry, struct thread, wait_entry);

	if (__atomic_exchange_n(&thread->blocked, 0ul, __ATOMIC_SEQ_CST) == 0)
		return false;  // its deadline or death was first; it leaves the queue itself
	list_remove(entry);
	thread->wait_result = 0;
	sched_wake(thread);
	return true;
}

void wait_queue_wake_one(struct wait_queue *queue)
{
	list_for_each_safe(entry, &queue->threads)
	{
		if (wake_entry(entry))
			return;
	}
}

void wait_queue_wake_all(struct wait_queue *queue)
{
	list_for_each_safe(entry, &queue->threads)(void) wake_entry(entry);
}
