// SPDX-License-Identifier: MIT
//
// Sending a message. With the sender's table locked, so that nothing it names can go, its handles
// are checked (check_handles_locked), and then it is delivered in one of these ways:
//
//   give   a thread waits in poll_recv for just this channel, whose queue is empty: it is handed
//          the message, and as a rule the hart
//   tell   a thread waits in poll_wait, and nobody but it is to hear: the message is queued, the
//          thread is told that the channel is READABLE, and handed the hart
//   mark   the message is queued, and all entries of the end in polls are marked, which wakes
//          whoever waits there
//   queue  nobody polls the end, or its queue was not empty: nobody is to hear
//
// poll_private.h and poll.c say what is done to the poll for each of the first three. Once a
// message is to be delivered its handles leave the table (take_handles_locked).
//
// Most messages carry no handles. For them this is one straight path: no reference to the channel
// is counted, because the table's lock is held to the end; and each function called is the last
// thing done, so that nothing needs saving.
#include "kernel/object/channel_private.h"
#include "kernel/object/poll_private.h"
#include "kernel/object/space.h"
#include "kernel/sched/sched.h"
#include "libs/abi/poll.h"

// --- Handles ---

// Checks the handles of a message, and notes what they name in message->queued. `*watched`: one of
// the objects is polled; `*mapped`: the process has one mapped. The table's lock is held.
static inline error_t check_handles_locked(const struct channel_end *to, struct handle_table *table,
                                           struct channel_message *message, bool *watched,
                                           bool *mapped)
{
	const struct message_header *header = &message->header;
	uint32_t n = header->num_handles;

	for (uint32_t i = 0; i < n; i++) {
		const struct handle_slot *slot = handle_slot_locked(table, header->handles[i]);
		struct queued_handle *queued = &message->queued[i];

		if (slot == NULL)
			return ERR_BAD_HANDLE;
		if ((slot->rights & RIGHT_TRANSFER) == 0)
			return ERR_ACCESS;
		// Pairs with the stores of folio.c: what is sent, no guest writes to.
		if (__atomic_load_n(&slot->object->stays, __ATOMIC_ACQUIRE))
			return ERR_BAD_STATE;
		for (uint32_t k = 0; k < i; k++) {
			if (header->handles[k] == header->handles[i])
				return ERR_INVALID;
		}
		queued->object = slot->object;
		queued->rights = slot->rights;
		queued->is_end = slot->object->type == OBJECT_CHANNEL;
		queued->in_transit = false;
		if (slot->object->watched)
			*watched = true;
		if (handle_maps(table, slot))
			*mapped = true;
		if (!queued->is_end)
			continue;
		if (channel_from_object(slot->object)->channel == to->channel)
			return ERR_INVALID;
		message->num_ends++;
	}
	return 0;
}

// What a message has beside its bytes: nothing, handles, or handles of which the process may have
// mapped some.
enum carries { CARRIES_NOTHING, CARRIES_HANDLES, CARRIES_MAPPED };

// The process loses its mappings of what the message carries. The handles are about to go.
static __attribute__((noinline)) void unmap_handles_locked(struct handle_table *table,
                                                           const struct channel_message *message)
{
	for (uint32_t i = 0; i < message->header.num_handles; i++) {
		const struct handle_slot *slot =
			handle_valid_slot_locked(table, message->header.handles[i]);

		if (handle_maps(table, slot))
			space_unmap_folio(table->space, folio_from_object(slot->object));
	}
}

// The handles that were checked leave the table: the message holds the objects. That is before it
// can be received. The table's lock is held.
static inline __attribute__((always_inline)) void take_handles_locked(
	struct handle_table *table, struct channel_message *message, enum carries carries)
{
	uint16_t n = message->header.num_handles;

	if (carries == CARRIES_NOTHING)
		return;
	if (carries == CARRIES_MAPPED)
		unmap_handles_locked(table, message);
	for (uint32_t i = 0; i < n; i++)
		(void)handle_take_locked(table, message->header.handles[i]);
	message->num_queued = n;
}

// --- Delivering: each gives up the table's lock ---

// Puts a message into the queue, if there is room. `*notify`: the receiver's polls must hear of it.
static inline __attribute__((always_inline)) error_t push(struct handle_table *table,
                                                          struct channel_end *to,
                                                          struct channel_message *message,
                                                          enum carries carries, bool *notify)
{
	error_t error = 0;

	spin_lock(&to->channel->lock);
	if (__builtin_expect(to->closed || to->queued >= CHANNEL_MAX_QUEUED, 0)) {
		error = to->closed ? ERR_PEER_CLOSED : ERR_FULL;
	} else {
		*notify = to->queued == 0 && to->object.watched;
		take_handles_locked(table, message, carries);
		channel_push_locked(to, message);
	}
	spin_unlock(&to->channel->lock);
	return error;
}

// The polls of `to` are to hear.
static __attribute__((noinline)) error_t mark(struct handle_table *table, struct channel_end *to)
{
	object_notify(&to->object, READY_READABLE);
	spin_unlock(&table->lock);
	return 0;
}

static inline __attribute__((always_inline)) error_t send_queued(struct handle_table *table,
                                                                 struct channel_end *to,
                                                                 struct channel_message *message,
                                                                 enum carries carries)
{
	bool notify = false;
	error_t error = push(table, to, message, carries, &notify);

	if (notify)
		return mark(table, to);
	spin_unlock(&table->lock);
	return error == 0 ? 0 : channel_message_drop(message, error);
}

// To an end that any number of polls may watch, in which any number of threads wait. Gives up the
// poll lock, too.
static __attribute__((noinline)) error_t send_marked(struct handle_table *table,
                                                     struct channel_end *to,
                                                     struct channel_message *message)
{
	enum carries carries = message->header.num_handles > 0 ? CARRIES_MAPPED : CARRIES_NOTHING;
	bool notify = false;
	error_t error = push(table, to, message, carries, &notify);

	if (notify)
		poll_mark_watchers_locked(&to->object, READY_READABLE);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return error == 0 ? 0 : channel_message_drop(message, error);
}

// To an end that is polled by `entry` first, in whose poll `thread` waits first, for readiness
// only. Gives up the poll lock, too.
static inline __attribute__((always_inline)) error_t send_told(
	struct handle_table *table, struct channel_end *to, struct channel_message *message,
	struct poll_entry *entry, struct thread *thread, struct hart *hart, enum carries carries)
{
	struct spinlock *lock = &poll_lock;

	if (!poll_tells_one(entry, thread) || !sched_may_hand_over(hart, thread))
		return send_marked(table, to, message);
	spin_lock(&to->channel->lock);
	// An end may be polled still when it was closed: all its handles lay in queues that nobody
	// could reach.
	if (to->queued != 0 || to->closed || !thread_claim(thread)) {
		spin_unlock(&to->channel->lock);
		return send_marked(table, to, message);
	}
	take_handles_locked(table, message, carries);
	channel_push_locked(to, message);
	spin_unlock(&to->channel->lock);
	poll_tell_locked(entry, thread);
	sched_set_handover(hart, thread);
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return sched_offer(hart);
}

// Functions of their own, so that no send pays for the registers that another one needs.
static __attribute__((noinline)) error_t tell(struct handle_table *table, struct channel_end *to,
                                              struct channel_message *message,
                                              struct poll_entry *entry, struct thread *thread,
                                              struct hart *hart)
{
	return send_told(table, to, message, entry, thread, hart, CARRIES_NOTHING);
}

static __attribute__((noinline)) error_t tell_handles(struct handle_table *table,
                                                      struct channel_end *to,
                                                      struct channel_message *message,
                                                      struct poll_entry *entry,
                                                      struct thread *thread, struct hart *hart)
{
	return send_told(table, to, message, entry, thread, hart, CARRIES_HANDLES);
}

// Wakes a thread that was given a message, the long way. Gives up the poll lock, too.
static __attribute__((noinline)) error_t wake(struct handle_table *table, struct thread *thread)
{
	sched_wake(thread);
	spin_unlock(&poll_lock);
	spin_unlock(&table->lock);
	return 0;
}

// To an end that is polled and seems to have an empty queue: whoever waits in poll_recv is given
// the message. It overtakes nothing that this thread sent before: that would be in the queue. The
// end is open, for its entry gives messages (no handle of it may have begun to leave).
static inline __attribute__((always_inline)) error_t send_watched(struct handle_table *table,
                                                                  struct channel_end *to,
                                                                  struct channel_message *message,
                                                                  enum carries carries)
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
		return send_marked(table, to, message);
	waiters = &entry->poll->waiters.threads;
	thread = container_of(waiters->next, struct thread, wait_entry);
	if (waiters->next == waiters)
		return send_marked(table, to, message);
	if (!poll_takes(entry, thread)) {
		if (carries == CARRIES_MAPPED)
			return send_marked(table, to, message);
		if (carries == CARRIES_HANDLES)
			return tell_handles(table, to, message, entry, thread, hart);
		return tell(table, to, message, entry, thread, hart);
	}
	if (!thread_claim(thread))
		return send_marked(table, to, message);
	take_handles_locked(table, message, carries);
	poll_give_locked(entry, thread, message);
	if (!sched_may_hand_over(hart, thread))
		return wake(table, thread);
	sched_set_handover(hart, thread);
	spin_unlock(lock);
	spin_unlock(&table->lock);
	return sched_offer(hart);
}

static inline __attribute__((always_inline)) error_t deliver(struct handle_table *table,
                                                             struct channel_end *to,
                                                             struct channel_message *message,
                                                             enum carries carries)
{
	if (to->object.watched && __atomic_load_n(&to->queued, __ATOMIC_RELAXED) == 0)
		return send_watched(table, to, message, carries);
	return send_queued(table, to, message, carries);
}

// --- Messages with channel ends, or with objects that are polled ---

// Queues the message and tells of it, as send_marked does, and keeps account of what else its
// handles mean: ends that lie in a queue (channel.h), and entries in polls, by which nobody here
// may be given messages from the moment that the objects are the receiver's. The locks are held.
static error_t push_travelling_locked(struct handle_table *table, struct channel_end *to,
                                      struct channel_message *message, const handle_t *handles,
                                      struct object *const *objects, uint32_t n)
{
	bool notify = false;
	error_t error;

	spin_lock(&poll_lock);
	error = push(table, to, message, CARRIES_MAPPED, &notify);
	for (uint32_t i = 0; error == 0 && i < n; i++)
		poll_handle_leaves_locked(table, handles[i], objects[i]);
	if (notify)
		poll_mark_watchers_locked(&to->object, READY_READABLE);
	spin_unlock(&poll_lock);
	return error;
}

static __attribute__((noinline)) error_t send_travelling(struct handle_table *table,
                                                         struct channel_end *to,
                                                         struct channel_message *message)
{
	struct object *objects[MESSAGE_MAX_HANDLES];
	handle_t handles[MESSAGE_MAX_HANDLES];
	uint32_t n = message->header.num_handles;
	bool ends = message->num_ends > 0;
	error_t error;

	// References of our own: the receiver may have dropped the objects, and the message, by the
	// time that we look at them again.
	for (uint32_t i = 0; i < n; i++) {
		handles[i] = message->header.handles[i];
		objects[i] = message->queued[i].object;
		object_get(objects[i]);
	}
	if (ends) {
		channel_transit_lock();
		message->num_queued = (uint16_t)n;
		channel_transit_enter_locked(message, to);
	}
	error = push_travelling_locked(table, to, message, handles, objects, n);
	if (ends) {
		if (error != 0)
			channel_transit_leave_locked(message);
		channel_transit_unlock();
	}
	spin_unlock(&table->lock);

	if (error != 0) {
		message->num_queued = 0;
		channel_message_free(message);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (error == 0) {
			handle_forget(table, handles[i], objects[i]);
			if (objects[i]->type == OBJECT_CHANNEL)
				channel_check_reachable(channel_from_object(objects[i]));
		}
		object_put(objects[i]);
	}
	return error;
}

// --- Any message ---

static __attribute__((noinline)) error_t refuse(struct handle_table *table,
                                                struct channel_message *message, error_t error)
{
	spin_unlock(&table->lock);
	return channel_message_drop(message, error);
}

// A function of its own: the check before needs no registers saved.
static __attribute__((noinline)) error_t deliver_handles(struct handle_table *table,
                                                         struct channel_end *to,
                                                         struct channel_message *message)
{
	return deliver(table, to, message, CARRIES_HANDLES);
}

// The same of what the process has mapped.
static __attribute__((noinline)) error_t deliver_mapped(struct handle_table *table,
                                                        struct channel_end *to,
                                                        struct channel_message *message)
{
	return deliver(table, to, message, CARRIES_MAPPED);
}

static __attribute__((noinline)) error_t send_handles(struct handle_table *table,
                                                      struct channel_end *to,
                                                      struct channel_message *message)
{
	bool watched = false;
	bool mapped = false;
	error_t error = check_handles_locked(to, table, message, &watched, &mapped);

	if (error != 0)
		return refuse(table, message, error);
	if (watched || message->num_ends > 0)
		return send_travelling(table, to, message);
	if (mapped)
		return deliver_mapped(table, to, message);
	return deliver_handles(table, to, message);
}

static __attribute__((noinline)) error_t refuse_handle(struct handle_table *table, handle_t handle,
                                                       struct channel_message *message)
{
	return refuse(table, message, channel_why_not_locked(table, handle));
}

error_t channel_send_on(struct handle_table *table, handle_t handle,
                        struct channel_message *message)
{
	struct channel_end *to;

	spin_lock(&table->lock);
	to = channel_end_locked(table, handle, RIGHT_WRITE);
	if (to == NULL)
		return refuse_handle(table, handle, message);
	to = to->peer;
	if (message->header.num_handles > 0)
		return send_handles(table, to, message);
	return deliver(table, to, message, CARRIES_NOTHING);
}
