// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "libs/starina/system_objects_fake.h"

void (*fake_while_waiting)(void);
static size_t next_polled;
static nsec_t now = NSEC_PER_SEC;

// --- Waiting ---

static uint32_t ready(const struct fake_object *object)
{
	switch (object->kind) {
	case CHANNEL:
		return (object->queued > 0 ? READY_READABLE : 0) |
			(object->peer == NULL ? READY_CLOSED : 0) |
			(object->peer != NULL && object->peer->queued < FAKE_QUEUED_MAX
		                 ? READY_WRITABLE
		                 : 0);
	case SERVICE: return object->queued > 0 ? READY_READABLE : 0;
	case CONNECTOR: return READY_READABLE;
	case TIMER: return object->deadline <= now ? READY_READABLE : 0;
	case EVENT: return object->count > 0 ? READY_READABLE : 0;
	default: return 0;
	}
}

error_t poll_create(handle_t *out)
{
	*out = fake_handle_make(fake_object_make(POLL));
	return 0;
}

error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	struct fake_slot *slot = fake_slot_of(h);

	(void)fake_object_of(poll, POLL);
	if (slot == NULL || slot->other_poll != HANDLE_NONE)
		abort();
	if (fake_memory_fails())
		return ERR_NO_MEMORY;
	slot->other_poll = slot->poll;
	slot->other_interest = slot->interest;
	slot->other_cookie = slot->cookie;
	slot->poll = poll;
	slot->interest = interest;
	slot->cookie = cookie;
	return 0;
}

error_t poll_update(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (slot == NULL || slot->poll != poll)
		return ERR_NOT_FOUND;
	slot->interest = interest;
	slot->cookie = cookie;
	return 0;
}

error_t poll_remove(handle_t poll, handle_t h)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (slot == NULL || slot->poll != poll)
		return ERR_NOT_FOUND;
	slot->poll = HANDLE_NONE;
	return 0;
}

static error_t poll_once(handle_t poll, struct poll_event *events, size_t max, size_t *num_events,
                         struct message *m)
{
	size_t n = 0, start = next_polled;

	(void)fake_object_of(poll, POLL);
	for (size_t i = 0; i < fake_slots_used && n < max; i++) {
		struct fake_slot *slot = &fake_slots[(start + i) % fake_slots_used];
		uint32_t is;

		if (slot->object == NULL || slot->poll != poll)
			continue;
		is = ready(slot->object) & slot->interest;
		if (is == 0)
			continue;
		events[n] = (struct poll_event){ .cookie = slot->cookie, .ready = is };
		if (n == 0 && m != NULL && slot->object->kind == CHANNEL &&
		    (is & READY_READABLE) != 0) {
			fake_message_take(slot->object, m);
			events[n].received = 1;
			events[n].ready = ready(slot->object) & slot->interest;
		}
		next_polled = (start + i + 1) % fake_slots_used;
		n++;
	}
	*num_events = n;
	return n > 0 ? 0 : ERR_TIMED_OUT;
}

error_t poll_recv(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events, struct message *m)
{
	error_t err = poll_once(poll, events, max, num_events, m);

	if (err != ERR_TIMED_OUT || deadline != NSEC_NEVER || fake_while_waiting == NULL)
		return err;
	fake_while_waiting();
	return poll_once(poll, events, max, num_events, m);
}

error_t poll_wait(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events)
{
	if (fake_while_waiting != NULL)
		fake_while_waiting();
	(void)deadline;
	return poll_once(poll, events, max, num_events, NULL);
}

error_t timer_create(handle_t *out)
{
	*out = fake_handle_make(fake_object_make(TIMER));
	return 0;
}

error_t timer_set(handle_t timer, nsec_t deadline)
{
	fake_object_of(timer, TIMER)->deadline = deadline;
	return 0;
}

error_t event_create(handle_t *out)
{
	*out = fake_handle_make(fake_object_make(EVENT));
	return 0;
}

error_t event_signal(handle_t event, uint64_t n)
{
	const struct fake_slot *slot = fake_slot_of(event);

	// What came in a message need not be one.
	if (slot != NULL && slot->object->kind != EVENT)
		return ERR_WRONG_TYPE;
	fake_object_of(event, EVENT)->count += n;
	return 0;
}

error_t event_take(handle_t event, uint64_t *count)
{
	struct fake_object *object = fake_object_of(event, EVENT);

	*count = object->count;
	object->count = 0;
	return *count > 0 ? 0 : ERR_EMPTY;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = now;
	return 0;
}

uint8_t fake_random = 4;
bool fake_random_counts;

error_t random_get(void *buf, size_t len)
{
	memset(buf, fake_random, len);
	fake_random += fake_random_counts;
	return 0;
}

handle_t fake_interrupt_create(void)
{
	return fake_handle_make(fake_object_make(EVENT));
}

void fake_interrupt_raise(handle_t interrupt)
{
	fake_object_of(interrupt, EVENT)->count = 1;
}

error_t interrupt_ack(handle_t interrupt)
{
	fake_object_of(interrupt, EVENT)->count = 0;
	return 0;
}

void fake_time_pass(nsec_t ns)
{
	now += ns;
}
