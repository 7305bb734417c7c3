// SPDX-License-Identifier: MIT
//
// Guest writes that signal an event.
#include "kernel/object/event.h"
#include "kernel/object/hvspace.h"

static struct hvspace_notify *find_notify_locked(struct hvspace *space, gpa_t gpa, uint32_t value)
{
	for (size_t i = 0; i < HVSPACE_MAX_NOTIFIES; i++) {
		struct hvspace_notify *n = &space->notifies[i];

		if (n->event != NULL && n->gpa == gpa && n->value == value)
			return n;
	}
	return NULL;
}

error_t hvspace_bind_notify(struct hvspace *space, gpa_t gpa, uint32_t value, struct event *event)
{
	struct event *old = NULL;
	struct hvspace_notify *n;
	error_t err = 0;

	if ((gpa & 3) != 0)
		return ERR_INVALID;

	spin_lock(&space->lock);
	n = find_notify_locked(space, gpa, value);
	if (event == NULL && n == NULL) {
		err = ERR_NOT_FOUND;
	} else if (event == NULL) {
		old = n->event;
		n->event = NULL;
	} else if (n != NULL) {
		err = ERR_EXISTS;
	} else {
		err = ERR_LIMIT;
		for (size_t i = 0; i < HVSPACE_MAX_NOTIFIES && err != 0; i++) {
			if (space->notifies[i].event != NULL)
				continue;
			object_get(&event->object);
			space->notifies[i] = (struct hvspace_notify){ gpa, value, event };
			__atomic_fetch_or(&space->notify_filter, 1ull << (gpa >> 2 & 63),
			                  __ATOMIC_RELAXED);
			err = 0;
		}
	}
	spin_unlock(&space->lock);
	if (old != NULL)
		object_put(&old->object);
	return err;
}

bool hvspace_notify(struct hvspace *space, gpa_t gpa, uint32_t value)
{
	struct hvspace_notify *n;
	struct event *event = NULL;

	// Most registers are none to notify by. A bit stays when its binding goes.
	if ((__atomic_load_n(&space->notify_filter, __ATOMIC_RELAXED) >> (gpa >> 2 & 63) & 1) == 0)
		return false;
	spin_lock(&space->lock);
	n = find_notify_locked(space, gpa, value);
	if (n != NULL) {
		event = n->event;
		object_get(&event->object);
	}
	spin_unlock(&space->lock);
	if (event == NULL)
		return false;
	event_object_signal(event, 1);
	object_put(&event->object);
	return true;
}
