// SPDX-License-Identifier: MIT
//
// What the calls share that send or receive: the message's way to the app's memory, inline.
#pragma once

#include "kernel/object/channel_private.h"
#include "kernel/sched/handover.h"
#include "kernel/syscall/syscall.h"

// Whether the handle may be used for `right` on a channel.
static inline bool is_channel(const struct handle_slot *slot, rights_t right)
{
	return slot != NULL && slot->object->type == OBJECT_CHANNEL && (slot->rights & right) != 0;
}

// Frees a message. Returns `error`. Each file has one of its own, so that the compiler knows what
// it leaves alone.
static __attribute__((noinline, unused)) error_t message_drop(struct channel_message *message,
                                                              error_t error)
{
	channel_message_free(message);
	return error;
}

// Writes a message to the app's memory, of which app_words_ok was asked. `handles`: two words, as
// in the header. Returns false on a bad pointer.
static inline __attribute__((always_inline)) bool message_write(
	uintptr_t addr, const struct channel_message *message, const uint64_t handles[2])
{
	size_t len = message->header.len;

	return user_owns(addr, sizeof(struct message_header) + len, true) &&
		app_store(addr, message_head(&message->header)) &&
		app_store_2(addr + 8, handles[0], handles[1]) &&
		(len == 0 ||
	         app_copy((void *)(addr + offsetof(struct message, data)), message->data, len));
}

// Keeps a message that carries no handles for use again. Returns false, with nothing done, when it
// is to be freed.
static inline __attribute__((always_inline)) bool message_keep(struct channel_message *message)
{
	struct hart *hart = caller_hart();

	if (hart->num_free_messages >= FREE_MESSAGES_MAX || message->queued != NULL)
		return false;
	message->next = hart->free_messages;
	hart->free_messages = message;
	hart->num_free_messages++;
	account_uncharge(message->account, PLAIN_MESSAGE_SIZE);
	return true;
}

// Puts the objects of a message, for which there is room, into the table. The table's lock is held.
static inline void message_fill_handles_locked(struct handle_table *table,
                                               struct channel_message *message)
{
	uint32_t n = message->num_queued;

	for (uint32_t i = 0; i < n; i++)
		message->header.handles[i] = handle_fill_locked(table, message->queued[i].object,
		                                                message->queued[i].rights);
	message->num_queued = 0;
}

// The caller was given a message with handles, but no channel's ends, that lay in no queue: the
// handles are its own from now on. When its table has no room, the message is put into the queue of
// the channel `handle`, as the oldest one (dropped if another thread has closed that meanwhile).
// Errors: ERR_LIMIT.
__must_check error_t message_take_handles(uintptr_t handle, struct channel_message *message);
// The receiver's memory was bad: the message goes back to the channel of `handle`, unless another
// thread has closed that meanwhile. Returns ERR_ADDRESS.
error_t message_give_back(uintptr_t handle, struct channel_message *message);
