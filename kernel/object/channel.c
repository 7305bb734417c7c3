// SPDX-License-Identifier: MIT
#include "kernel/object/channel.h"

#include "kernel/mm/kmalloc.h"
#include "kernel/object/channel_private.h"
#include "kernel/object/poll_private.h"
#include "libs/abi/poll.h"
#include "libs/base/string.h"

static uint32_t end_readiness(struct object *object)
{
	struct channel_end *end = channel_from_object(object);
	uint32_t ready = 0;

	spin_lock(&end->channel->lock);
	if (end->queued > 0)
		ready |= READY_READABLE;
	if (end->peer->closed)
		ready |= READY_CLOSED;
	else if (end->peer->queued < CHANNEL_MAX_QUEUED)
		ready |= READY_WRITABLE;
	spin_unlock(&end->channel->lock);
	return ready;
}

// Closes the end: what is queued for it is dropped, the peer may still drain its own queue.
static void end_close(struct object *object)
{
	struct channel_end *end = channel_from_object(object);
	struct channel_message *message;
	bool notify;

	spin_lock(&end->channel->lock);
	notify = !end->closed && end->peer->object.watched;
	store_relaxed(&end->closed, true);
	message = end->head;
	end->head = NULL;
	end->tail = NULL;
	store_relaxed(&end->queued, 0u);
	spin_unlock(&end->channel->lock);

	if (notify)
		object_notify(&end->peer->object, READY_CLOSED);
	while (message != NULL) {
		struct channel_message *next = message->next;

		channel_message_free(message);
		message = next;
	}
}

static void end_destroy(struct object *object)
{
	struct channel_end *end = channel_from_object(object);
	struct channel *channel = end->channel;
	struct account *account = channel->account;

	end_close(object);  // an end that never got a handle
	object_forget(object);
	if (__atomic_sub_fetch(&channel->alive, 1, __ATOMIC_ACQ_REL) == 0) {
		kfree(channel);
		account_uncharge(account, sizeof(*channel));
	}
}

static void end_handle_dropped(struct object *object)
{
	channel_check_reachable(channel_from_object(object));
}

static const struct object_ops channel_ops = {
	.type = OBJECT_CHANNEL,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = end_readiness,
	.last_handle = end_close,
	.handle_dropped = end_handle_dropped,
	.destroy = end_destroy,
};

error_t channel_object_create(struct account *account, struct channel_end *out[2])
{
	struct channel *channel;
	error_t error = account_charge(account, sizeof(*channel));

	if (error != 0)
		return error;
	channel = kmalloc(sizeof(*channel));
	if (channel == NULL) {
		account_uncharge(account, sizeof(*channel));
		return ERR_NO_MEMORY;
	}
	spinlock_init(&channel->lock, LOCK_RANK_OBJECT);
	channel->alive = 2;
	channel->account = account;
	for (int i = 0; i < 2; i++) {
		struct channel_end *end = &channel->ends[i];

		object_init(&end->object, &channel_ops);
		end->channel = channel;
		end->peer = &channel->ends[1 - i];
		list_init(&end->transit);
		out[i] = end;
	}
	return 0;
}

// --- Sending ---

// Queues it if there is room; `*notify` says whether the receiver's polls must hear of it.
static error_t try_push(struct channel_end *end, struct channel_message *message, bool *notify)
{
	struct channel_end *to = end->peer;
	error_t error = 0;

	spin_lock(&end->channel->lock);
	if (to->closed) {
		error = ERR_PEER_CLOSED;
	} else if (to->queued >= CHANNEL_MAX_QUEUED) {
		error = ERR_FULL;
	} else {
		*notify = to->queued == 0 && to->object.watched;
		channel_push_locked(to, message);
	}
	spin_unlock(&end->channel->lock);
	return error;
}

// Checks the handles of a message that is to be sent; the table's lock is held.
static error_t check_handles_locked(const struct channel_end *end, struct handle_table *table,
                                    struct channel_message *message)
{
	const struct message_header *header = &message->header;

	message->num_ends = 0;
	for (uint32_t i = 0; i < header->num_handles; i++) {
		const struct handle_slot *slot = handle_slot_locked(table, header->handles[i]);

		if (slot == NULL)
			return ERR_BAD_HANDLE;
		if ((slot->rights & RIGHT_TRANSFER) == 0)
			return ERR_ACCESS;
		for (uint32_t k = 0; k < i; k++) {
			if (header->handles[k] == header->handles[i])
				return ERR_INVALID;
		}
		if (slot->object == &end->object || slot->object == &end->peer->object)
			return ERR_INVALID;
		message->queued[i].object = slot->object;
		message->queued[i].rights = slot->rights;
		message->queued[i].in_transit = false;
		message->queued[i].is_end = slot->object->ops == &channel_ops;
		if (message->queued[i].is_end)
			message->num_ends++;
	}
	return 0;
}

// try_push of a message with handles, which name `n` objects of the sender's table. From the moment
// that it is queued these are the receiver's, so nobody here may be given messages that come to
// them.
static error_t push_handles(struct channel_end *end, struct handle_table *table,
                            struct channel_message *message, const handle_t *handles, uint32_t n,
                            bool *notify)
{
	error_t error;

	spin_lock(&poll_lock);
	error = try_push(end, message, notify);
	for (uint32_t i = 0; error == 0 && i < n; i++)
		poll_handle_leaves_locked(table, handles[i],
		                          handle_slot_locked(table, handles[i])->object);
	spin_unlock(&poll_lock);
	return error;
}

// The part of a send with handles that happens under the table's lock (and the transit lock).
static error_t send_handles_locked(struct channel_end *end, struct handle_table *table,
                                   struct channel_message *message, bool *notify)
{
	const struct message_header *header = &message->header;
	handle_t handles[MESSAGE_MAX_HANDLES];
	error_t error = check_handles_locked(end, table, message);
	uint16_t n = header->num_handles;
	bool transit = message->num_ends > 0;

	if (error != 0)
		return error;
	memcpy(handles, header->handles, sizeof(handles));
	message->num_queued = n;
	if (transit)
		channel_transit_lock();
	// Once pushed it is the receiver's, so its records are made before.
	if (transit)
		channel_transit_enter_locked(message, end->peer);
	error = push_handles(end, table, message, handles, n, notify);
	if (error == 0) {
		for (uint32_t i = 0; i < n; i++)
			(void)handle_take_locked(table, handles[i]);
	} else if (transit) {
		channel_transit_leave_locked(message);
	}
	if (transit)
		channel_transit_unlock();
	return error;
}

// Out of line, as receive_slowly: a message without handles shall not pay for the registers that
// this one needs.
static __attribute__((noinline)) error_t send_with_handles(struct channel_end *end,
                                                           struct handle_table *table,
                                                           struct channel_message *message,
                                                           bool *notify)
{
	struct object *objects[MESSAGE_MAX_HANDLES];
	handle_t handles[MESSAGE_MAX_HANDLES];
	uint32_t n = message->header.num_handles;
	uint32_t held = 0;
	error_t error;

	memcpy(handles, message->header.handles, sizeof(handles));
	// References of our own: the receiver may have dropped the objects by the time that we look
	// at them again.
	for (; held < n; held++) {
		error = handle_lookup(table, handles[held], OBJECT_NONE, 0, &objects[held]);
		if (error != 0)
			goto out_put;
	}
	spin_lock(&table->lock);
	error = send_handles_locked(end, table, message, notify);
	spin_unlock(&table->lock);
	if (error != 0) {
		message->num_queued = 0;
		message->num_ends = 0;
		goto out_put;
	}
	for (uint32_t i = 0; i < n; i++) {
		handle_forget(table, handles[i], objects[i]);
		if (objects[i]->ops == &channel_ops)
			channel_check_reachable(channel_from_object(objects[i]));
	}
out_put:
	while (held > 0)
		object_put(objects[--held]);
	return error;
}

error_t channel_end_send(struct channel_end *end, struct handle_table *table,
                         struct channel_message *message)
{
	bool notify = false;
	error_t error;

	if (message->header.num_handles == 0)
		error = try_push(end, message, &notify);
	else
		error = send_with_handles(end, table, message, &notify);
	if (notify)
		object_notify(&end->peer->object, READY_READABLE);
	return error;
}

// --- Receiving ---

// Takes the head if it carries at most `reserved` handles, and ends only when the transit lock is
// held.
static error_t pop_locked(struct channel_end *end, uint32_t reserved, bool transit,
                          struct channel_message **out)
{
	struct channel_message *message = end->head;

	if (message == NULL)
		return end->peer->closed ? ERR_PEER_CLOSED : ERR_EMPTY;
	*out = message;
	if (message->num_queued > reserved || (message->num_ends > 0 && !transit))
		return ERR_NOT_READY;
	(void)channel_pop_locked(end);
	return 0;
}

static void deliver_handles(struct handle_table *table, struct channel_message *message)
{
	for (uint32_t i = 0; i < message->num_queued; i++) {
		const struct queued_handle *queued = &message->queued[i];

		message->header.handles[i] =
			handle_insert_reserved(table, queued->object, queued->rights);
	}
	message->num_queued = 0;
}

// Any message; channel_end_recv's part once the first one carries handles.
static __attribute__((noinline)) error_t receive_slowly(struct channel_end *end,
                                                        struct handle_table *table,
                                                        struct channel_message **out)
{
	struct channel_message *message = NULL;
	uint32_t reserved = 0;
	bool transit = false;
	bool notify = false;
	error_t error;

	for (;;) {
		uint32_t wanted = 0;
		bool ends = false;

		if (transit)
			channel_transit_lock();
		spin_lock(&end->channel->lock);
		error = pop_locked(end, reserved, transit, &message);
		if (error == 0) {
			notify = end->queued == CHANNEL_MAX_QUEUED - 1 && end->peer->object.watched;
		} else if (error == ERR_NOT_READY) {
			// The head may change once the lock is released.
			wanted = message->num_queued;
			ends = message->num_ends > 0;
		}
		spin_unlock(&end->channel->lock);
		if (transit) {
			if (error == 0 && message->num_ends > 0)
				channel_transit_leave_locked(message);
			channel_transit_unlock();
		}
		if (error != ERR_NOT_READY)
			break;
		transit = transit || ends;
		if (wanted > reserved) {
			error = handle_reserve(table, wanted - reserved);
			if (error != 0)
				break;
			reserved = wanted;
		}
	}
	if (error == 0) {
		uint32_t used = message->num_queued;

		deliver_handles(table, message);
		reserved -= used;
		*out = message;
	}
	if (reserved > 0)
		handle_unreserve(table, reserved);
	if (notify)
		object_notify(&end->peer->object, READY_WRITABLE);
	return error;
}

error_t channel_end_recv(struct channel_end *end, struct handle_table *table,
                         struct channel_message **out)
{
	bool notify;
	error_t error;

	spin_lock(&end->channel->lock);
	error = pop_locked(end, 0, false, out);
	notify = error == 0 && end->queued == CHANNEL_MAX_QUEUED - 1 && end->peer->object.watched;
	spin_unlock(&end->channel->lock);
	if (error == ERR_NOT_READY)
		return receive_slowly(end, table, out);
	if (notify)
		object_notify(&end->peer->object, READY_WRITABLE);
	return error;
}

// Puts a message back to the head of the queue; the channel's lock is held. Returns false when the
// end is closed.
static bool put_back_locked(struct channel_end *end, struct channel_message *message)
{
	if (end->closed)
		return false;
	message->next = end->head;
	end->head = message;
	if (end->tail == NULL)
		end->tail = message;
	store_relaxed(&end->queued, end->queued + 1);
	return true;
}

void channel_end_requeue(struct channel_end *end, struct channel_message *message)
{
	bool back;

	spin_lock(&end->channel->lock);
	back = put_back_locked(end, message);
	spin_unlock(&end->channel->lock);
	if (back)
		object_notify(&end->object, READY_READABLE);
	else
		channel_message_free(message);
}

// Takes what a message just received has brought back from the table, whose lock is held. Returns
// how many channel ends are among it, in `ends`, with a reference each.
static uint32_t take_back_locked(struct handle_table *table, struct channel_message *message,
                                 struct channel_end *ends[MESSAGE_MAX_HANDLES])
{
	struct message_header *header = &message->header;
	uint32_t num_ends = 0;

	for (uint32_t i = 0; i < header->num_handles; i++) {
		struct queued_handle *queued = &message->queued[message->num_queued];

		// Another thread may have guessed and closed the handle meanwhile.
		if (handle_slot_locked(table, header->handles[i]) == NULL)
			continue;
		*queued = message->queued[i];
		queued->object = handle_take_locked(table, header->handles[i]);
		// It may even have put the handle into a poll.
		handle_forget(table, header->handles[i], queued->object);
		if (queued->is_end) {
			object_get(queued->object);
			ends[num_ends++] = channel_from_object(queued->object);
		}
		message->num_queued++;
	}
	header->num_handles = message->num_queued;
	return num_ends;
}

void channel_end_unrecv(struct channel_end *end, struct handle_table *table,
                        struct channel_message *message)
{
	struct channel_end *ends[MESSAGE_MAX_HANDLES];
	uint32_t num_ends;
	bool notify;
	bool back;

	spin_lock(&table->lock);
	channel_transit_lock();
	num_ends = take_back_locked(table, message, ends);
	channel_transit_enter_locked(message, end);
	spin_lock(&end->channel->lock);
	notify = end->queued == 0 && end->object.watched;
	back = put_back_locked(end, message);
	spin_unlock(&end->channel->lock);
	channel_transit_unlock();
	spin_unlock(&table->lock);
	if (!back)
		channel_message_free(message);
	else if (notify)
		object_notify(&end->object, READY_READABLE);
	// Another thread may have sent `end` away over one of them meanwhile.
	while (num_ends > 0) {
		channel_check_reachable(ends[--num_ends]);
		object_put(&ends[num_ends]->object);
	}
}
