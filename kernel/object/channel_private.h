// SPDX-License-Identifier: MIT
//
// Between the files of channels, and for the calls that are made most: queues, and what lies in
// them.
#pragma once

#include "kernel/object/channel.h"
#include "kernel/object/channel_message.h"

struct channel {
	struct spinlock lock;
	uint32_t alive;  // ends, atomic
	uint32_t id;
	struct account *account;
	struct channel_end ends[2];
};

// The end that `handle` may be used on for `right`, with the table's lock held. NULL: none, and
// channel_why_not says why.
static inline struct channel_end *channel_end_locked(struct handle_table *table, handle_t handle,
                                                     rights_t right)
{
	const struct handle_slot *slot = handle_slot_locked(table, handle);

	if (slot == NULL || slot->object->type != OBJECT_CHANNEL || (slot->rights & right) == 0)
		return NULL;
	return channel_from_object(slot->object);
}
// Why channel_end_locked found none. The table's lock is held.
error_t channel_why_not_locked(struct handle_table *table, handle_t handle);

// Appends a message to a queue; the channel's lock is held.
static inline void channel_push_locked(struct channel_end *to, struct channel_message *message)
{
	message->next = NULL;
	if (to->tail != NULL)
		to->tail->next = message;
	else
		to->head = message;
	to->tail = message;
	store_relaxed(&to->queued, to->queued + 1);
}

// Takes the first message of a queue that has one; the channel's lock is held.
static inline struct channel_message *channel_pop_locked(struct channel_end *end)
{
	struct channel_message *message = end->head;

	end->head = message->next;
	if (end->head == NULL)
		end->tail = NULL;
	store_relaxed(&end->queued, end->queued - 1);
	return message;
}

// Puts the objects of a message, for which there is room, into the table. The table's lock is held.
static inline void channel_fill_handles_locked(struct handle_table *table,
                                               struct channel_message *message)
{
	uint32_t n = message->num_queued;

	for (uint32_t i = 0; i < n; i++)
		message->header.handles[i] = handle_fill_locked(table, message->queued[i].object,
		                                                message->queued[i].rights);
	message->num_queued = 0;
}

// The usual receive: takes the oldest message if nothing else is to be done, for its sender does
// not wait for room and it has no handles; or, with `handles`, such as are no channel's ends and
// have room in the table, where they are put. NULL: nothing has changed. The table's lock is held.
static inline __attribute__((always_inline)) struct channel_message *channel_take_locked(
	struct handle_table *table, struct channel_end *end, bool handles)
{
	struct channel_message *message;
	bool simple;

	spin_lock(&end->channel->lock);
	message = end->head;
	simple = message != NULL && end->queued != CHANNEL_MAX_QUEUED;
	if (simple && handles)
		simple = message->num_ends == 0 &&
			handle_has_room_locked(table, message->num_queued);
	else if (simple)
		simple = message->num_queued == 0;
	if (simple)
		(void)channel_pop_locked(end);
	spin_unlock(&end->channel->lock);
	if (!simple)
		return NULL;
	if (handles)
		channel_fill_handles_locked(table, message);
	return message;
}

// The lock of what is known about channel ends that lie in queues.
void channel_transit_lock(void);
void channel_transit_unlock(void);
// Records that the ends among the message's handles lie in the queue of `holder` from now on; and
// the reverse.
void channel_transit_enter_locked(struct channel_message *message, struct channel_end *holder);
void channel_transit_leave_locked(struct channel_message *message);
// As channel_transit_leave_locked, with no lock held.
void channel_transit_leave(struct channel_message *message);
// Closes `end` and all that hold it when no process can reach them any more. No lock is held; the
// caller holds a reference.
void channel_check_reachable(struct channel_end *end);
