// SPDX-License-Identifier: MIT
#include "libs/http/connection.h"

#include "libs/http/handler.h"

#include "libs/abi/tcpip.h"
#include "libs/base/string.h"
#include "libs/http/output.h"
#include "libs/http/response.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// --- Life ---

static void end_exchange(struct http_connection *c)
{
	if (!c->in_exchange)
		return;
	c->in_exchange = false;
	if (!c->refused && c->exchange.handler->gone != NULL)
		c->exchange.handler->gone(c->exchange.context, &c->exchange);
	c->refused = false;
}

static void destroy(struct http_connection *c)
{
	end_exchange(c);
	http_drop_unsent(c);
	payload_release(&c->held);
	list_remove(&c->entry);
	c->service->num_connections--;
	loop_close(c->service->loop, &c->channel);
	if (c->has_taken)
		loop_close(c->service->loop, &c->taken);
	heap_free(c);
}

void http_connection_enter(struct http_connection *c)
{
	c->busy++;
}

void http_connection_leave(struct http_connection *c)
{
	if (--c->busy == 0 && c->dead)
		destroy(c);
}

void http_connection_tick(struct http_connection *c)
{
	// While the handler thinks, nothing is expected of the peer.
	if (c->state == HTTP_STATE_RESPONSE && list_is_empty(&c->unsent))
		return;
	http_connection_enter(c);
	if (++c->idle_ticks >= HTTP_IDLE_TICKS)
		c->dead = true;
	http_connection_leave(c);
}

// --- How much is on its way ---

static void process_input(struct http_connection *c);
static const struct source_ops taken_ops;

static error_t taken_create(struct http_connection *c)
{
	handle_t event;
	error_t err;

	if (c->has_taken)
		return 0;
	err = event_create(&event);
	if (err < 0)
		return err;
	err = loop_add(c->service->loop, &c->taken, event, &taken_ops, c);
	if (err < 0)
		handle_close(event);
	c->has_taken = err == 0;
	return err;
}

// Asks to be told when all that was sent so far has been taken from the channel.
static error_t ask_when_taken(struct http_connection *c)
{
	struct msg_sync sync = { 0 };
	struct message m;
	error_t err = taken_create(c);

	if (err == 0)
		err = message_encode_sync(&m, &sync, NULL, 0);
	if (err == 0)
		err = handle_duplicate(c->taken.handle, RIGHT_WRITE | RIGHT_TRANSFER,
		                       &m.handles[0]);
	if (err < 0)
		return err;
	m.num_handles = 1;
	c->waits_for_taken = true;
	return http_send_message(c, &m);
}

static void widen_window(struct http_connection *c, uint32_t messages)
{
	struct msg_window window = { .messages = messages };
	struct message m;

	if (message_encode_window(&m, &window, NULL, 0) < 0 || http_send_message(c, &m) < 0)
		c->dead = true;
}

// A message of the peer's was taken from the channel.
static void message_taken(struct http_connection *c)
{
	if (++c->received < HTTP_WINDOW / 2)
		return;
	widen_window(c, c->received);
	c->received = 0;
}

static void response_done(struct http_connection *c)
{
	if (++c->untaken < HTTP_MAX_UNTAKEN)
		return;
	c->untaken = 0;
	// What cannot be bounded does not go on.
	if (ask_when_taken(c) < 0)
		c->keep_alive = false;
}

// What follows a request that was the last of its connection is nobody's.
static bool is_over(const struct http_connection *c)
{
	return !c->in_exchange && !c->keep_alive;
}

// Whether more of the peer's bytes can be used now.
static bool may_read(const struct http_connection *c)
{
	switch (c->state) {
	case HTTP_STATE_HEAD:
		return !is_over(c) && !c->waits_for_taken && list_is_empty(&c->unsent);
	case HTTP_STATE_BODY: return !c->paused;
	default: return false;
	}
}

// What kept the next request from being read may be over.
static void go_on(struct http_connection *c)
{
	if (c->dead)
		return;
	if (may_read(c) && !c->peer_ended)
		source_want_messages(&c->channel, true);
	process_input(c);
}

static void taken_signalled(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;
	uint64_t count;

	(void)loop;
	if (event_take(source->handle, &count) < 0)
		return;
	http_connection_enter(c);
	c->waits_for_taken = false;
	c->idle_ticks = 0;
	go_on(c);
	http_connection_leave(c);
}

static const struct source_ops taken_ops = { .signalled = taken_signalled };

// --- Responses that are done ---

// The response has gone, and the request is all read: on to the next one.
static void finish_if_done(struct http_connection *c)
{
	struct msg_end end = { 0 };
	struct message m;

	if (c->dead || !c->in_exchange || !c->started || c->exchange.left > 0 ||
	    c->state != HTTP_STATE_RESPONSE)
		return;
	end_exchange(c);
	c->started = false;
	c->head_len = 0;
	c->idle_ticks = 0;
	c->state = HTTP_STATE_HEAD;
	if (c->keep_alive)
		response_done(c);
	if (!c->keep_alive) {
		// Closing lets tcpip send what is queued; a half close first lets the peer see the
		// end.
		if (list_is_empty(&c->unsent) && !message_encode_end(&m, &end, NULL, 0) &&
		    !http_send_message(c, &m))
			c->dead = list_is_empty(&c->unsent);
		return;
	}
	if (may_read(c) && (!c->peer_ended || c->rest.len > 0))
		source_want_messages(&c->channel, true);
}

struct http_connection *http_hold(struct http_exchange *exchange)
{
	http_connection_enter(exchange->connection);
	return exchange->connection;
}

void http_let_go(struct http_connection *c)
{
	finish_if_done(c);
	process_input(c);
	http_connection_leave(c);
}

void http_connection_settle(struct http_connection *c)
{
	if (c->busy > 0)
		return;
	http_connection_enter(c);
	http_let_go(c);
}

// --- Input ---

// Answers a request that is not for the handler, or not any more, and closes the connection.
static void refuse(struct http_connection *c, unsigned status, const char *text)
{
	if (c->started) {  // in the midst of a response there is nothing left to say
		c->dead = true;
		return;
	}
	end_exchange(c);
	c->keep_alive = false;
	c->in_exchange = true;
	c->refused = true;
	c->exchange = (struct http_exchange){ .connection = c };
	c->state = HTTP_STATE_RESPONSE;
	if (http_response_whole(&c->exchange, status, "text/plain", text, strlen(text)) < 0)
		c->dead = true;
}

static void body_done(struct http_connection *c)
{
	c->state = HTTP_STATE_RESPONSE;
	if (c->exchange.handler->body_end != NULL)
		c->exchange.handler->body_end(c->exchange.context, &c->exchange);
}

static void begin_exchange(struct http_connection *c)
{
	struct http_request_head head;
	error_t err =
		http_request_parse((struct span){ .data = c->head, .len = c->head_len }, &head);

	if (err == ERR_NOT_SUPPORTED) {
		refuse(c, 501, "HTTP version or transfer coding not supported\n");
		return;
	}
	if (err) {
		refuse(c, err == ERR_TOO_LARGE ? 431 : 400, "malformed request\n");
		return;
	}
	c->service->num_requests++;
	c->keep_alive = head.keep_alive;
	c->idle_ticks = 0;
	c->chunked = head.framing == HTTP_BODY_CHUNKED;
	c->chunks = (struct http_chunked){ 0 };
	c->body_left = head.framing == HTTP_BODY_LENGTH ? head.content_length : 0;
	c->state = HTTP_STATE_BODY;
	c->in_exchange = true;
	c->paused = false;
	c->old_client = head.minor_version == 0;
	c->exchange = (struct http_exchange){ .connection = c,
		                              .head_request = span_equals(head.method, "HEAD"),
		                              .handler = c->service->handler,
		                              .context = c->service->context };
	if (head.expects_continue && head.framing != HTTP_BODY_NONE &&
	    http_send_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return;
	c->service->handler->request(c->service->context, &c->exchange, &head);
	if (!c->dead && head.framing == HTTP_BODY_NONE)
		body_done(c);
}

// Moves bytes from `rest` to the head until it is complete.
static void read_head(struct http_connection *c)
{
	size_t room = sizeof(c->head) - c->head_len;
	size_t take = c->rest.len < room ? c->rest.len : room;
	size_t before = c->head_len;
	size_t length;

	memcpy(c->head + before, c->rest.data, take);
	length = http_head_length((struct span){ .data = c->head, .len = before + take }, before);
	if (length == 0) {
		c->head_len = before + take;
		c->rest.data += take;
		c->rest.len -= take;
		if (c->head_len == sizeof(c->head))
			refuse(c, 431, "request head too large\n");
		return;
	}
	c->head_len = length;
	c->rest.data += length - before;
	c->rest.len -= length - before;
	begin_exchange(c);
}

static void give_body(struct http_connection *c, struct span bytes)
{
	c->idle_ticks = 0;
	if (bytes.len > 0 && c->exchange.handler->body != NULL)
		c->exchange.handler->body(c->exchange.context, &c->exchange, bytes);
}

static void read_chunks(struct http_connection *c)
{
	struct span bytes;

	if (http_chunked_take(&c->chunks, &c->rest, &bytes)) {
		refuse(c, 400, "malformed chunk\n");
		return;
	}
	give_body(c, bytes);
	if (!c->dead && c->chunks.state == HTTP_CHUNK_END)
		body_done(c);
}

static void read_body(struct http_connection *c)
{
	size_t len = c->rest.len < c->body_left ? c->rest.len : (size_t)c->body_left;
	struct span bytes = { .data = c->rest.data, .len = len };

	if (c->chunked) {
		read_chunks(c);
		return;
	}
	c->rest.data += len;
	c->rest.len -= len;
	c->body_left -= len;
	give_body(c, bytes);
	if (!c->dead && c->body_left == 0)
		body_done(c);
}

static void process_input(struct http_connection *c)
{
	while (!c->dead && c->rest.len > 0 && may_read(c)) {
		if (c->state == HTTP_STATE_HEAD)
			read_head(c);
		else
			read_body(c);
		finish_if_done(c);
	}
	if (c->rest.len == 0)
		payload_release(&c->held);
	if (!c->dead && !may_read(c))
		source_want_messages(&c->channel, false);
	// After the peer's end no request can begin or be completed.
	if (!c->dead && c->peer_ended && c->rest.len == 0 && c->state != HTTP_STATE_RESPONSE &&
	    list_is_empty(&c->unsent))
		c->dead = true;
}

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_connection *c = source->context;

	(void)loop;
	http_connection_enter(c);
	message_taken(c);
	if (m->type == MSG_DATA && !payload_open(m, &c->held)) {
		c->rest = c->held.bytes;
		if (c->held.folio == HANDLE_NONE && c->rest.len > 0) {
			memcpy(c->held_inline, c->rest.data, c->rest.len);
			c->rest.data = c->held_inline;
		}
	} else if (m->type == MSG_END) {
		c->peer_ended = true;
		message_discard(m);
	} else {
		message_discard(m);
		c->dead = true;
	}
	process_input(c);
	http_connection_leave(c);
}

static void channel_writable(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;

	(void)loop;
	http_connection_enter(c);
	c->idle_ticks = 0;
	if (http_flush_unsent(c)) {
		if (!c->dead && c->in_exchange && !c->refused && c->started &&
		    c->exchange.left > 0 && c->exchange.handler->writable != NULL)
			c->exchange.handler->writable(c->exchange.context, &c->exchange);
		finish_if_done(c);
		if (!c->dead && is_over(c) && list_is_empty(&c->unsent))
			c->dead = true;
		go_on(c);
	}
	http_connection_leave(c);
}

static void channel_closed(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;

	(void)loop;
	http_connection_enter(c);
	c->dead = true;
	http_connection_leave(c);
}

static const struct source_ops channel_ops = {
	.message = channel_message,
	.writable = channel_writable,
	.closed = channel_closed,
};

void http_connection_create(struct http_service *service, handle_t channel)
{
	struct http_connection *c = heap_alloc(sizeof(*c));

	if (c == NULL || service->num_connections >= HTTP_MAX_CONNECTIONS ||
	    loop_add(service->loop, &c->channel, channel, &channel_ops, c)) {
		handle_close(channel);
		heap_free(c);
		return;
	}
	c->service = service;
	c->keep_alive = true;
	list_init(&c->unsent);
	list_push_back(&service->connections, &c->entry);
	service->num_connections++;
	http_connection_enter(c);
	widen_window(c, HTTP_WINDOW);
	http_connection_leave(c);
}
