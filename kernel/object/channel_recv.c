// SPDX-License-Identifier: MIT
//
// Receiving a message, and putting one back. Most messages need nothing but what
// channel_take_locked does (channel_private.h).
#include "kernel/object/channel_private.h"
#include "libs/abi/poll.h"

// Takes the oldest message if the table has room for its handles; one with channel ends only if
// `transit`, the transit lock is held, else ERR_NOT_READY. `*notify`: the sender's polls must hear
// that there is room. The table's lock is held.
static error_t pop(struct handle_table *table, struct channel_end *end, bool transit,
                   struct channel_message **out, bool *notify)
{
	error_t error = 0;

	spin_lock(&end->channel->lock);
	if (end->head == NULL)
		error = end->peer->closed ? ERR_PEER_CLOSED : ERR_EMPTY;
	else if (end->head->num_ends > 0 && !transit)
		error = ERR_NOT_READY;
	else
		error = handle_make_room_locked(table, end->head->num_queued);
	if (error == 0) {
		*out = channel_pop_locked(end);
		*notify = end->queued == CHANNEL_MAX_QUEUED - 1 && end->peer->object.watched;
	}
	spin_unlock(&end->channel->lock);
	return error;
}

error_t channel_recv_on(struct handle_table *table, handle_t handle, struct channel_message **out,
                        bool *more)
{
	struct channel_end *end;
	bool notify = false;
	error_t error;

	spin_lock(&table->lock);
	end = channel_end_locked(table, handle, RIGHT_READ);
	if (end == NULL) {
		error = channel_why_not_locked(table, handle);
		goto out_unlock;
	}
	error = pop(table, end, false, out, &notify);
	if (error == ERR_NOT_READY) {
		channel_transit_lock();
		error = pop(table, end, true, out, &notify);
		if (error == 0)
			channel_transit_leave_locked(*out);
		channel_transit_unlock();
	}
	if (error == 0)
		channel_fill_handles_locked(table, *out);
	*more = __atomic_load_n(&end->queued, __ATOMIC_RELAXED) > 0;
	if (notify)
		object_notify(&end->peer->object, READY_WRITABLE);
out_unlock:
	spin_unlock(&table->lock);
	return error;
}

// --- Putting back ---

// Puts a message back to the head of the queue. `*notify`: the receiver's polls must hear of it.
// Returns false when the end is closed.
static bool put_back(struct channel_end *end, struct channel_message *message, bool *notify)
{
	bool back;

	spin_lock(&end->channel->lock);
	back = !end->closed;
	if (back) {
		*notify = end->queued == 0 && end->object.watched;
		message->next = end->head;
		end->head = message;
		if (end->tail == NULL)
			end->tail = message;
		store_relaxed(&end->queued, end->queued + 1);
	}
	spin_unlock(&end->channel->lock);
	return back;
}

// Whether what a message has brought can go back with it. Another thread may have guessed the
// handle and closed it meanwhile, so often even that another object has its number, or given the
// folio to a guest, with whom it stays.
static bool may_go_back(const struct handle_slot *slot, const struct queued_handle *queued)
{
	return slot != NULL && slot->object == queued->object &&
		(slot->object->type == OBJECT_CHANNEL) == queued->is_end &&
		!__atomic_load_n(&slot->object->stays, __ATOMIC_ACQUIRE);
}

// Takes what a message just received has brought back from the table, whose lock is held.
static void take_back_locked(struct handle_table *table, struct channel_message *message)
{
	struct message_header *header = &message->header;

	for (uint32_t i = 0; i < header->num_handles; i++) {
		struct queued_handle *queued = &message->queued[message->num_queued];
		const struct handle_slot *slot = handle_slot_locked(table, header->handles[i]);

		if (!may_go_back(slot, &message->queued[i]))
			continue;
		*queued = message->queued[i];
		handle_unmap_locked(table, header->handles[i]);
		queued->object = handle_take_locked(table, header->handles[i]);
		// It may even have put the handle into a poll.
		handle_forget(table, header->handles[i], queued->object);
		message->num_queued++;
	}
	header->num_handles = message->num_queued;
}

error_t channel_unrecv_on(struct handle_table *table, handle_t handle,
                          struct channel_message *message)
{
	struct channel_end *end;
	bool notify = false;
	bool back = false;

	spin_lock(&table->lock);
	end = channel_end_locked(table, handle, RIGHT_READ);
	channel_transit_lock();
	take_back_locked(table, message);
	if (end != NULL) {
		// The handle keeps `end`, and it keeps what lies in its queue.
		channel_transit_enter_locked(message, end);
		back = put_back(end, message, &notify);
	}
	channel_transit_unlock();
	if (notify)
		object_notify(&end->object, READY_READABLE);
	spin_unlock(&table->lock);
	if (!back)
		channel_message_free(message);
	return ERR_ADDRESS;
}

error_t channel_accept_on(struct handle_table *table, handle_t handle,
                          struct channel_message *message)
{
	struct channel_end *end;
	bool notify = false;
	bool back = false;

	spin_lock(&table->lock);
	if (handle_has_room_locked(table, message->num_queued) ||
	    handle_make_room_locked(table, message->num_queued) == 0) {
		channel_fill_handles_locked(table, message);
		spin_unlock(&table->lock);
		return 0;
	}
	end = channel_end_locked(table, handle, RIGHT_READ);
	if (end != NULL)
		back = put_back(end, message, &notify);
	if (notify)
		object_notify(&end->object, READY_READABLE);
	spin_unlock(&table->lock);
	if (!back)
		channel_message_free(message);
	return ERR_LIMIT;
}
