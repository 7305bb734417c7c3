// SPDX-License-Identifier: MIT
//
// Between poll.c and the calls that are made most (kernel/syscall/channel.c, poll_wait.c): the usual cases, inline.
#pragma once

#include "kernel/object/channel_private.h"
#include "kernel/object/poll.h"
#include "kernel/object/thread.h"
#include "kernel/sched/handover.h"

// Guards all watch lists and ready lists.
extern struct spinlock poll_lock;

// The entry may be ready: the poll's waiters, listeners and the polls that it is in shall look. The lock is held.
void poll_mark_locked(struct poll_entry *entry);

// What a channel's end is ready for. Each word is read as it is now, without the channel's lock: whoever changes one from not ready to
// ready takes the poll lock afterwards, so that with the poll lock held a change that is not seen yet is still to be told of.
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
static inline const struct poll_entry *poll_only_candidate(const struct poll *poll)
{
	const struct list *first = poll->ready.next;

	if (first == &poll->ready || first->next != &poll->ready)
		return NULL;
	return container_of(first, const struct poll_entry, by_ready);
}

// Wakes the only thread that waits in the poll, by the short way. Returns false, with nothing changed, unless there is one and that way is
// open. The poll lock is held.
static inline bool poll_hand_over_locked(struct poll *poll)
{
	struct hart *self = caller_hart();
	struct list *first = poll->waiters.threads.next;
	struct thread *thread = container_of(first, struct thread, wait_entry);

	if (first == &poll->waiters.threads || first->next != &poll->waiters.threads || !sched_may_hand_over(self, thread))
		return false;
	if (__atomic_exchange_n(&thread->blocked, 0ul, __ATOMIC_RELAXED) == 0)
		return true;  // its deadline or death was first; it leaves the queue itself
	list_init(&poll->waiters.threads);
	thread->wait_result = 0;
	sched_hand_over(self, thread);
	return true;
}
