// SPDX-License-Identifier: MIT
#include "libs/requests/requests.h"

#include "libs/base/date.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// --- The query -----------------------------------------------------------------------------------

char *query_take(const struct request *request, const char *name)
{
	size_t size = request->query.len + 1;
	char *value = heap_alloc(size);

	if (value == NULL || http_query_value(request->query, name, 0, value, size) == 0)
		return value;
	heap_free(value);
	return NULL;
}

bool query_flag(const struct request *request, const char *name)
{
	bool is_on = false;

	return http_query_switch(request->query, name, false, &is_on) == 0 && is_on;
}

bool query_number(const struct request *request, const char *name, int64_t *out)
{
	char value[24];
	const char *p = value;
	bool negative;
	int64_t number = 0;
	size_t digits = 0;

	if (http_query_value(request->query, name, 0, value, sizeof(value)) < 0)
		return false;
	negative = *p == '-';
	for (p += negative ? 1 : 0; *p >= '0' && *p <= '9' && digits < 18; p++, digits++)
		number = number * 10 + (*p - '0');
	*out = negative ? -number : number;
	return digits > 0 && *p == '\0';
}

bool query_time(struct request *request, const char *name, bool *present, nsec_t *out)
{
	char *text = query_take(request, name);
	bool good = text == NULL || text[0] == '\0' || date_read_seconds(text, out);

	*present = text != NULL && text[0] != '\0';
	heap_free(text);
	if (!good)
		reply_error(request->client, request->id, 400,
		            "%s is a time in seconds since 1970, as 1700000000.5", name);
	return good;
}

// --- Requests ------------------------------------------------------------------------------------

// Of anything else it would never be told that its other end has gone.
static bool is_channel(handle_t h)
{
	char maker[APP_NAME_MAX];

	return channel_maker(h, maker) == 0;
}

static const char unread[] = "the request could not be read";

static void handle_request(struct client *client, struct message *m)
{
	struct msg_containers_request fixed;
	struct request_server *server = client->server;
	struct request request = { .client = client, .channel = HANDLE_NONE };
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len, length;
	uint16_t used = 0;

	if (message_decode_containers_request(m, &fixed, &tail, &tail_len) < 0 ||
	    tail_len > CONTAINERS_TARGET_MAX || fixed.query_length > CONTAINERS_QUERY_MAX ||
	    fixed.body_length > CONTAINERS_BODY_MAX) {
		message_discard(m);
		return;
	}
	request.context = server->context;
	request.id = fixed.id;
	request.minor = fixed.minor;
	memcpy(request.target, tail, tail_len);
	length = (size_t)fixed.query_length + fixed.body_length;
	if (length > 0) {
		handle_t folio = m->num_handles > 0 ? m->handles[0] : HANDLE_NONE;

		if (folio == HANDLE_NONE ||
		    payload_open_folio(folio, 0, (uint32_t)length, &payload) < 0) {
			if (folio != HANDLE_NONE)
				m->handles[0] = HANDLE_NONE;
			message_discard(m);
			reply_error(client, fixed.id, 500, "%s", unread);
			return;
		}
		used = 1;
		request.query = (struct span){ payload.bytes.data, fixed.query_length };
		request.body =
			(struct span){ payload.bytes.data + fixed.query_length, fixed.body_length };
	}
	if (m->num_handles > used && is_channel(m->handles[used]))
		request.channel = m->handles[used++];
	if (m->num_handles > used)
		reply_error(client, fixed.id, 500, "%s", unread);
	else
		server->handle(&request, fixed.operation);
	if (request.channel != HANDLE_NONE)
		handle_close(request.channel);
	for (; used < m->num_handles; used++)
		handle_close(m->handles[used]);
	payload_release(&payload);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct request_server *server = client->server;
	struct msg_containers_cancel cancel;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_containers_cancel(m, &cancel, &tail, &tail_len) == 0)
		server->cancel(server->context, client, cancel.id);
	else if (m->type == MSG_CONTAINERS_REQUEST || server->other == NULL)
		handle_request(client, m);
	else
		server->other(server->context, client, m);
}

static void client_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	struct client *client = source->context;

	outbox_writable(&client->outbox);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;
	struct request_server *server = client->server;

	server->cancel(server->context, client, 0);
	outbox_drop(&client->outbox);
	loop_close(loop, source);
	list_remove(&client->entry);
	heap_free(client);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.writable = client_writable,
	.closed = client_closed,
};

static void accepted(void *context, handle_t channel)
{
	struct request_server *server = context;
	struct client *client = heap_alloc(sizeof(*client));

	if (client == NULL ||
	    loop_add(server->loop, &client->source, channel, &client_ops, client) < 0) {
		heap_free(client);
		handle_close(channel);
		return;
	}
	client->server = server;
	outbox_init(&client->outbox, &client->source);
	list_push_back(&server->clients, &client->entry);
}

error_t request_server_start(struct request_server *server, struct loop *loop, handle_t service)
{
	server->loop = loop;
	list_init(&server->clients);
	return service_listen(loop, &server->listener, service, accepted, server);
}
