// SPDX-License-Identifier: MIT
//
// channel_send and channel_recv. Compiled twice, for callers in the kernel's address space and in
// user mode (USER_CALLS in the Makefile).
#include "kernel/object/channel.h"

#include "kernel/object/channel_private.h"
#include "kernel/object/trace.h"
#include "kernel/syscall/message.h"
#include "kernel/syscall/syscall.h"

// Reads a part of a message. Errors: ERR_ADDRESS.
static error_t read_part(void *dst, uintptr_t addr, size_t len)
{
	uintptr_t at;
	bool copied = app_words_ok(addr, len) && user_owns(addr, len, false) &&
		app_windows_hold() && app_window(WINDOW_MESSAGE, addr, len, false, &at) &&
		app_copy(dst, (const void *)at, len);

	app_windows_release();
	if (copied)
		return 0;
	app_window_open(WINDOW_MESSAGE, addr, false);
	return user_read(dst, addr, len);
}

// Any message, from anywhere.
static __attribute__((noinline)) error_t send_any(uintptr_t handle, uintptr_t addr)
{
	struct process *process = caller();
	struct channel_message *message;
	uint64_t words[3];  // the header
	error_t error = read_part(words, addr, sizeof(words));
	size_t len;

	if (error != 0)
		return error;
	len = message_head_len(words[0]);
	if (len > MESSAGE_MAX_DATA || message_head_num_handles(words[0]) > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	error = channel_message_create(process->account, words[0], &message);
	if (error != 0)
		return error;
	if (message_head_num_handles(words[0]) > 0)
		message_set_handles(&message->header, &words[1]);
	if (len > 0)
		error = read_part(message->data, addr + offsetof(struct message, data), len);
	if (error != 0)
		return channel_message_drop(message, error);
	if (hart_is_looked_at(arch_thread_hart()))
		return trace_send(&process->handles, (handle_t)handle, message);
	return channel_send_on(&process->handles, (handle_t)handle, message);
}

// The usual case: this hart keeps a message like this one. Nothing is called but the send itself,
// the last thing done, so that nothing needs saving. The message is at `addr`, the kernel reaches
// it at `at`, where `head` is from. `handles`, a constant: whether there are any.
static inline __attribute__((always_inline)) error_t send_usual(uintptr_t handle, uintptr_t addr,
                                                                uintptr_t at, uint64_t head,
                                                                bool handles)
{
	struct process *process = caller();
	size_t len = handles ? message_head_len(head) : head >> 32;
	struct channel_message *message;

	if (!app_window_holds(at, sizeof(struct message_header) + len))
		return send_any(handle, addr);
	message = channel_message_take(process->account, head, handles);
	if (message == NULL)
		return send_any(handle, addr);
	if (handles) {
		uint64_t words[2];

		if (!user_owns(addr, sizeof(struct message_header), false) ||
		    !app_load(at + 8, &words[0]) || !app_load(at + 16, &words[1]))
			return channel_message_drop(message, ERR_ADDRESS);
		message_set_handles(&message->header, words);
	}
	if (len > 0 && !message_read_data_words(addr, at, message, len))
		return channel_message_drop(message, ERR_ADDRESS);
	return channel_send_on(&process->handles, (handle_t)handle, message);
}

static __attribute__((noinline)) error_t send_handles(uintptr_t handle, uintptr_t addr,
                                                      uintptr_t at, uint64_t head)
{
	if (message_head_len(head) > MESSAGE_MAX_DATA ||
	    message_head_num_handles(head) > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	return send_usual(handle, addr, at, head, true);
}

error_t sys_channel_send(SYSCALL_ARGS)
{
	uintptr_t at;
	uint64_t head;

	// While somebody looks, messages go the long way.
	if (hart_is_looked_at(arch_thread_hart()) || !app_words_ok(a1, sizeof(struct message)) ||
	    !app_windows_last() ||
	    !app_window(WINDOW_MESSAGE, a1, sizeof(struct message_header), false, &at))
		return send_any(a0, a1);
	if (!user_owns(a1, sizeof(head), false) || !app_load(at, &head))
		return ERR_ADDRESS;
	// Too long, or it has handles, whose number is above the length.
	if (head >> 32 > MESSAGE_MAX_DATA)
		return send_handles(a0, a1, at, head);
	return send_usual(a0, a1, at, head, false);
}

// Any message, to anywhere.
static __attribute__((noinline)) error_t recv_any(uintptr_t handle, uintptr_t addr)
{
	struct handle_table *table = &caller()->handles;
	struct channel_message *message;
	bool more;
	error_t error = channel_recv_on(table, (handle_t)handle, &message, &more);

	if (error != 0)
		return error;
	if (message_write(addr, message) != 0)
		return channel_unrecv_on(table, (handle_t)handle, message);
	if (hart_is_looked_at(arch_thread_hart()))
		trace_received(table, (handle_t)handle, message->header.type);
	channel_message_free(message);
	return 0;
}

static const uint64_t no_handles[2];

// The usual case of a message with handles. `end` NULL: there is none. Gives up the table's lock.
static __attribute__((noinline)) error_t recv_handles(uintptr_t handle, uintptr_t addr,
                                                      struct handle_table *table,
                                                      struct channel_end *end)
{
	struct channel_message *message = end != NULL ? channel_take_locked(table, end, true)
						      : NULL;

	spin_unlock(&table->lock);
	if (message == NULL)
		return recv_any(handle, addr);
	if (message_write(addr, message) != 0)
		return channel_unrecv_on(table, (handle_t)handle, message);
	return channel_message_drop(message, 0);
}

// As in sys_channel_send, nothing needs saving.
error_t sys_channel_recv(SYSCALL_ARGS)
{
	struct handle_table *table = &caller()->handles;
	struct channel_message *message = NULL;
	struct channel_end *end;
	uintptr_t at;

	// What comes may be as long as it likes. While somebody looks, messages go the long way.
	if (hart_is_looked_at(arch_thread_hart()) || !app_words_ok(a1, sizeof(struct message)) ||
	    !app_windows_last() ||
	    !app_window(WINDOW_MESSAGE, a1, sizeof(struct message), true, &at))
		return recv_any(a0, a1);
	spin_lock(&table->lock);
	end = channel_end_locked(table, (handle_t)a0, RIGHT_READ);
	if (end != NULL)
		message = channel_take_locked(table, end, false);
	if (message == NULL)
		return recv_handles(a0, a1, table, end);
	spin_unlock(&table->lock);
	if (!message_write_words(a1, at, message, no_handles))
		return channel_unrecv_on(table, (handle_t)a0, message);
	return channel_message_keep(message);
}
