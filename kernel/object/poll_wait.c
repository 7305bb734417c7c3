// SPDX-License-Identifier: MIT
//
// Waiting in a poll, in any case. poll_wait.h has the usual one.
#include "kernel/object/poll_wait.h"

#include "kernel/arch/arch.h"
#include "kernel/object/poll_private.h"

// Writes the events of at most `max` ready entries, which go to the end of the ready list: the
// others are first next time.
static size_t collect_locked(struct poll *poll, struct poll_event *events, size_t max,
                             struct poll_received *received)
{
	struct list pass;
	size_t n = 0;

	if (list_is_empty(&poll->ready))
		return 0;
	// Moves the whole list, so that each entry is looked at once.
	list_init(&pass);
	list_insert_after(&poll->ready, &pass);
	list_remove(&poll->ready);
	while (n < max && !list_is_empty(&pass)) {
		struct poll_entry *entry =
			container_of(list_pop_front(&pass), struct poll_entry, by_ready);
		uint32_t ready = poll_entry_ready(entry);

		if (ready == 0)
			continue;
		if (n == 0 && received != NULL)
			received->handle = entry->recv_table == received->table ? entry->handle
										: HANDLE_NONE;
		events[n++] = (struct poll_event){ .cookie = entry->cookie, .ready = ready };
		list_push_back(&poll->ready, &entry->by_ready);
	}
	// What was not reached comes before what was.
	while (!list_is_empty(&pass)) {
		struct list *last = pass.prev;

		list_remove(last);
		list_push_front(&poll->ready, last);
	}
	return n;
}

// The event that the current thread was given with a message. Returns false when it was woken to
// look for itself.
static bool take_given(struct poll_event *event, struct poll_received *received)
{
	const struct poll_wake *wake = &arch_current_thread()->wake;

	if (wake->message == NULL)
		return false;
	*event = (struct poll_event){ .cookie = wake->cookie, .received = 1 };
	received->message = wake->message;
	received->handle = wake->handle;
	return true;
}

static error_t wait(struct poll *poll, struct poll_event *events, size_t max, nsec_t deadline,
                    size_t *num_events, struct poll_received *received)
{
	error_t error = 0;

	for (;;) {
		size_t n;

		spin_lock(&poll_lock);
		n = collect_locked(poll, events, max, received);
		if (n > 0) {
			spin_unlock(&poll_lock);
			*num_events = n;
			return 0;
		}
		if (error == 0 && deadline != NSEC_NEVER &&
		    (deadline == 0 || arch_clock_now() >= deadline))
			error = ERR_TIMED_OUT;
		if (error != 0) {
			spin_unlock(&poll_lock);
			return error;
		}
		poll_expect_locked(arch_current_thread(),
		                   received != NULL ? received->table : NULL);
		error = wait_queue_wait(&poll->waiters, &poll_lock, deadline);
		if (error == ERR_BAD_STATE)
			return error;
		if (received != NULL && error == 0 && take_given(&events[0], received)) {
			*num_events = 1;
			return 0;
		}
	}
}

// The message of the first event: the one that was given, or the oldest that is queued. Without one
// the event is reported as it is.
static void take_message(struct poll_event *event, struct poll_received *received)
{
	struct handle_table *table = received->table;
	bool more;

	if (received->message != NULL) {
		if (received->message->num_queued == 0 ||
		    channel_accept_on(table, received->handle, received->message) == 0)
			return;
		*event = (struct poll_event){ .cookie = event->cookie, .ready = READY_READABLE };
		received->message = NULL;
	}
	// Another thread may have closed the channel, or taken the message.
	if (received->handle == HANDLE_NONE || (event->ready & READY_READABLE) == 0 ||
	    channel_recv_on(table, received->handle, &received->message, &more) != 0)
		return;
	event->received = 1;
	if (!more)
		event->ready &= ~READY_READABLE;
}

error_t poll_object_wait(struct poll *poll, struct poll_event *events, size_t max, nsec_t deadline,
                         size_t *num_events, struct poll_received *received)
{
	error_t error = wait(poll, events, max, deadline, num_events, received);

	if (error == 0 && received != NULL)
		take_message(&events[0], received);
	return error;
}

void poll_wait_undo(void)
{
	spin_lock(&poll_lock);
	list_remove(&arch_current_thread()->wait_entry);
	spin_unlock(&poll_lock);
}
