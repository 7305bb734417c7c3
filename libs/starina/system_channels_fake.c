// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "libs/abi/message.h"
#include "libs/starina/system_objects_fake.h"

// --- Channels ---

const char *fake_app_name = "app";

error_t channel_maker(handle_t channel, char name[APP_NAME_MAX])
{
	struct fake_object *end;
	error_t err = fake_object_get(channel, CHANNEL, &end);

	if (err == 0)
		memcpy(name, end->maker, APP_NAME_MAX);
	return err;
}

error_t channel_create(handle_t out[2])
{
	struct fake_object *a, *b;

	if (fake_memory_fails())
		return ERR_NO_MEMORY;
	a = fake_object_make(CHANNEL);
	b = fake_object_make(CHANNEL);
	a->peer = b;
	b->peer = a;
	strncpy(a->maker, fake_app_name, APP_NAME_MAX - 1);
	memcpy(b->maker, a->maker, APP_NAME_MAX);
	out[0] = fake_handle_make(a);
	out[1] = fake_handle_make(b);
	return 0;
}

// Whether a handle is in the message twice, or an end of the channel that it travels on.
static bool is_refused(const struct fake_object *end, const struct message *m)
{
	for (size_t i = 0; i < m->num_handles; i++) {
		const struct fake_object *object = fake_slot_of(m->handles[i])->object;

		if (object == end || (object->kind == CHANNEL && object->peer == end))
			return true;
		for (size_t j = 0; j < i; j++) {
			if (m->handles[i] == m->handles[j])
				return true;
		}
	}
	return false;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	struct fake_object *end;
	error_t err = fake_object_get(channel, CHANNEL, &end);

	if (err < 0)
		return err;
	if (m->len > MESSAGE_MAX_DATA || m->num_handles > MESSAGE_MAX_HANDLES)
		abort();
	for (size_t i = 0; i < m->num_handles; i++) {
		if (fake_slot_of(m->handles[i]) == NULL)
			abort();
	}
	if (is_refused(end, m))
		return ERR_INVALID;
	if (end->peer == NULL)
		return ERR_PEER_CLOSED;
	if (end->peer->queued == FAKE_QUEUED_MAX)
		return ERR_FULL;
	for (size_t i = 0; i < m->num_handles; i++) {
		fake_slot_of(m->handles[i])->poll = HANDLE_NONE;
		fake_slot_of(m->handles[i])->travels = true;
	}
	end->peer->queue[end->peer->queued++] = *m;
	return 0;
}

void fake_message_take(struct fake_object *end, struct message *m)
{
	*m = end->queue[0];
	memmove(end->queue, end->queue + 1, --end->queued * sizeof(*m));
	for (size_t i = 0; i < m->num_handles; i++)
		fake_slots[(uint32_t)m->handles[i] % FAKE_MAX_HANDLES].travels = false;
}

error_t channel_recv(handle_t channel, struct message *m)
{
	struct fake_object *end;
	error_t err = fake_object_get(channel, CHANNEL, &end);

	if (err < 0)
		return err;
	if (end->queued == 0)
		return end->peer == NULL ? ERR_PEER_CLOSED : ERR_EMPTY;
	fake_message_take(end, m);
	return 0;
}

// --- Services ---

handle_t fake_service_create(void)
{
	return fake_handle_make(fake_object_make(SERVICE));
}

handle_t fake_connector_create(void)
{
	return fake_handle_make(fake_object_make(CONNECTOR));
}

// Queues one end of a fresh channel; `*other` is the other.
static error_t connection_queue(struct fake_object *object, handle_t *other)
{
	struct message *m = &object->queue[object->queued];
	handle_t ends[2];

	if (object->queued == FAKE_QUEUED_MAX || channel_create(ends) != 0)
		return ERR_LIMIT;
	message_init(m, 0);
	m->handles[0] = ends[0];
	m->num_handles = 1;
	fake_slot_of(ends[0])->travels = true;
	object->queued++;
	*other = ends[1];
	return 0;
}

static error_t connection_take(struct fake_object *object, handle_t *out)
{
	struct message m;

	if (object->queued == 0)
		return ERR_EMPTY;
	fake_message_take(object, &m);
	*out = m.handles[0];
	return 0;
}

error_t service_connect(handle_t connector, handle_t *out)
{
	return connection_queue(fake_object_of(connector, CONNECTOR), out);
}

error_t service_accept(handle_t service, handle_t *out)
{
	return connection_take(fake_object_of(service, SERVICE), out);
}

handle_t fake_client_connect(handle_t service)
{
	handle_t end = HANDLE_NONE;

	return connection_queue(fake_object_of(service, SERVICE), &end) == 0 ? end : HANDLE_NONE;
}

handle_t fake_provider_accept(handle_t connector)
{
	handle_t end = HANDLE_NONE;

	return connection_take(fake_object_of(connector, CONNECTOR), &end) == 0 ? end : HANDLE_NONE;
}
