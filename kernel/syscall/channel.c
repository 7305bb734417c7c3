// SPDX-License-Identifier: MIT
#include "kernel/object/channel.h"

#include "kernel/object/channel_private.h"
#include "kernel/object/poll_private.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/poll.h"

error_t sys_channel_create(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_end *ends[2];
	handle_t handles[2];
	error_t error = channel_object_create(process->account, ends);

	if (error != 0)
		return error;
	error = handle_insert(&process->handles, &ends[0]->object, ends[0]->object.ops->rights, &handles[0]);
	if (error != 0)
		goto out_put;
	error = handle_insert(&process->handles, &ends[1]->object, ends[1]->object.ops->rights, &handles[1]);
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

// --- Sending ---
//
// Most messages carry no handles. For them the calls below are one straight path each: no reference to the channel is counted,
// because the table's lock, which keeps its handle, is held until the end; and every function called is the last thing done, so that
// nothing needs saving. What is unusual is found out before anything has changed, and goes the general way.

static __attribute__((noinline)) error_t send_slowly(uintptr_t handle, uintptr_t addr)
{
	struct process *process = caller();
	struct channel_message *message;
	struct message_header header;
	struct object *object;
	error_t error = user_read(&header, addr, sizeof(header));

	if (error != 0)
		return error;
	if (header.len > MESSAGE_MAX_DATA || header.num_handles > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	error = lookup(handle, OBJECT_CHANNEL, RIGHT_WRITE, &object);
	if (error != 0)
		return error;
	error = channel_message_create(&header, process->account, &message);
	if (error != 0)
		goto out_put;
	if (header.len > 0)
		error = user_read(channel_message_data(message), addr + offsetof(struct message, data), header.len);
	if (error == 0)
		error = channel_end_send(channel_from_object(object), &process->handles, message);
	if (error != 0)
		channel_message_free(message);
out_put:
	object_put(object);
	return error;
}

static __attribute__((noinline)) error_t drop(struct channel_message *message, error_t error)
{
	channel_message_free(message);
	return error;
}

// Gives up the table's lock. Why a handle is not a channel's that may be used so.
static __attribute__((noinline)) error_t refuse(struct handle_table *table, const struct handle_slot *slot,
                                                struct channel_message *message)
{
	error_t error = ERR_ACCESS;

	if (slot == NULL)
		error = ERR_BAD_HANDLE;
	else if (slot->object->type != OBJECT_CHANNEL)
		error = ERR_WRONG_TYPE;
	spin_unlock(&table->lock);
	return drop(message, error);
}

// Gives up both locks.
static __attribute__((noinline)) error_t tell_slowly(struct handle_table *table, struct object *receiver)
{
	list_for_each(pos, &receiver->watchers) {
		struct poll_entry *entry = container_of(pos, struct poll_entry, by_object);

		if ((entry->interest & READY_READABLE) != 0)
			poll_mark_locked(entry);
	}
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return 0;
}

// Gives up the table's lock. The receiver's queue was empty and is polled: in the usual case by one poll in which its entry is still the
// one that was ready last, and one thread waits.
static inline __attribute__((always_inline)) error_t tell_receiver(struct handle_table *table, struct object *receiver)
{
	struct spinlock *lock = &poll_lock;
	struct poll_entry *entry;
	struct poll *poll;

	spin_lock(lock);
	entry = container_of(receiver->watchers.next, struct poll_entry, by_object);
	if (receiver->watchers.next == &receiver->watchers || entry->by_object.next != &receiver->watchers)
		return tell_slowly(table, receiver);
	poll = entry->poll;
	if ((entry->interest & READY_READABLE) == 0 || list_is_empty(&entry->by_ready) || !list_is_empty(&poll->listeners) ||
	    poll->object.watched || !poll_hand_over_locked(poll))
		return tell_slowly(table, receiver);
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return 0;
}

// Whether the handle may be used for `right` on a channel.
static inline bool is_channel(const struct handle_slot *slot, rights_t right)
{
	return slot != NULL && slot->object->type == OBJECT_CHANNEL && (slot->rights & right) != 0;
}

// The objects of the message's handles, if each may travel and is no channel's end: those go the general way, and so do objects
// that are polled, whose entries go with the handle. The table's lock is held. Returns false with nothing changed.
static bool find_objects(const struct channel_end *to, struct handle_table *table, struct channel_message *message)
{
	const struct message_header *header = &message->header;
	uint32_t n = header->num_handles;

	for (uint32_t i = 0; i < n; i++) {
		const struct handle_slot *slot = handle_slot_locked(table, header->handles[i]);

		if (slot == NULL || (slot->rights & RIGHT_TRANSFER) == 0 || slot->object->type == OBJECT_CHANNEL ||
		    slot->object->watched || slot->object == &to->object)
			return false;
		for (uint32_t k = 0; k < i; k++) {
			if (header->handles[k] == header->handles[i])
				return false;
		}
		message->queued[i].object = slot->object;
		message->queued[i].rights = slot->rights;
		message->queued[i].is_end = false;
		message->queued[i].in_transit = false;
	}
	return true;
}

// Queues a message with handles, which leave the table, when nothing is unusual. Returns false with nothing changed but that.
static bool push_objects(struct channel_end *to, struct handle_table *table, struct channel_message *message)
{
	uint16_t n = message->header.num_handles;

	if (!find_objects(to, table, message))
		return false;
	spin_lock(&to->channel->lock);
	if (to->closed || to->queued >= CHANNEL_MAX_QUEUED) {
		spin_unlock(&to->channel->lock);
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		(void)handle_take_locked(table, message->header.handles[i]);
	message->num_queued = n;
	return true;
}

// A message with handles, as sys_channel_send.
static __attribute__((noinline)) error_t send_objects(uintptr_t handle, uintptr_t addr, uint64_t head)
{
	struct process *process = caller();
	struct handle_table *table = &process->handles;
	size_t len = head >> 32 & 0xffff;
	struct channel_message *message;
	const struct handle_slot *slot;
	struct channel_end *to;
	uint64_t handles[2];
	bool notify;

	if (len > MESSAGE_MAX_DATA || head >> 48 > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	if (!user_owns(addr, sizeof(struct message_header) + len, false) || !app_load(addr + 8, &handles[0]) ||
	    !app_load(addr + 16, &handles[1]))
		return ERR_ADDRESS;
	message = channel_message_full(process->account, head);
	if (message == NULL)
		return send_slowly(handle, addr);
	__builtin_memcpy(message->header.handles, handles, sizeof(handles));
	if (len > 0 && !app_copy(message->data, (const void *)(addr + offsetof(struct message, data)), len))
		return drop(message, ERR_ADDRESS);

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)handle);
	if (!is_channel(slot, RIGHT_WRITE))
		return refuse(table, slot, message);
	to = channel_from_object(slot->object)->peer;
	if (!push_objects(to, table, message)) {
		spin_unlock(&table->lock);
		channel_message_free(message);
		return send_slowly(handle, addr);
	}
	notify = to->queued == 0 && to->object.watched;
	channel_push_locked(to, message);
	spin_unlock(&to->channel->lock);
	if (notify)
		return tell_receiver(table, &to->object);
	spin_unlock(&table->lock);
	return 0;
}

error_t sys_channel_send(SYSCALL_ARGS)
{
	struct hart *hart = caller_hart();
	struct process *process = caller();
	struct handle_table *table = &process->handles;
	struct channel_message *message = hart->free_messages;
	const struct handle_slot *slot;
	struct channel_end *to;
	uint64_t head;
	size_t len;
	bool notify;

	if (message == NULL || !app_words_ok(a1, sizeof(struct message)))
		return send_slowly(a0, a1);
	if (!user_owns(a1, sizeof(struct message_header), false) || !app_load(a1, &head))
		return ERR_ADDRESS;
	len = head >> 32;  // no handles: nothing above
	if (len > MESSAGE_MAX_DATA)
		return send_objects(a0, a1, head);
	if (account_charge_little(process->account, PLAIN_MESSAGE_SIZE) != 0)
		return ERR_LIMIT;
	hart->free_messages = message->next;
	hart->num_free_messages--;
	message->account = process->account;
	message_set_head(&message->header, head);
	if (len > 0 && (!user_owns(a1 + offsetof(struct message, data), len, false) ||
	                !app_copy(message->data, (const void *)(a1 + offsetof(struct message, data)), len)))
		return drop(message, ERR_ADDRESS);

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)a0);
	if (!is_channel(slot, RIGHT_WRITE))
		return refuse(table, slot, message);
	to = channel_from_object(slot->object)->peer;
	spin_lock(&to->channel->lock);
	if (to->closed || to->queued >= CHANNEL_MAX_QUEUED) {
		error_t error = to->closed ? ERR_PEER_CLOSED : ERR_FULL;

		spin_unlock(&to->channel->lock);
		spin_unlock(&table->lock);
		return drop(message, error);
	}
	notify = to->queued == 0 && to->object.watched;
	channel_push_locked(to, message);
	spin_unlock(&to->channel->lock);
	if (notify)
		return tell_receiver(table, &to->object);
	spin_unlock(&table->lock);
	return 0;
}

// --- Receiving ---

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

// The receiver's memory was bad: the message goes back, unless another thread has closed the end meanwhile.
static __attribute__((noinline)) error_t give_back(uintptr_t handle, struct channel_message *message)
{
	struct object *object;

	if (lookup(handle, OBJECT_CHANNEL, RIGHT_READ, &object) != 0)
		return drop(message, ERR_ADDRESS);
	channel_end_unrecv(channel_from_object(object), &caller()->handles, message);
	object_put(object);
	return ERR_ADDRESS;
}

// `handles`: two words, as in the header.
static inline __attribute__((always_inline)) bool write_message(uintptr_t addr, const struct channel_message *message,
                                                                const uint64_t handles[2])
{
	size_t len = message->header.len;

	return user_owns(addr, sizeof(struct message_header) + len, true) &&
	       app_store(addr, message_head(&message->header)) && app_store_2(addr + 8, handles[0], handles[1]) &&
	       (len == 0 || app_copy((void *)(addr + offsetof(struct message, data)), message->data, len));
}

// Takes the first message of the queue, which carries handles but no channel's ends, when the table has room for them. Gives up the
// table's and the channel's lock.
static __attribute__((noinline)) error_t recv_objects(uintptr_t handle, uintptr_t addr, struct handle_table *table,
                                                      struct channel_end *end)
{
	struct channel_message *message = end->head;
	uint32_t n = message->num_queued;
	uint64_t handles[2];

	if (message->num_ends > 0 || end->queued == CHANNEL_MAX_QUEUED || !handle_has_room_locked(table, n)) {
		spin_unlock(&end->channel->lock);
		spin_unlock(&table->lock);
		return recv_slowly(handle, addr);
	}
	(void)channel_pop_locked(end);
	spin_unlock(&end->channel->lock);
	for (uint32_t i = 0; i < n; i++)
		message->header.handles[i] =
			handle_fill_locked(table, message->queued[i].object, message->queued[i].rights);
	message->num_queued = 0;
	spin_unlock(&table->lock);
	__builtin_memcpy(handles, message->header.handles, sizeof(handles));
	if (!write_message(addr, message, handles))
		return give_back(handle, message);
	return drop(message, 0);
}

error_t sys_channel_recv(SYSCALL_ARGS)
{
	static const uint64_t no_handles[2];
	struct handle_table *table = &caller()->handles;
	struct channel_message *message;
	const struct handle_slot *slot;
	struct channel_end *end;
	struct hart *hart;

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

	if (!write_message(a1, message, no_handles))
		return give_back(a0, message);
	hart = caller_hart();
	if (hart->num_free_messages >= FREE_MESSAGES_MAX || message->queued != NULL)
		return drop(message, 0);
	message->next = hart->free_messages;
	hart->free_messages = message;
	hart->num_free_messages++;
	account_uncharge(message->account, PLAIN_MESSAGE_SIZE);
	return 0;
}
