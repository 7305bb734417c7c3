// SPDX-License-Identifier: MIT
#include "libs/starina/service.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// --- Provider ---

static void listener_signalled(struct loop *loop, struct source *source)
{
	struct service_listener *listener = source->context;
	handle_t channel;

	// The callback may stop listening.
	while (source->loop == loop && service_accept(source->handle, &channel) == 0)
		listener->accepted(listener->context, channel);
}

static const struct source_ops listener_ops = { .signalled = listener_signalled };

error_t service_listen(struct loop *loop, struct service_listener *listener, handle_t service,
                       void (*accepted)(void *context, handle_t channel), void *context)
{
	listener->accepted = accepted;
	listener->context = context;
	return loop_add(loop, &listener->source, service, &listener_ops, listener);
}

// --- Client ---

// True when the provider was there.
static bool client_try(struct service_client *client)
{
	handle_t channel;
	error_t err = service_connect(client->connector, &channel);

	if (err != 0)
		return false;
	client->connected(client->context, channel);
	return true;
}

static void client_signalled(struct loop *loop, struct source *source)
{
	struct service_client *client = source->context;
	handle_t channel;

	if (service_connect(client->connector, &channel) != 0)
		return;
	loop_remove(loop, source);
	client->connected(client->context, channel);
}

static const struct source_ops client_ops = { .signalled = client_signalled };

error_t service_client_again(struct service_client *client)
{
	service_client_stop(client);
	if (client_try(client))
		return 0;
	return loop_add(client->loop, &client->source, client->connector, &client_ops, client);
}

error_t service_client_start(struct loop *loop, struct service_client *client, handle_t connector,
                             void (*connected)(void *context, handle_t channel), void *context)
{
	*client = (struct service_client){ .connected = connected,
		                           .context = context,
		                           .loop = loop,
		                           .connector = connector };
	return service_client_again(client);
}

void service_client_stop(struct service_client *client)
{
	loop_remove(client->loop, &client->source);
}

// --- Blocking calls ---

// A poll with one handle in it.
static error_t poll_with(handle_t h, uint32_t interest, handle_t *out)
{
	error_t err = poll_create(out);

	if (err != 0)
		return err;
	err = poll_add(*out, h, interest, 1);
	if (err != 0)
		handle_close(*out);
	return err;
}

error_t handle_wait(handle_t h, uint32_t interest, nsec_t deadline)
{
	struct poll_event event;
	size_t num_events;
	handle_t poll;
	error_t err = poll_with(h, interest, &poll);

	if (err != 0)
		return err;
	err = poll_wait(poll, &event, 1, deadline, &num_events);
	handle_close(poll);
	return err;
}

error_t service_connect_wait(handle_t connector, nsec_t deadline, handle_t *out)
{
	for (;;) {
		error_t err = service_connect(connector, out);

		if (err != ERR_NOT_READY && err != ERR_FULL)
			return err;
		err = handle_wait(connector, READY_READABLE, deadline);
		if (err != 0)
			return err;
	}
}

error_t recv_wait(handle_t channel, nsec_t deadline, struct message *m)
{
	for (;;) {
		struct poll_event event;
		size_t num_events;
		handle_t poll;
		error_t err = channel_recv(channel, m);

		if (err != ERR_EMPTY)
			return err;
		err = poll_with(channel, READY_READABLE | READY_CLOSED, &poll);
		if (err != 0)
			return err;
		err = poll_recv(poll, &event, 1, deadline, &num_events, m);
		handle_close(poll);
		if (err != 0 || event.received != 0)
			return err;
	}
}

// --- The open request ---

error_t open_send(handle_t channel, uint32_t id, const char *uri)
{
	struct msg_open open = { .id = id };
	struct message m;
	error_t err = message_encode_open(&m, &open, uri, strlen(uri));

	return err != 0 ? err : channel_send(channel, &m);
}

error_t open_reply_send(handle_t channel, uint32_t id, handle_t object)
{
	struct msg_open_reply reply = { .id = id };
	struct message m;
	error_t err = message_encode_open_reply(&m, &reply, NULL, 0);

	if (err != 0)
		return err;
	m.handles[0] = object;
	m.num_handles = 1;
	return channel_send(channel, &m);
}

error_t error_send(handle_t channel, uint32_t id, error_t error, const char *text)
{
	struct msg_error fixed = { .id = id, .error = error };
	struct message m;
	error_t err;

	if (text == NULL)
		text = "";
	err = message_encode_error(&m, &fixed, text,
	                           strnlen(text, MESSAGE_MAX_DATA - sizeof(fixed)));
	return err != 0 ? err : channel_send(channel, &m);
}

// Takes the answer to an open request out of `m`; ERR_EMPTY when it is something else.
static error_t open_answer(struct message *m, uint32_t id, handle_t *out)
{
	struct msg_open_reply reply;
	struct msg_error refusal;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_open_reply(m, &reply, &tail, &tail_len) == 0 && reply.id == id &&
	    m->num_handles == 1) {
		*out = m->handles[0];
		return 0;
	}
	if (message_decode_error(m, &refusal, &tail, &tail_len) == 0 && refusal.id == id)
		return refusal.error < 0 ? refusal.error : ERR_PROTOCOL;
	message_discard(m);
	return ERR_EMPTY;
}

error_t open_wait(handle_t channel, const char *uri, nsec_t deadline, handle_t *out)
{
	const uint32_t id = 1;
	error_t err = open_send(channel, id, uri);

	while (err == 0) {
		struct message m;

		err = recv_wait(channel, deadline, &m);
		if (err != 0)
			return err;
		err = open_answer(&m, id, out);
		if (err != ERR_EMPTY)
			return err;
		err = 0;
	}
	return err;
}
