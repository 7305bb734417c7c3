// SPDX-License-Identifier: MIT
#include "kernel/object/channel.h"

#include "kernel/object/channel_private.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/message.h"
#include "kernel/syscall/syscall.h"

error_t sys_channel_create(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_end *ends[2];
	handle_t handles[2];
	error_t error = channel_object_create(process->account, ends);

	if (error != 0)
		return error;
	error = handle_insert(&process->handles, &ends[0]->object, ends[0]->object.ops->rights,
	                      &handles[0]);
	if (error != 0)
		goto out_put;
	error = handle_insert(&process->handles, &ends[1]->object, ends[1]->object.ops->rights,
	                      &handles[1]);
	if (error != 0)
		goto out_close_first;
	error = user_write(a0, handles, sizeof(handles));
	if (error == 0)
		goto out_put;
	(void)handle_table_close(&process->handles, handles[1]);
out_close_first:
	(void)handle_table_close(&process->handles, handles[0]);
out_put:
	object_put(&ends[0]->object);
	object_put(&ends[1]->object);
	return error;
}

// --- Receiving: channel_send.c says how these are made ---

static __attribute__((noinline)) error_t recv_slowly(uintptr_t handle, uintptr_t addr)
{
	struct process *process = caller();
	struct channel_message *message;
	struct object *object;
	size_t len;
	error_t error = lookup(handle, OBJECT_CHANNEL, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = channel_end_recv(channel_from_object(object), &process->handles, &message);
	if (error != 0)
		goto out_put;
	len = sizeof(struct message_header) + channel_message_header(message)->len;
	error = user_write(addr, channel_message_header(message), len);
	if (error == 0)
		channel_message_free(message);
	else
		channel_end_unrecv(channel_from_object(object), &process->handles, message);
out_put:
	object_put(object);
	return error;
}

error_t message_give_back(uintptr_t handle, struct channel_message *message)
{
	struct object *object;

	if (lookup(handle, OBJECT_CHANNEL, RIGHT_READ, &object) != 0)
		return message_drop(message, ERR_ADDRESS);
	channel_end_unrecv(channel_from_object(object), &caller()->handles, message);
	object_put(object);
	return ERR_ADDRESS;
}

error_t message_take_handles(uintptr_t handle, struct channel_message *message)
{
	struct handle_table *table = &caller()->handles;
	struct object *object;

	spin_lock(&table->lock);
	if (handle_has_room_locked(table, message->num_queued)) {
		message_fill_handles_locked(table, message);
		spin_unlock(&table->lock);
		return 0;
	}
	spin_unlock(&table->lock);
	if (lookup(handle, OBJECT_CHANNEL, RIGHT_READ, &object) != 0)
		return message_drop(message, ERR_LIMIT);
	channel_end_requeue(channel_from_object(object), message);
	object_put(object);
	return ERR_LIMIT;
}

// Takes the first message of the queue, which carries handles but no channel's ends, when the table
// has room for them. Gives up the table's and the channel's lock.
static __attribute__((noinline)) error_t recv_objects(uintptr_t handle, uintptr_t addr,
                                                      struct handle_table *table,
                                                      struct channel_end *end)
{
	struct channel_message *message = end->head;
	uint64_t handles[2];

	if (message->num_ends > 0 || end->queued == CHANNEL_MAX_QUEUED ||
	    !handle_has_room_locked(table, message->num_queued)) {
		spin_unlock(&end->channel->lock);
		spin_unlock(&table->lock);
		return recv_slowly(handle, addr);
	}
	(void)channel_pop_locked(end);
	spin_unlock(&end->channel->lock);
	message_fill_handles_locked(table, message);
	spin_unlock(&table->lock);
	message_handles(&message->header, handles);
	if (!message_write(addr, message, handles))
		return message_give_back(handle, message);
	return message_drop(message, 0);
}

error_t sys_channel_recv(SYSCALL_ARGS)
{
	static const uint64_t no_handles[2];
	struct handle_table *table = &caller()->handles;
	struct channel_message *message;
	const struct handle_slot *slot;
	struct channel_end *end;

	if (!app_words_ok(a1, sizeof(struct message)))
		return recv_slowly(a0, a1);
	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)a0);
	if (!is_channel(slot, RIGHT_READ)) {
		spin_unlock(&table->lock);
		return recv_slowly(a0, a1);
	}
	end = channel_from_object(slot->object);
	spin_lock(&end->channel->lock);
	message = end->head;
	if (message != NULL && message->num_queued > 0)
		return recv_objects(a0, a1, table, end);
	// Nothing is there, or the sender waits for room.
	if (message == NULL || end->queued == CHANNEL_MAX_QUEUED) {
		error_t error = end->peer->closed ? ERR_PEER_CLOSED : ERR_EMPTY;

		spin_unlock(&end->channel->lock);
		spin_unlock(&table->lock);
		return message == NULL ? error : recv_slowly(a0, a1);
	}
	(void)channel_pop_locked(end);
	spin_unlock(&end->channel->lock);
	spin_unlock(&table->lock);

	if (!message_write(a1, message, no_handles))
		return message_give_back(a0, message);
	return message_keep(message) ? 0 : message_drop(message, 0);
}
