// SPDX-License-Identifier: MIT
//
// The two ends of a channel: made, asked, closed. What travels between them: channel_send.c,
// channel_recv.c.
#include "kernel/object/channel.h"

#include "kernel/mm/kmalloc.h"
#include "kernel/object/channel_private.h"
#include "libs/abi/poll.h"

static uint32_t next_id;

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
	channel->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
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

const char *channel_object_maker(const struct channel_end *end)
{
	static const char nobody[APP_NAME_MAX];

	return end->channel->account != NULL ? end->channel->account->name : nobody;
}

error_t channel_why_not_locked(struct handle_table *table, handle_t handle)
{
	const struct handle_slot *slot = handle_slot_locked(table, handle);

	if (slot == NULL)
		return ERR_BAD_HANDLE;
	return slot->object->type != OBJECT_CHANNEL ? ERR_WRONG_TYPE : ERR_ACCESS;
}
