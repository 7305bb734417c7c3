// SPDX-License-Identifier: MIT
//
// The service "containers": requests in, replies out.
#include "apps/containers/containers.h"

#include <stdarg.h>

#include "libs/base/date.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define STATUS_NOT_FOUND 404
#define ERROR_MAX 512u

// --- Replies -------------------------------------------------------------------------------------

// A reply that waits for room in the client's channel.
struct unsent_reply {
	struct list entry;
	struct message m;  // owns its handle
};

// Consumes the message.
static void send_or_keep(struct client *client, struct message *m)
{
	error_t err = list_is_empty(&client->unsent) ? channel_send(client->source.handle, m)
						     : ERR_FULL;
	struct unsent_reply *unsent = NULL;

	if (err == ERR_FULL)
		unsent = heap_alloc(sizeof(*unsent));
	if (unsent != NULL) {
		unsent->m = *m;
		list_push_back(&client->unsent, &unsent->entry);
		source_want_writable(&client->source, true);
	} else if (err < 0) {
		message_discard(m);
		log_warn("a client of `containers` does not get its answer: %s", error_text(err));
	}
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	(void)loop;
	while (!list_is_empty(&client->unsent)) {
		struct unsent_reply *unsent =
			container_of(client->unsent.next, struct unsent_reply, entry);
		error_t err = channel_send(source->handle, &unsent->m);

		if (err == ERR_FULL)
			return;
		if (err < 0)
			message_discard(&unsent->m);
		list_remove(&unsent->entry);
		heap_free(unsent);
	}
	source_want_writable(source, false);
}

static void drop_unsent(struct client *client)
{
	struct list *entry;

	while ((entry = list_pop_front(&client->unsent)) != NULL) {
		struct unsent_reply *unsent = container_of(entry, struct unsent_reply, entry);

		message_discard(&unsent->m);
		heap_free(unsent);
	}
}

static void reply(struct client *client, uint32_t id, uint32_t status, struct span body,
                  uint32_t flags)
{
	struct msg_containers_reply fixed = { .id = id,
		                              .status = status,
		                              .length = (uint32_t)body.len,
		                              .flags = flags };
	bool is_inline = body.len <= MESSAGE_MAX_DATA - sizeof(fixed);
	static const char too_large[] =
		"{\"message\":\"the answer is too large, or memory is out\"}";
	struct message m;
	error_t err;

	if (client == NULL)
		return;
	err = message_encode_containers_reply(&m, &fixed, body.data, is_inline ? body.len : 0);
	assert(err == 0);
	if (!is_inline) {
		err = payload_copy(body.data, body.len, &m.handles[0]);
		m.num_handles = err == 0 ? 1 : 0;
	}
	if (err < 0) {
		fixed.status = 500;
		fixed.length = sizeof(too_large) - 1;
		err = message_encode_containers_reply(&m, &fixed, too_large, fixed.length);
		assert(err == 0);
	}
	send_or_keep(client, &m);
}

void reply_json(struct client *client, uint32_t id, uint32_t status, struct json_writer *w)
{
	const char *text = json_writer_text(w);

	if (text == NULL)
		reply_error(client, id, 500, "out of memory");
	else
		reply(client, id, status, (struct span){ (const uint8_t *)text, w->len }, 0);
	json_writer_deinit(w);
}

void reply_empty(struct client *client, uint32_t id, uint32_t status, uint32_t flags)
{
	reply(client, id, status, (struct span){ 0 }, flags);
}

void reply_error(struct client *client, uint32_t id, uint32_t status, const char *format, ...)
{
	static const char no_memory[] = "{\"message\":\"out of memory\"}";
	struct json_writer w = { 0 };
	char text[ERROR_MAX];
	const char *body;
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	json_write_raw(&w, "{\"message\":");
	json_write_string(&w, text);
	json_write_raw(&w, "}");
	body = json_writer_text(&w);
	if (body == NULL)
		reply(client, id, 500,
		      (struct span){ (const uint8_t *)no_memory, sizeof(no_memory) - 1 }, 0);
	else
		reply(client, id, status, (struct span){ (const uint8_t *)body, w.len }, 0);
	json_writer_deinit(&w);
}

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

static void dispatch(struct request *request, uint32_t operation)
{
	switch (operation) {
	case CONTAINERS_CREATE: operation_create(request); break;
	case CONTAINERS_START: operation_start(request); break;
	case CONTAINERS_STOP: operation_stop(request, false); break;
	case CONTAINERS_RESTART: operation_stop(request, true); break;
	case CONTAINERS_KILL: operation_kill(request); break;
	case CONTAINERS_WAIT: operation_wait(request); break;
	case CONTAINERS_REMOVE: operation_remove(request); break;
	case CONTAINERS_RENAME: operation_rename(request); break;
	case CONTAINERS_LIST: show_list(request); break;
	case CONTAINERS_INSPECT: show_inspect(request); break;
	case CONTAINERS_ATTACH: operation_attach(request); break;
	case CONTAINERS_RESIZE: operation_resize(request); break;
	case CONTAINERS_IMAGES: show_images(request); break;
	case CONTAINERS_IMAGE_INSPECT: show_image(request); break;
	case CONTAINERS_INFO: show_info(request); break;
	case CONTAINERS_EVENTS: operation_events(request); break;
	case CONTAINERS_EXEC_CREATE: operation_exec_create(request); break;
	case CONTAINERS_EXEC_START: operation_exec_start(request); break;
	case CONTAINERS_EXEC_RESIZE: operation_exec_resize(request); break;
	case CONTAINERS_EXEC_INSPECT: operation_exec_inspect(request); break;
	case CONTAINERS_UPDATE: operation_update(request); break;
	default:
		reply_error(request->client, request->id, STATUS_NOT_FOUND, "page not found");
		break;
	}
}

static void handle_request(struct client *client, struct message *m)
{
	struct msg_containers_request fixed;
	struct request request = { .all = client->all, .client = client, .channel = HANDLE_NONE };
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
	request.id = fixed.id;
	memcpy(request.target, tail, tail_len);
	length = (size_t)fixed.query_length + fixed.body_length;
	if (length > 0) {
		handle_t folio = m->num_handles > 0 ? m->handles[0] : HANDLE_NONE;

		if (folio == HANDLE_NONE ||
		    payload_open_folio(folio, 0, (uint32_t)length, &payload) < 0) {
			if (folio != HANDLE_NONE)
				m->handles[0] = HANDLE_NONE;
			message_discard(m);
			reply_error(client, fixed.id, 500, "the request could not be read");
			return;
		}
		used = 1;
		request.query = (struct span){ payload.bytes.data, fixed.query_length };
		request.body =
			(struct span){ payload.bytes.data + fixed.query_length, fixed.body_length };
	}
	if (m->num_handles > used)
		request.channel = m->handles[used++];
	dispatch(&request, fixed.operation);
	if (request.channel != HANDLE_NONE)
		handle_close(request.channel);
	for (; used < m->num_handles; used++)
		handle_close(m->handles[used]);
	payload_release(&payload);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct msg_containers_cancel cancel;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_containers_cancel(m, &cancel, &tail, &tail_len) == 0)
		waiters_drop(client->all, client, cancel.id);
	else
		handle_request(client, m);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	waiters_drop(client->all, client, 0);
	drop_unsent(client);
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
	struct containers *all = context;
	struct client *client = heap_alloc(sizeof(*client));

	if (client == NULL ||
	    loop_add(&all->loop, &client->source, channel, &client_ops, client) < 0) {
		heap_free(client);
		handle_close(channel);
		return;
	}
	client->all = all;
	list_init(&client->unsent);
	list_push_back(&all->clients, &client->entry);
}

error_t requests_init(struct containers *all)
{
	return service_listen(&all->loop, &all->listener, environ_service(all->env, "containers"),
	                      accepted, all);
}
