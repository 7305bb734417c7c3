// SPDX-License-Identifier: MIT
//
// poll_wait and poll_recv, which is a poll_wait that takes a message along. Compiled twice, for
// callers in the kernel's address space and in user mode (USER_CALLS in the Makefile).
#include "kernel/object/poll_wait.h"
#include "kernel/object/trace.h"

#include "kernel/syscall/message.h"
#include "kernel/syscall/syscall.h"

// What a wait leaves to be written to the app's memory. `m` 0: no message is wanted.
struct wait_out {
	uintptr_t events;
	uintptr_t num_events;
	uintptr_t m;
};

// --- Any case ---

static error_t write_out(const struct wait_out *out, const struct poll_event *events, size_t n,
                         const struct channel_message *message)
{
	error_t error = message != NULL ? message_write(out->m, message) : 0;

	if (error == 0)
		error = user_write(out->events, events, n * sizeof(events[0]));
	return error != 0 ? error : user_write(out->num_events, &n, sizeof(n));
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
	if (error != 0)
		return error;
	error = write_out(out, events, n, received.message);
	if (received.message == NULL)
		return error;
	if (error != 0)
		return channel_unrecv_on(received.table, received.handle, received.message);
	if (hart_is_looked_at(arch_thread_hart()))
		trace_received(received.table, received.handle, received.message->header.type);
	channel_message_free(received.message);
	return 0;
}

// The caller has checked a2. `m` is 0 for poll_wait.
static __attribute__((noinline)) error_t wait_slowly(uintptr_t a0, uintptr_t a1, uintptr_t a2,
                                                     uintptr_t a3, uintptr_t a4, uintptr_t m)
{
	const struct wait_out out = { .events = a1, .num_events = a4, .m = m };
	struct object *object;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_READ, &object);

	return error != 0 ? error : wait_in(poll_from_object(object), &out, a2, a3);
}

// --- The usual case: one event, and one message at most (poll_wait.h of kernel/object) ---

// The same without a window.
static __attribute__((noinline)) error_t write_event_slowly(uintptr_t a1, uintptr_t a4,
                                                            uint64_t cookie, uint64_t ready,
                                                            uint64_t received)
{
	struct poll_event event = { .cookie = cookie,
		                    .ready = (uint32_t)ready,
		                    .received = (uint32_t)received };
	size_t n = 1;
	error_t error = user_write(a1, &event, sizeof(event));

	app_window_open(WINDOW_EVENT, a1, true);
	return error != 0 ? error : user_write(a4, &n, sizeof(n));
}

// Through the window, which is there and lasts. Returns false when it does not show both.
static inline __attribute__((always_inline)) bool store_event(uintptr_t a1, uintptr_t a4,
                                                              uint64_t cookie, uint64_t flags)
{
	uintptr_t event;
	uintptr_t n;

	return app_window(WINDOW_EVENT, a1, sizeof(struct poll_event), true, &event) &&
		app_window(WINDOW_EVENT, a4, sizeof(size_t), true, &n) &&
		app_store_2(event, cookie, flags) && app_store(n, 1);
}

static inline __attribute__((always_inline)) error_t write_event(uintptr_t a1, uintptr_t a4,
                                                                 uint64_t cookie, uint64_t ready,
                                                                 uint64_t received)
{
	bool stored = app_windows_hold() && store_event(a1, a4, cookie, ready | received << 32);

	app_windows_release();
	return stored ? 0 : write_event_slowly(a1, a4, cookie, ready, received);
}
_Static_assert(offsetof(struct poll_event, received) == offsetof(struct poll_event, ready) + 4,
               "one word");

// The same without a window.
static __attribute__((noinline)) error_t write_received_slowly(uintptr_t a1, uintptr_t a4,
                                                               uintptr_t m, uint64_t cookie,
                                                               uint64_t ready, handle_t handle,
                                                               struct channel_message *message)
{
	error_t error = message_write(m, message);

	if (error == 0)
		error = write_event_slowly(a1, a4, cookie, ready, 1);
	if (error != 0)
		return channel_unrecv_on(&caller()->handles, handle, message);
	return channel_message_drop(message, 0);
}

// Writes one event with its message. `handles`: two words, as in the header.
static inline __attribute__((always_inline)) error_t write_received(uintptr_t a1, uintptr_t a4,
                                                                    uintptr_t m, uint64_t cookie,
                                                                    uint64_t ready, handle_t handle,
                                                                    struct channel_message *message,
                                                                    const uint64_t handles[2])
{
	uintptr_t at;
	bool stored = app_windows_hold() &&
		app_window(WINDOW_MESSAGE, m, sizeof(struct message_header) + message->header.len,
	                   true, &at) &&
		message_write_words(m, at, message, handles) &&
		store_event(a1, a4, cookie, ready | 1ull << 32);

	app_windows_release();
	if (!stored)
		return write_received_slowly(a1, a4, m, cookie, ready, handle, message);
	return channel_message_keep(message);
}

static const uint64_t no_handles[2];

// The same of a message with handles.
static __attribute__((noinline)) error_t write_handles(uintptr_t a1, uintptr_t a4, uintptr_t m,
                                                       uint64_t cookie, uint64_t ready,
                                                       handle_t handle,
                                                       struct channel_message *message)
{
	uint64_t handles[2];

	message_handles(&message->header, handles);
	return write_received(a1, a4, m, cookie, ready, handle, message, handles);
}

// What is left to do after a wake-up that said nothing. Consumes a reference to the poll.
static __attribute__((noinline)) error_t finish_slowly(struct poll *poll, error_t error,
                                                       uintptr_t a1, uintptr_t a2, uintptr_t a4,
                                                       uintptr_t m)
{
	const struct wait_out out = { .events = a1, .num_events = a4, .m = m };

	if (error == 0)
		return wait_in(poll, &out, a2, NSEC_NEVER);
	poll_wait_undo();
	object_put(&poll->object);
	return error;
}

// The caller was given a message with handles, while it waited. Consumes a reference to the poll.
static __attribute__((noinline)) error_t finish_handles(struct poll *poll, uintptr_t a1,
                                                        uintptr_t a2, uintptr_t a4, uintptr_t m,
                                                        const struct poll_wake *wake)
{
	if (channel_accept_on(&caller()->handles, wake->handle, wake->message) != 0)
		return finish_slowly(poll, 0, a1, a2, a4, m);
	object_put(&poll->object);
	return write_handles(a1, a4, m, wake->cookie, 0, wake->handle, wake->message);
}

static __attribute__((noinline)) error_t hand_over(struct handle_table *table, struct poll *poll,
                                                   uintptr_t a1, uintptr_t a2, uintptr_t a4,
                                                   uintptr_t m, struct thread *next)
{
	error_t error = poll_hand_over(table, poll, m != 0, next);
	const struct poll_wake *wake = &arch_current_thread()->wake;

	if (__builtin_expect(error != 0, 0))
		return finish_slowly(poll, error, a1, a2, a4, m);
	if (wake->ready == 0)
		return finish_slowly(poll, 0, a1, a2, a4, m);
	if (m == 0) {
		object_put(&poll->object);
		return write_event(a1, a4, wake->cookie, wake->ready, 0);
	}
	if (wake->message->num_queued > 0)
		return finish_handles(poll, a1, a2, a4, m, wake);
	object_put(&poll->object);
	return write_received(a1, a4, m, wake->cookie, 0, wake->handle, wake->message, no_handles);
}

// `entry` is the only one that is ready. Gives up both locks.
static __attribute__((noinline)) error_t recv_now(uintptr_t a0, uintptr_t a1, uintptr_t a2,
                                                  uintptr_t a3, uintptr_t a4, uintptr_t m,
                                                  const struct poll_entry *entry)
{
	struct handle_table *table = &caller()->handles;
	struct channel_message *message = poll_take_locked(table, entry);
	uint64_t ready = poll_simple_ready(entry);
	uint64_t cookie = entry->cookie;
	handle_t handle = entry->handle;

	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	if (message == NULL)
		return wait_slowly(a0, a1, a2, a3, a4, m);
	if (message->header.num_handles > 0)
		return write_handles(a1, a4, m, cookie, ready, handle, message);
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
	struct poll_found found;
	uint64_t cookie;

	if (a2 - 1 >= POLL_MAX_BATCH)
		return ERR_INVALID;
	// While somebody looks, all switches are the usual ones.
	if (hart_is_looked_at(arch_thread_hart()) || !is_writable(a1, sizeof(struct poll_event)) ||
	    !is_writable(a4, sizeof(size_t)) ||
	    (m != 0 && !app_words_ok(m, sizeof(struct message))))
		return wait_slowly(a0, a1, a2, a3, a4, m);
	switch (poll_look(table, (handle_t)a0, m != 0, a3, &found)) {
	case POLL_LOOK_CLOSER: break;
	case POLL_LOOK_READY:
		if (m != 0)
			return recv_now(a0, a1, a2, a3, a4, m, found.entry);
		cookie = found.entry->cookie;
		spin_unlock(&poll_lock);
		spin_unlock(&table->lock);
		return write_event(a1, a4, cookie, found.ready, 0);
	case POLL_LOOK_HAND_OVER: return hand_over(table, found.poll, a1, a2, a4, m, found.next);
	}
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
