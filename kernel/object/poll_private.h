// SPDX-License-Identifier: MIT
//
// What is done to a poll by the calls that are made most (channel_send.c, and poll_wait.c of
// kernel/syscall): the usual cases, inline. Who makes an object ready gives a message to a thread
// that waits, tells it, or marks the object's entries.
#pragma once

#include "kernel/object/channel_private.h"
#include "kernel/object/poll.h"
#include "kernel/object/thread.h"
#include "kernel/sched/handover.h"

// Guards all watch lists and ready lists.
extern struct spinlock poll_lock;

// Marks: the entries of `object` that ask for one of `ready` (READY_*) may be ready. Their polls'
// waiters, listeners and the polls that they are in shall look. The poll lock is held.
void poll_mark_watchers_locked(struct object *object, uint32_t ready);

// What a channel's end is ready for. Each word is read as it is now, without the channel's lock:
// whoever changes one from not ready to ready takes the poll lock afterwards, so that with the poll
// lock held a change that is not seen yet is still to be told of.
static inline uint64_t channel_ready_now(const struct channel_end *end)
{
	const struct channel_end *peer = end->peer;
	uint64_t ready = 0;

	if (__atomic_load_n(&end->queued, __ATOMIC_RELAXED) > 0)
		ready |= READY_READABLE;
	if (__atomic_load_n(&peer->closed, __ATOMIC_RELAXED))
		ready |= READY_CLOSED;
	else if (__atomic_load_n(&peer->queued, __ATOMIC_RELAXED) < CHANNEL_MAX_QUEUED)
		ready |= READY_WRITABLE;
	return ready;
}

// Whether it can be said inline what the entry's object is ready for.
static inline bool poll_entry_is_simple(const struct poll_entry *entry)
{
	return __builtin_expect(entry->object->type == OBJECT_CHANNEL, 1);
}

// What the object of a simple entry is ready for now, of what interests. The poll lock is held.
static inline uint64_t poll_simple_ready(const struct poll_entry *entry)
{
	const struct channel_end *end = channel_from_object(entry->object);
	uint64_t interest = entry->interest;

	if (interest == READY_READABLE)
		return __atomic_load_n(&end->queued, __ATOMIC_RELAXED) > 0;
	return channel_ready_now(end) & interest;
}

// The same of any entry.
static inline uint32_t poll_entry_ready(const struct poll_entry *entry)
{
	if (poll_entry_is_simple(entry))
		return (uint32_t)poll_simple_ready(entry);
	return entry->object->ops->readiness(entry->object) & entry->interest;
}

// The only entry that may be ready; NULL when there are none or several. The poll lock is held.
static inline struct poll_entry *poll_only_candidate(const struct poll *poll)
{
	struct list *first = poll->ready.next;

	if (first == &poll->ready || first->next != &poll->ready)
		return NULL;
	return container_of(first, struct poll_entry, by_ready);
}

// The current thread is about to wait: `table` of its process if it takes messages, else NULL. The
// poll lock is held.
static inline void poll_expect_locked(struct thread *self, const struct handle_table *table)
{
	self->wake.table = table;
	self->wake.ready = 0;
}
_Static_assert(sizeof(struct channel_message *) == sizeof(uint64_t), "no message, and not told");

// Whether a thread that waits in the entry's poll takes messages from it. The poll lock is held.
static inline bool poll_takes(const struct poll_entry *entry, const struct thread *thread)
{
	return entry->recv_table != NULL && thread->wake.table == entry->recv_table;
}

// Whether nobody but this thread, which waits in the entry's poll, is to hear of a message that is
// queued for the entry's object, and it can be told (poll_recv looks for what it was not given).
// The poll lock is held.
static inline bool poll_tells_one(const struct poll_entry *entry, const struct thread *thread)
{
	const struct poll *poll = entry->poll;

	return thread->wake.table == NULL && entry->by_object.next == entry->by_object.prev &&
		thread->wait_entry.next == thread->wait_entry.prev &&
		(entry->interest & READY_READABLE) != 0 && list_is_empty(&poll->listeners) &&
		!poll->object.watched;
}

// The thread, which waits in the entry's poll and was claimed, leaves it. As list_remove, but a
// wait_entry says nothing once its thread is woken with result 0.
static inline void poll_leave_locked(const struct poll_entry *entry, struct thread *thread)
{
	const struct list *waiter = &thread->wait_entry;

	waiter->prev->next = waiter->next;
	waiter->next->prev = waiter->prev;
	thread->wait_result = 0;
	thread->wake.cookie = entry->cookie;
}

// Tells it that the entry is READABLE: the caller wakes it. The poll lock is held.
static inline void poll_tell_locked(struct poll_entry *entry, struct thread *thread)
{
	poll_leave_locked(entry, thread);
	thread->wake.ready = READY_READABLE;
	// It is told, but the next wait must look.
	if (list_is_empty(&entry->by_ready))
		list_push_back(&entry->poll->ready, &entry->by_ready);
}

// Gives it a message of the entry's channel, in which nothing is queued: the caller wakes it. The
// poll lock is held.
static inline void poll_give_locked(const struct poll_entry *entry, struct thread *thread,
                                    struct channel_message *message)
{
	poll_leave_locked(entry, thread);
	thread->wake.message = message;
	thread->wake.handle = entry->handle;
}
