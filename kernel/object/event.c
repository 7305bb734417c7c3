// SPDX-License-Identifier: MIT
#include "kernel/object/event.h"

#include "libs/abi/poll.h"

static uint32_t event_readiness(struct object *object)
{
	struct event *event = event_from_object(object);
	uint32_t ready;

	spin_lock(&event->lock);
	ready = event->count > 0 ? READY_READABLE : 0;
	spin_unlock(&event->lock);
	return ready;
}

static const struct object_ops event_ops = {
	.type = OBJECT_EVENT,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = event_readiness,
	.destroy = object_free,
};

error_t event_object_create(struct account *account, struct event **out)
{
	struct event *event;
	error_t error = object_alloc(&event_ops, sizeof(*event), account, &event);

	if (error != 0)
		return error;
	spinlock_init(&event->lock, LOCK_RANK_OBJECT);
	*out = event;
	return 0;
}

void event_object_signal(struct event *event, uint64_t n)
{
	bool notify;

	spin_lock(&event->lock);
	notify = event->count == 0 && n > 0 && event->object.watched;
	event->count = n > UINT64_MAX - event->count ? UINT64_MAX : event->count + n;
	spin_unlock(&event->lock);
	if (notify)
		object_notify(&event->object, READY_READABLE);
}

error_t event_object_take(struct event *event, uint64_t *count)
{
	error_t error = 0;

	spin_lock(&event->lock);
	if (event->count == 0) {
		error = ERR_EMPTY;
	} else {
		*count = event->count;
		event->count = 0;
	}
	spin_unlock(&event->lock);
	return error;
}
