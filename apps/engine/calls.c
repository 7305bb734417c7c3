// SPDX-License-Identifier: MIT
//
// Calls of the services "containers" and "images". They may die at any time: who waits for an
// answer then is told.
#include "apps/engine/engine.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void reply_away(const struct call *call)
{
	reply_error(call->exchange, 503, "the service of %s is starting: try again",
	            call->backend->of);
}

// Makes the folio of a call's query and body, if it has any. Errors: as payload_copy's.
static error_t add_payload(struct message *m, struct span query, struct span body)
{
	uint8_t *bytes;
	error_t err;

	if (query.len + body.len == 0)
		return 0;
	bytes = heap_alloc(query.len + body.len);
	if (bytes == NULL)
		return ERR_NO_MEMORY;
	if (query.len > 0)
		memcpy(bytes, query.data, query.len);
	if (body.len > 0)
		memcpy(bytes + query.len, body.data, body.len);
	err = payload_copy(bytes, query.len + body.len, &m->handles[0]);
	heap_free(bytes);
	if (err == 0)
		m->num_handles = 1;
	return err;
}

static bool may_stream(const struct call *call)
{
	return call->operation == CONTAINERS_ATTACH || call->operation == CONTAINERS_EXEC_START;
}

static error_t make_request(struct call *call, struct span body, struct message *m)
{
	struct span query = text_span(call->query);
	struct msg_containers_request request = {
		.id = ++call->engine->num_calls,
		.operation = call->operation,
		.query_length = (uint32_t)query.len,
		.body_length = (uint32_t)body.len,
		.minor = call->minor,
	};
	error_t err;

	if (query.len > CONTAINERS_QUERY_MAX)
		return ERR_TOO_LARGE;
	err = message_encode_containers_request(m, &request, call->target, strlen(call->target));
	if (err == 0)
		err = add_payload(m, query, body);
	call->id = request.id;
	if (err == 0 && (may_stream(call) || call->transfers))
		err = stream_open(call);
	if (err == 0 && call->far != HANDLE_NONE) {
		m->handles[m->num_handles++] = call->far;
		call->far = HANDLE_NONE;
	}
	return err;
}

void call_send(struct call *call, struct span body)
{
	struct backend *backend = call->backend;
	struct message m;
	error_t err = ERR_PEER_CLOSED;

	message_init(&m, 0);
	if (backend->connected)
		err = make_request(call, body, &m);
	if (err == 0)
		err = channel_send(backend->source.handle, &m);
	if (err == 0) {
		list_push_back(&backend->calls, &call->entry);
		return;
	}
	message_discard(&m);
	call->is_answered = true;
	stream_free(call);
	if (err == ERR_PEER_CLOSED)
		reply_away(call);
	else
		reply_error(call->exchange, err == ERR_TOO_LARGE ? 400 : 503, "%s",
		            err == ERR_TOO_LARGE      ? "the request is too long"
		                    : err == ERR_FULL ? "too many requests wait: try again"
		                                      : error_text(err));
}

void call_free(struct call *call)
{
	struct msg_containers_cancel cancel = { .id = call->id };
	struct message m;
	error_t err;

	if (!list_is_empty(&call->entry)) {
		list_remove(&call->entry);
		err = message_encode_containers_cancel(&m, &cancel, NULL, 0);
		assert(err == 0);
		if (call->backend->connected && channel_send(call->backend->source.handle, &m) < 0)
			log_debug("an answer that nobody wants will come");
	}
	stream_free(call);
	heap_free(call->line);
	heap_free(call->query);
	heap_free(call);
}

// --- Answers -------------------------------------------------------------------------------------

static struct call *find_call(const struct backend *backend, uint32_t id)
{
	list_for_each(entry, &backend->calls) {
		struct call *call = container_of(entry, struct call, entry);

		if (call->id == id)
			return call;
	}
	return NULL;
}

// The rest of an answer whose head was sent.
static void finish(struct call *call, struct span body)
{
	error_t err = http_send(call->exchange, body.data, body.len);

	if (err == 0)
		err = http_send_end(call->exchange);
	if (err != 0)
		http_abort(call->exchange);
}

static const char *body_type(const struct call *call, uint32_t flags)
{
	if ((flags & CONTAINERS_OUTPUT) != 0)
		return stream_type(call, (flags & CONTAINERS_TTY) != 0);
	return (flags & CONTAINERS_TAR) != 0 ? "application/x-tar" : "application/json";
}

static void answer(struct call *call, const struct msg_containers_reply *reply, struct span body)
{
	struct http_connection *connection = http_hold(call->exchange);

	if (reply->status == CONTAINERS_ACCEPTED) {
		call->has_begun = true;
		reply_begin(call->exchange, 200, body_type(call, reply->flags));
		if (call->transfers)
			transfer_begin(call);
		http_let_go(connection);
		return;
	}
	list_remove(&call->entry);
	if (call->transfers) {
		call->is_answered = true;
		stream_free(call);
	}
	if (call->has_begun)
		finish(call, body);
	else if (may_stream(call) && (reply->flags & CONTAINERS_STREAM) != 0)
		stream_begin(call, (reply->flags & CONTAINERS_TTY) != 0);
	else
		reply_json(call->exchange, reply->status, body);
	http_let_go(connection);
}

static void take_reply(const struct backend *backend, struct message *m)
{
	struct msg_containers_reply reply;
	struct payload payload = { 0 };
	struct span body;
	const uint8_t *tail;
	struct call *call;
	size_t tail_len;

	if (message_decode_containers_reply(m, &reply, &tail, &tail_len) < 0) {
		message_discard(m);
		return;
	}
	body = (struct span){ tail, tail_len };
	if (m->num_handles > 0) {
		if (payload_open_folio(m->handles[0], 0, reply.length, &payload) < 0)
			reply.status = 500;
		body = payload.bytes;
	}
	call = find_call(backend, reply.id);
	if (call != NULL)
		answer(call, &reply, body);
	payload_release(&payload);
}

static void backend_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	take_reply(source->context, m);
}

// There is no memory: the next instance has the service again.
static _Noreturn void cannot_follow(const struct backend *backend, error_t error)
{
	log_error("cannot follow the service of %s: %s", backend->of, error_text(error));
	process_exit(1);
}

static void backend_closed(struct loop *loop, struct source *source)
{
	struct backend *backend = source->context;
	struct list *entry;
	error_t err;

	backend->connected = false;
	loop_close(loop, source);
	while ((entry = list_pop_front(&backend->calls)) != NULL) {
		struct call *call = container_of(entry, struct call, entry);
		struct http_connection *connection = http_hold(call->exchange);

		call->is_answered = true;
		if (call->has_begun)
			http_abort(call->exchange);
		else
			reply_away(call);
		http_let_go(connection);
	}
	err = service_client_again(&backend->client);
	if (err != 0)
		cannot_follow(backend, err);
}

static const struct source_ops backend_ops = { .message = backend_message,
	                                       .closed = backend_closed };

static void connected(void *context, handle_t channel)
{
	struct backend *backend = context;
	error_t err =
		loop_add(&backend->engine->loop, &backend->source, channel, &backend_ops, backend);

	if (err != 0)
		cannot_follow(backend, err);
	backend->connected = true;
}

error_t calls_start(struct engine *engine, const struct environ *env)
{
	static const char *const services[NUM_BACKENDS] = { "containers", "images" };
	error_t err = 0;

	for (size_t i = 0; i < NUM_BACKENDS && err == 0; i++) {
		struct backend *backend = &engine->backends[i];

		backend->engine = engine;
		backend->of = services[i];
		list_init(&backend->calls);
		err = service_client_start(&engine->loop, &backend->client,
		                           environ_connector(env, services[i]), connected, backend);
	}
	return err;
}
