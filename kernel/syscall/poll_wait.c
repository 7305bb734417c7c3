// SPDX-License-Identifier: MIT
//
// poll_wait and poll_recv, which is a poll_wait that takes a message along. The usual case has a
// path of its own: one entry at most may be ready, there is no deadline, and the caller's own last
// wake-up left a thread to hand the hart to.
#include "kernel/object/poll_private.h"
#include "kernel/syscall/message.h"
#include "kernel/syscall/syscall.h"

// What a wait leaves to be written to the app's memory. `m` 0: no message is wanted.
struct wait_out {
	uintptr_t events;
	uintptr_t num_events;
	uintptr_t m;
};

// A message that the caller was given becomes wholly its own, or is queued, and the event says so.
static void accept_given(struct poll_event *event, struct poll_received *received)
{
	if (received->message == NULL || received->message->num_queued == 0 ||
	    message_take_handles((uintptr_t)received->handle, received->message) == 0)
		return;
	received->message = NULL;
	event->received = 0;
	event->ready = READY_READABLE;
}

// Takes the message of the first event unless it is there already; without one the event is
// reported as it is.
static void take_message(struct poll_event *event, struct poll_received *received)
{
	struct channel_message *message;
	struct channel_end *end;
	struct object *object;

	accept_given(event, received);
	if (received->message != NULL || received->handle == HANDLE_NONE ||
	    (event->ready & READY_READABLE) == 0)
		return;
	// Another thread may have closed it.
	if (lookup((uintptr_t)received->handle, OBJECT_CHANNEL, RIGHT_READ, &object) != 0)
		return;
	end = channel_from_object(object);
	if (channel_end_recv(end, &caller()->handles, &message) == 0) {
		received->message = message;
		event->received = 1;
		if (__atomic_load_n(&end->queued, __ATOMIC_RELAXED) == 0)
			event->ready &= ~READY_READABLE;
	}
	object_put(object);
}

static error_t write_events(const struct wait_out *out, const struct poll_event *events, size_t n)
{
	error_t error = user_write(out->events, events, n * sizeof(events[0]));

	return error != 0 ? error : user_write(out->num_events, &n, sizeof(n));
}

// The end of a wait that brought `n` events.
static error_t report(const struct wait_out *out, struct poll_event *events, size_t n,
                      struct poll_received *received)
{
	struct channel_message *message;
	error_t error = 0;

	if (out->m != 0)
		take_message(&events[0], received);
	message = received->message;
	if (message != NULL)
		error = user_write(out->m, channel_message_header(message),
		                   sizeof(struct message_header) +
		                           channel_message_header(message)->len);
	if (error == 0)
		error = write_events(out, events, n);
	if (message == NULL)
		return error;
	if (error != 0)
		return message_give_back((uintptr_t)received->handle, message);
	channel_message_free(message);
	return 0;
}

// Waits in any case, and consumes a reference to the poll.
static error_t wait_in(struct poll *poll, const struct wait_out *out, size_t max, nsec_t deadline)
{
	struct poll_received received = { .table = &caller()->handles };
	struct poll_event events[POLL_MAX_BATCH];
	size_t n;
	error_t error =
		poll_object_wait(poll, events, max, deadline, &n, out->m != 0 ? &received : NULL);

	object_put(&poll->object);
	return error != 0 ? error : report(out, events, n, &received);
}

// Any case. The caller has checked a2. `m` is 0 for poll_wait.
static __attribute__((noinline)) error_t wait_slowly(uintptr_t a0, uintptr_t a1, uintptr_t a2,
                                                     uintptr_t a3, uintptr_t a4, uintptr_t m)
{
	const struct wait_out out = { .events = a1, .num_events = a4, .m = m };
	struct object *object;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_READ, &object);

	return error != 0 ? error : wait_in(poll_from_object(object), &out, a2, a3);
}

// What is left to do after a wake-up that said nothing. Consumes a reference to the poll.
static __attribute__((noinline)) error_t finish_slowly(struct poll *poll, error_t error,
                                                       uintptr_t a1, uintptr_t a2, uintptr_t a4,
                                                       uintptr_t m)
{
	const struct wait_out out = { .events = a1, .num_events = a4, .m = m };

	if (error == 0)
		return wait_in(poll, &out, a2, NSEC_NEVER);

	spin_lock(&poll_lock);
	list_remove(&arch_current_thread()->wait_entry);
	spin_unlock(&poll_lock);
	object_put(&poll->object);
	return error;
}

static inline error_t write_event(uintptr_t a1, uintptr_t a4, uint64_t cookie, uint64_t ready,
                                  uint64_t received)
{
	return app_store_2(a1, cookie, ready | received << 32) && app_store(a4, 1) ? 0
										   : ERR_ADDRESS;
}
_Static_assert(offsetof(struct poll_event, received) == offsetof(struct poll_event, ready) + 4,
               "one word");

// Writes one event with its message. `handles`: two words, as in the header.
static inline __attribute__((always_inline)) error_t write_received(uintptr_t a1, uintptr_t a4,
                                                                    uintptr_t m, uint64_t cookie,
                                                                    uint64_t ready, handle_t handle,
                                                                    struct channel_message *message,
                                                                    const uint64_t handles[2])
{
	if (!message_write(m, message, handles) || write_event(a1, a4, cookie, ready, 1) != 0)
		return message_give_back((uintptr_t)handle, message);
	return message_keep(message) ? 0 : message_drop(message, 0);
}

static const uint64_t no_handles[2];

// The same of a message with handles.
static __attribute__((noinline)) error_t write_objects(uintptr_t a1, uintptr_t a4, uintptr_t m,
                                                       uint64_t cookie, uint64_t ready,
                                                       handle_t handle,
                                                       struct channel_message *message)
{
	uint64_t handles[2];

	message_handles(&message->header, handles);
	return write_received(a1, a4, m, cookie, ready, handle, message, handles);
}

// The caller was given a message with handles, while it waited. Consumes a reference to the poll.
static __attribute__((noinline)) error_t finish_objects(struct poll *poll, uintptr_t a1,
                                                        uintptr_t a2, uintptr_t a4, uintptr_t m,
                                                        const struct poll_wake *wake)
{
	if (message_take_handles((uintptr_t)wake->handle, wake->message) != 0)
		return finish_slowly(poll, 0, a1, a2, a4, m);
	object_put(&poll->object);
	return write_objects(a1, a4, m, wake->cookie, 0, wake->handle, wake->message);
}

// Blocks, with the hart handed over to `next`; gives up the poll's and the table's lock. See
// wait_queue.c for the order.
static __attribute__((noinline)) error_t hand_over_and_wait(struct handle_table *table,
                                                            struct poll *poll, uintptr_t a1,
                                                            uintptr_t a2, uintptr_t a4, uintptr_t m,
                                                            struct thread *next)
{
	struct thread *self = arch_current_thread();
	const struct poll_wake *wake;

	poll_expect_locked(self, m != 0 ? table : NULL);
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
	if (__builtin_expect(__atomic_load_n(&self->process->ending, __ATOMIC_RELAXED), 0))
		(void)thread_unblock(self, ERR_BAD_STATE);
	sched_switch_over(caller_hart(), self, next);

	self = arch_current_thread();
	wake = &self->wake;
	if (__builtin_expect(self->wait_result != 0, 0))
		return finish_slowly(poll, self->wait_result, a1, a2, a4, m);
	if (wake->ready == 0)
		return finish_slowly(poll, 0, a1, a2, a4, m);
	if (m == 0) {
		object_put(&poll->object);
		return write_event(a1, a4, wake->cookie, wake->ready, 0);
	}
	if (wake->message->num_queued > 0)
		return finish_objects(poll, a1, a2, a4, m, wake);
	object_put(&poll->object);
	return write_received(a1, a4, m, wake->cookie, 0, wake->handle, wake->message, no_handles);
}

// The only entry that may be ready is ready: takes its message if there is one, its sender does not
// wait for room, its handles are no channel's ends and have room, and the caller may. Returns NULL
// with nothing changed. The table's and the poll's lock are held.
static inline struct channel_message *take_now(struct handle_table *table,
                                               const struct poll_entry *entry)
{
	struct channel_end *end = channel_from_object(entry->object);
	struct channel_message *message;

	// Its handle may have left the table, and the entry be about to.
	if (entry->recv_table != table || handle_slot_locked(table, entry->handle) == NULL)
		return NULL;
	spin_lock(&end->channel->lock);
	message = end->head;
	if (message != NULL &&
	    (message->num_ends > 0 || end->queued == CHANNEL_MAX_QUEUED ||
	     !handle_has_room_locked(table, message->num_queued)))
		message = NULL;
	if (message != NULL)
		(void)channel_pop_locked(end);
	spin_unlock(&end->channel->lock);
	if (message != NULL)
		message_fill_handles_locked(table, message);
	return message;
}

// The same, and all that is left to do. Gives up both locks.
static __attribute__((noinline)) error_t recv_now(uintptr_t a0, uintptr_t a1, uintptr_t a2,
                                                  uintptr_t a3, uintptr_t a4, uintptr_t m,
                                                  const struct poll_entry *entry)
{
	struct handle_table *table = &caller()->handles;
	struct channel_message *message = take_now(table, entry);
	uint64_t ready = poll_simple_ready(entry);
	uint64_t cookie = entry->cookie;
	handle_t handle = entry->handle;

	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	if (message == NULL)
		return wait_slowly(a0, a1, a2, a3, a4, m);
	if (message->header.num_handles > 0)
		return write_objects(a1, a4, m, cookie, ready, handle, message);
	return write_received(a1, a4, m, cookie, ready, handle, message, no_handles);
}

static inline bool is_writable(uintptr_t addr, size_t size)
{
	return app_words_ok(addr, size) && user_owns(addr, size, true);
}

// poll_wait, and with `m` poll_recv.
static inline __attribute__((always_inline)) error_t wait_or_recv(uintptr_t a0, uintptr_t a1,
                                                                  uintptr_t a2, uintptr_t a3,
                                                                  uintptr_t a4, uintptr_t m)
{
	struct handle_table *table = &caller()->handles;
	struct poll_entry *entry;
	const struct handle_slot *slot;
	struct spinlock *lock = &poll_lock;
	struct thread *next;
	struct hart *hart;
	struct poll *poll;
	uint64_t cookie;
	uint64_t ready;

	if (a2 - 1 >= POLL_MAX_BATCH)
		return ERR_INVALID;
	if (!is_writable(a1, sizeof(struct poll_event)) || !is_writable(a4, sizeof(size_t)) ||
	    (m != 0 && !app_words_ok(m, sizeof(struct message))))
		return wait_slowly(a0, a1, a2, a3, a4, m);
	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)a0);
	if (slot == NULL || slot->object->type != OBJECT_POLL || (slot->rights & RIGHT_READ) == 0) {
		spin_unlock(&table->lock);
		return wait_slowly(a0, a1, a2, a3, a4, m);
	}
	poll = poll_from_object(slot->object);
	spin_lock(lock);
	entry = poll_only_candidate(poll);
	if (entry != NULL && !poll_entry_is_simple(entry)) {
		spin_unlock(lock);
		spin_unlock(&table->lock);
		return wait_slowly(a0, a1, a2, a3, a4, m);
	}
	ready = entry != NULL ? poll_simple_ready(entry) : 0;
	if (ready != 0) {
		if (m != 0)
			return recv_now(a0, a1, a2, a3, a4, m, entry);
		cookie = entry->cookie;
		spin_unlock(lock);
		spin_unlock(&table->lock);
		return write_event(a1, a4, cookie, ready, 0);
	}
	hart = caller_hart();
	if (a3 == NSEC_NEVER && hart->kicks == 0 &&
	    (entry != NULL || list_is_empty(&poll->ready))) {
		next = sched_take_handover(hart);
		// An entry that is not ready may stay in the list; but messages that are given
		// leave it empty, and it is quicker so.
		if (m != 0 && entry != NULL)
			list_remove(&entry->by_ready);
		if (next != NULL)
			return hand_over_and_wait(table, poll, a1, a2, a4, m, next);
	}
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return wait_slowly(a0, a1, a2, a3, a4, m);
}

error_t sys_poll_wait(SYSCALL_ARGS)
{
	return wait_or_recv(a0, a1, a2, a3, a4, 0);
}

error_t sys_poll_recv(SYSCALL_ARGS)
{
	if (a5 == 0)
		return ERR_ADDRESS;
	return wait_or_recv(a0, a1, a2, a3, a4, a5);
}
