// SPDX-License-Identifier: MIT
//
// channel_send. Most messages carry no handles. For them the call, like channel_recv, is one
// straight path: no reference to the channel is counted, because the table's lock, which keeps its
// handle, is held until the end; and every function called is the last thing done, so that nothing
// needs saving. What is unusual is found out before anything has changed, and goes the general way.
#include "kernel/object/channel.h"

#include "kernel/object/channel_private.h"
#include "kernel/object/poll_private.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/message.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/poll.h"

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
		error = user_read(channel_message_data(message),
		                  addr + offsetof(struct message, data), header.len);
	if (error == 0)
		error = channel_end_send(channel_from_object(object), &process->handles, message);
	if (error != 0)
		channel_message_free(message);
out_put:
	object_put(object);
	return error;
}

// Gives up the table's lock. Why a handle is not a channel's that may be used so.
static __attribute__((noinline)) error_t refuse(struct handle_table *table,
                                                const struct handle_slot *slot,
                                                struct channel_message *message)
{
	error_t error = ERR_ACCESS;

	if (slot == NULL)
		error = ERR_BAD_HANDLE;
	else if (slot->object->type != OBJECT_CHANNEL)
		error = ERR_WRONG_TYPE;
	spin_unlock(&table->lock);
	return message_drop(message, error);
}

// Tells the polls of `to`, whose queue was empty. Gives up both locks.
static __attribute__((noinline)) error_t tell_slowly(struct handle_table *table,
                                                     struct channel_end *to)
{
	list_for_each(pos, &to->object.watchers) {
		struct poll_entry *entry = container_of(pos, struct poll_entry, by_object);

		if ((entry->interest & READY_READABLE) != 0)
			poll_mark_locked(entry);
	}
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return 0;
}

static __attribute__((noinline)) error_t tell_receiver(struct handle_table *table,
                                                       struct channel_end *to)
{
	spin_lock(&poll_lock);
	return tell_slowly(table, to);
}

// The objects of the message's handles, if each may travel and is not a channel's end: those go the
// general way, and so do objects that are polled, whose entries go with the handle. The table's
// lock is held. Returns false with nothing changed.
static bool find_objects(const struct channel_end *to, struct handle_table *table,
                         struct channel_message *message)
{
	const struct message_header *header = &message->header;
	uint32_t n = header->num_handles;

	for (uint32_t i = 0; i < n; i++) {
		const struct handle_slot *slot = handle_slot_locked(table, header->handles[i]);

		if (slot == NULL || (slot->rights & RIGHT_TRANSFER) == 0 ||
		    slot->object->type == OBJECT_CHANNEL || slot->object->watched ||
		    slot->object == &to->object)
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

// The handles that find_objects found leave the table: the message holds the objects. The table's
// lock is held.
static inline void take_objects(struct handle_table *table, struct channel_message *message)
{
	uint16_t n = message->header.num_handles;

	for (uint32_t i = 0; i < n; i++)
		(void)handle_take_locked(table, message->header.handles[i]);
	message->num_queued = n;
}

// Puts a message into a queue. `*notify`, which is false before, says whether the receiver's polls
// must hear of it.
static inline __attribute__((always_inline)) error_t push(struct channel_end *to,
                                                          struct channel_message *message,
                                                          bool *notify)
{
	error_t error = 0;

	spin_lock(&to->channel->lock);
	if (__builtin_expect(to->closed || to->queued >= CHANNEL_MAX_QUEUED, 0)) {
		error = to->closed ? ERR_PEER_CLOSED : ERR_FULL;
	} else {
		*notify = to->queued == 0 && to->object.watched;
		channel_push_locked(to, message);
	}
	spin_unlock(&to->channel->lock);
	return error;
}

// What the functions below return for a message with handles that is to go the general way: nothing
// has changed, and only the poll's lock was given up.
#define NOT_SENT 1

// Sends to an end that is polled by any number of polls, in which any number of threads wait. Gives
// up both locks.
static __attribute__((noinline)) error_t send_watched_slowly(struct handle_table *table,
                                                             struct channel_end *to,
                                                             struct channel_message *message)
{
	bool notify = false;
	error_t error;

	if (message->header.num_handles > 0) {
		spin_unlock(&poll_lock);
		return NOT_SENT;
	}
	error = push(to, message, &notify);
	if (notify)
		return tell_slowly(table, to);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return error == 0 ? 0 : message_drop(message, error);
}

// Sends to an end that is polled by `entry` first, in whose poll `thread` waits first, for
// readiness only. In the usual case these are all that are to be told. `objects`: the message has
// handles. Gives up both locks.
static inline __attribute__((always_inline)) error_t send_told(
	struct handle_table *table, struct channel_end *to, struct channel_message *message,
	struct poll_entry *entry, struct thread *thread, struct hart *hart, bool objects)
{
	struct spinlock *lock = &poll_lock;

	if (!poll_tells_one(entry, thread) || !sched_may_hand_over(hart, thread))
		return send_watched_slowly(table, to, message);
	spin_lock(&to->channel->lock);
	// An end may be polled still when it was closed: all its handles lay in queues that nobody
	// could reach.
	if (to->queued != 0 || to->closed || !thread_claim(thread)) {
		spin_unlock(&to->channel->lock);
		return send_watched_slowly(table, to, message);
	}
	if (objects)
		take_objects(table, message);
	channel_push_locked(to, message);
	spin_unlock(&to->channel->lock);
	poll_tell_locked(entry, thread);
	sched_set_handover(hart, thread);
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return sched_offer(hart);
}

// Functions of their own, so that no call pays for the registers that another one needs.
static __attribute__((noinline)) error_t send_and_tell(struct handle_table *table,
                                                       struct channel_end *to,
                                                       struct channel_message *message,
                                                       struct poll_entry *entry,
                                                       struct thread *thread, struct hart *hart)
{
	return send_told(table, to, message, entry, thread, hart, false);
}

static __attribute__((noinline)) error_t send_objects_and_tell(
	struct handle_table *table, struct channel_end *to, struct channel_message *message,
	struct poll_entry *entry, struct thread *thread, struct hart *hart)
{
	return send_told(table, to, message, entry, thread, hart, true);
}

// Wakes a thread that was claimed, the long way. Gives up both locks.
static __attribute__((noinline)) error_t wake(struct handle_table *table, struct thread *thread)
{
	sched_wake(thread);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return 0;
}

// Sends to an end that is polled and seems to have an empty queue: whoever waits in poll_recv gets
// the message right away. It overtakes nothing that this thread sent before: that would be in the
// queue. The end is open, for its entry gives messages (no handle of it may have begun to leave).
// `objects`: the message has handles. Gives up the table's lock.
static inline __attribute__((always_inline)) error_t send_watched(struct handle_table *table,
                                                                  struct channel_end *to,
                                                                  struct channel_message *message,
                                                                  bool objects)
{
	const struct list *watchers = &to->object.watchers;
	struct spinlock *lock = &poll_lock;
	struct hart *hart = caller_hart();
	const struct list *waiters;
	struct poll_entry *entry;
	struct thread *thread;

	spin_lock(lock);
	entry = container_of(watchers->next, struct poll_entry, by_object);
	if (watchers->next == watchers)
		return send_watched_slowly(table, to, message);
	waiters = &entry->poll->waiters.threads;
	thread = container_of(waiters->next, struct thread, wait_entry);
	if (waiters->next == waiters)
		return send_watched_slowly(table, to, message);
	if (!poll_takes(entry, thread)) {
		if (objects)
			return send_objects_and_tell(table, to, message, entry, thread, hart);
		return send_and_tell(table, to, message, entry, thread, hart);
	}
	if (!thread_claim(thread))
		return send_watched_slowly(table, to, message);
	if (objects)
		take_objects(table, message);
	poll_give_locked(entry, thread, message);
	if (!sched_may_hand_over(hart, thread))
		return wake(table, thread);
	sched_set_handover(hart, thread);
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return sched_offer(hart);
}

// The general way of a message with handles, which begins once more. Gives up the table's lock.
static __attribute__((noinline)) error_t send_objects_slowly(uintptr_t handle, uintptr_t addr,
                                                             struct handle_table *table,
                                                             struct channel_message *message)
{
	spin_unlock(&table->lock);
	channel_message_free(message);
	return send_slowly(handle, addr);
}

// Queues a message with handles, as find_objects left it. Gives up the table's lock.
static __attribute__((noinline)) error_t queue_objects(uintptr_t handle, uintptr_t addr,
                                                       struct handle_table *table,
                                                       struct channel_end *to,
                                                       struct channel_message *message)
{
	bool notify;

	spin_lock(&to->channel->lock);
	if (to->closed || to->queued >= CHANNEL_MAX_QUEUED) {
		spin_unlock(&to->channel->lock);
		return send_objects_slowly(handle, addr, table, message);
	}
	take_objects(table, message);
	notify = to->queued == 0 && to->object.watched;
	channel_push_locked(to, message);
	spin_unlock(&to->channel->lock);
	if (notify)
		return tell_receiver(table, to);
	spin_unlock(&table->lock);
	return 0;
}

// A message with handles, as sys_channel_send.
static __attribute__((noinline)) error_t send_objects(uintptr_t handle, uintptr_t addr,
                                                      uint64_t head)
{
	struct process *process = caller();
	struct handle_table *table = &process->handles;
	size_t len = head >> 32 & 0xffff;
	struct channel_message *message;
	const struct handle_slot *slot;
	error_t error = NOT_SENT;
	uint64_t num_handles = head >> 48;
	struct channel_end *to;
	uint64_t handles[2];

	if (len > MESSAGE_MAX_DATA || num_handles > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	if (!user_owns(addr, sizeof(struct message_header) + len, false) ||
	    !app_load(addr + 8, &handles[0]) || !app_load(addr + 16, &handles[1]))
		return ERR_ADDRESS;
	message = channel_message_full(process->account, head);
	if (message == NULL)
		return send_slowly(handle, addr);
	// What the sender has behind its handles is none of the receiver's business.
	if (num_handles < 2)
		handles[0] = (uint32_t)handles[0];
	if (num_handles < 4)
		handles[1] = num_handles == 3 ? (uint32_t)handles[1] : 0;
	message_set_handles(&message->header, handles);
	if (len > 0 &&
	    !app_copy(message->data, (const void *)(addr + offsetof(struct message, data)), len))
		return message_drop(message, ERR_ADDRESS);

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)handle);
	if (!is_channel(slot, RIGHT_WRITE))
		return refuse(table, slot, message);
	to = channel_from_object(slot->object)->peer;
	if (!find_objects(to, table, message))
		return send_objects_slowly(handle, addr, table, message);
	if (to->object.watched && __atomic_load_n(&to->queued, __ATOMIC_RELAXED) == 0)
		error = send_watched(table, to, message, true);
	return error != NOT_SENT ? error : queue_objects(handle, addr, table, to, message);
}

error_t sys_channel_send(SYSCALL_ARGS)
{
	struct hart *hart = caller_hart();
	struct process *process = caller();
	struct handle_table *table = &process->handles;
	struct channel_message *message = hart->free_messages;
	const struct handle_slot *slot;
	struct channel_end *to;
	bool notify = false;
	uint64_t head;
	error_t error;
	size_t len;

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
	if (len > 0 &&
	    (!user_owns(a1 + offsetof(struct message, data), len, false) ||
	     !app_copy(message->data, (const void *)(a1 + offsetof(struct message, data)), len)))
		return message_drop(message, ERR_ADDRESS);

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, (handle_t)a0);
	if (!is_channel(slot, RIGHT_WRITE))
		return refuse(table, slot, message);
	to = channel_from_object(slot->object)->peer;
	if (to->object.watched && __atomic_load_n(&to->queued, __ATOMIC_RELAXED) == 0)
		return send_watched(table, to, message, false);
	error = push(to, message, &notify);
	if (notify)
		return tell_receiver(table, to);
	spin_unlock(&table->lock);
	return error == 0 ? 0 : message_drop(message, error);
}
