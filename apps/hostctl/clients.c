// SPDX-License-Identifier: MIT
//
// Apps that ask the host for something.
#include "apps/hostctl/hostctl.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define MAX_STOP_SECONDS 86400u

// Fewer answers than a channel queues are ever on their way to a client.
static void client_send(struct client *client, struct message *m)
{
	if (channel_send(client->source.handle, m) != 0)
		message_discard(m);
}

static void result_send(struct client *client, uint32_t id, error_t error, uint32_t value,
                        struct span text)
{
	struct msg_host_result result = { .id = id, .error = error, .value = value };
	size_t len = MESSAGE_MAX_DATA - sizeof(result);
	struct message m;

	if (text.len < len)
		len = text.len;
	if (message_encode_host_result(&m, &result, text.data, len) == 0)
		client_send(client, &m);
}

// --- Requests to the host ------------------------------------------------------------------------

static struct call *call_find(struct hostctl *ctl, uint32_t id)
{
	for (unsigned i = 0; i < ENGINE_HOST_REQUESTS; i++)
		if (ctl->calls[i].id == id)
			return &ctl->calls[i];
	return NULL;
}

// While the host is asked as much as it may be, nobody asks more.
static void clients_pause(struct hostctl *ctl)
{
	bool want = call_find(ctl, 0) != NULL;

	list_for_each(entry, &ctl->clients)
		source_want_messages(&container_of(entry, struct client, entry)->source, want);
}

// What cannot be asked is answered at once.
static void call_say(struct hostctl *ctl, const struct call *call)
{
	static const char no_memory[] = "the OS is out of memory";
	const struct msg_host_publish *r = &call->request;
	const char *protocol = r->protocol == HOST_UDP ? "udp" : "tcp";
	bool said;

	if (call->is_bind)
		said = host_say(ctl, "bind %u %s %s", call->id,
		                (r->flags & HOST_BIND_MAKE) != 0 ? "make" : "keep", call->path);
	else if ((r->flags & HOST_UNPUBLISH) != 0)
		said = host_say(ctl, "unpublish %u %s %u.%u.%u.%u %u", call->id, protocol,
		                r->host[0], r->host[1], r->host[2], r->host[3], r->host_port);
	else
		said = host_say(ctl, "publish %u %s %u.%u.%u.%u %u %u.%u.%u.%u %u", call->id,
		                protocol, r->host[0], r->host[1], r->host[2], r->host[3],
		                r->host_port, r->address[0], r->address[1], r->address[2],
		                r->address[3], r->port);
	if (!said)
		clients_answer(ctl, call->id, 0,
		               (struct span){ .data = (const uint8_t *)no_memory,
		                              .len = sizeof(no_memory) - 1 },
		               false);
}

static struct call *call_make(struct client *client, const struct msg_host_publish *request)
{
	struct hostctl *ctl = client->ctl;
	struct call *call = call_find(ctl, 0);

	assert(call != NULL);
	do
		ctl->last_id++;
	while (ctl->last_id == 0 || call_find(ctl, ctl->last_id) != NULL);
	*call = (struct call){ .id = ctl->last_id, .client = client, .request = *request };
	clients_pause(ctl);
	return call;
}

static void publish(struct client *client, const struct msg_host_publish *request)
{
	if (request->protocol != HOST_TCP && request->protocol != HOST_UDP)
		result_send(client, request->id, ERR_INVALID, 0, (struct span){ 0 });
	else
		call_say(client->ctl, call_make(client, request));
}

// A copy of the path, which ends no line. NULL: it is none, or there is no memory.
static char *path_take(struct message *m, const struct msg_host_bind *bind, struct span tail)
{
	struct payload payload = { .bytes = tail };
	char *path = NULL;
	error_t err = 0;

	if (m->num_handles == 1) {
		err = payload_open_folio(m->handles[0], bind->offset, bind->length, &payload);
		m->num_handles = 0;
	}
	if (err == 0 && payload.bytes.len > 0 && payload.bytes.len <= ENGINE_HOST_PATH_MAX &&
	    memchr(payload.bytes.data, 0, payload.bytes.len) == NULL &&
	    memchr(payload.bytes.data, '\n', payload.bytes.len) == NULL)
		path = heap_alloc(payload.bytes.len + 1);
	if (path != NULL) {
		memcpy(path, payload.bytes.data, payload.bytes.len);
		path[payload.bytes.len] = '\0';
	}
	if (err == 0)
		payload_release(&payload);
	return path;
}

static void bind(struct client *client, struct message *m, const struct msg_host_bind *bind,
                 struct span tail)
{
	const struct msg_host_publish request = { .id = bind->id, .flags = (uint16_t)bind->flags };
	char *path = path_take(m, bind, tail);
	struct call *call;

	if (path == NULL) {
		result_send(client, bind->id, ERR_INVALID, 0, (struct span){ 0 });
		return;
	}
	call = call_make(client, &request);
	call->is_bind = true;
	call->path = path;
	call_say(client->ctl, call);
}

void clients_answer(struct hostctl *ctl, uint32_t id, uint32_t value, struct span text, bool well)
{
	struct call *call = id != 0 ? call_find(ctl, id) : NULL;

	if (call == NULL)
		return;
	if (call->client != NULL)
		result_send(call->client, call->request.id, well ? 0 : ERR_REFUSED, value, text);
	call->id = 0;
	heap_free(call->path);
	call->path = NULL;
	clients_pause(ctl);
}

// --- What the host has to know -------------------------------------------------------------------

static void ready_tell(struct hostctl *ctl)
{
	bool ready = false;

	list_for_each(entry, &ctl->clients)
		ready = ready || container_of(entry, struct client, entry)->ready;
	if (ready != ctl->was_ready)
		host_say(ctl, ready ? "ready" : "away");
	ctl->was_ready = ready;
}

void clients_tell(struct hostctl *ctl)
{
	ctl->was_ready = false;
	ready_tell(ctl);
	for (unsigned i = 0; i < ENGINE_HOST_REQUESTS; i++)
		if (ctl->calls[i].id != 0)
			call_say(ctl, &ctl->calls[i]);
}

// --- The end -------------------------------------------------------------------------------------

static void stop_tell(struct client *client)
{
	struct msg_host_stop stop = { .kind = HOST_STOP_NOW };
	struct message m;

	if (!client->watches || client->stopping)
		return;
	client->stopping = true;
	if (message_encode_host_stop(&m, &stop, NULL, 0) == 0)
		client_send(client, &m);
}

void clients_stop(struct hostctl *ctl)
{
	list_for_each(entry, &ctl->clients)
		stop_tell(container_of(entry, struct client, entry));
}

bool clients_have_stopped(const struct hostctl *ctl)
{
	list_for_each(entry, &ctl->clients)
		if (container_of(entry, struct client, entry)->watches)
			return false;
	return true;
}

static void stop_take(struct client *client, const struct msg_host_stop *stop)
{
	struct hostctl *ctl = client->ctl;

	switch (stop->kind) {
	case HOST_STOP_WATCH:
		client->watches = true;
		if (ctl->stopping)
			stop_tell(client);
		break;
	case HOST_STOP_SECONDS:
		host_say(ctl, "stopping %u",
		         stop->seconds < MAX_STOP_SECONDS ? stop->seconds : MAX_STOP_SECONDS);
		break;
	case HOST_STOP_DONE:
		client->watches = false;
		power_advance(ctl);
		break;
	default: error_send(client->source.handle, 0, ERR_PROTOCOL, "no such kind"); break;
	}
}

// --- Clients -------------------------------------------------------------------------------------

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct msg_host_publish request;
	struct msg_host_ready ready;
	struct msg_host_stop stop;
	struct msg_host_bind to_bind;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_host_publish(m, &request, &tail, &tail_len) == 0) {
		publish(client, &request);
	} else if (message_decode_host_ready(m, &ready, &tail, &tail_len) == 0) {
		// Who is there, and takes none any more, has lost those that it had.
		if (client->ready && ready.ready == 0)
			host_say(client->ctl, "lost");
		client->ready = ready.ready != 0;
		ready_tell(client->ctl);
	} else if (message_decode_host_bind(m, &to_bind, &tail, &tail_len) == 0) {
		bind(client, m, &to_bind, (struct span){ .data = tail, .len = tail_len });
	} else if (message_decode_host_stop(m, &stop, &tail, &tail_len) == 0) {
		stop_take(client, &stop);
	} else {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL, "not a message of \"host\"");
	}
}

static void client_drop(struct client *client)
{
	struct hostctl *ctl = client->ctl;

	for (unsigned i = 0; i < ENGINE_HOST_REQUESTS; i++)
		if (ctl->calls[i].client == client)
			ctl->calls[i].client = NULL;
	list_remove(&client->entry);
	ctl->num_clients--;
	loop_close(&ctl->loop, &client->source);
	heap_free(client);
	ready_tell(ctl);
	power_advance(ctl);
}

static void client_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	client_drop(source->context);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.closed = client_closed,
	.hung_up = client_closed,
};

static void client_accepted(void *context, handle_t channel)
{
	struct hostctl *ctl = context;
	struct client *client = ctl->num_clients < HOSTCTL_CLIENTS ? heap_alloc(sizeof(*client))
								   : NULL;

	if (client == NULL) {
		error_send(channel, 0, ERR_LIMIT, "too many clients");
		handle_close(channel);
		return;
	}
	*client = (struct client){ .ctl = ctl };
	if (loop_add(&ctl->loop, &client->source, channel, &client_ops, client) != 0) {
		handle_close(channel);
		heap_free(client);
		return;
	}
	list_push_back(&ctl->clients, &client->entry);
	ctl->num_clients++;
	clients_pause(ctl);
}

error_t clients_init(struct hostctl *ctl, handle_t service)
{
	list_init(&ctl->clients);
	return service_listen(&ctl->loop, &ctl->listener, service, client_accepted, ctl);
}
