// SPDX-License-Identifier: MIT
#include "libs/http/connection.h"

#include "libs/base/string.h"
#include "libs/http/flow.h"
#include "libs/http/input.h"
#include "libs/http/output.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// --- Life ----------------------------------------------------------------------------------------

static void destroy(struct http_connection *c)
{
	c->busy++;  // whatever `gone` calls
	http_exchange_end(c);
	http_input_drop(c);
	http_drop_unsent(c);
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

void http_connection_end(struct http_connection *c)
{
	http_connection_enter(c);
	c->dead = true;
	http_connection_leave(c);
}

static unsigned idle_limit(const struct http_connection *c)
{
	bool takes_nothing = !list_is_empty(&c->unsent) || c->waits_for_taken;

	switch (c->state) {
	case HTTP_STATE_GATE: return HTTP_GATE_TICKS;
	case HTTP_STATE_HEAD: return HTTP_IDLE_TICKS;
	case HTTP_STATE_BODY: return c->paused ? 0 : HTTP_IDLE_TICKS;
	// While the handler thinks, nothing is expected of the peer.
	case HTTP_STATE_RESPONSE:
		return takes_nothing && !c->exchange.open_end ? HTTP_IDLE_TICKS : 0;
	default: return 0;
	}
}

void http_connection_tick(struct http_connection *c)
{
	unsigned limit = idle_limit(c);

	if (limit == 0) {
		c->idle_ticks = 0;
		return;
	}
	if (++c->idle_ticks >= limit)
		http_connection_end(c);
}

// --- Exchanges that are done ---------------------------------------------------------------------

static bool is_done(const struct http_connection *c)
{
	if (!c->in_exchange || !c->started || c->exchange.left > 0)
		return false;
	switch (c->state) {
	case HTTP_STATE_RESPONSE: return true;
	// A body that waits for a word of ours does not come.
	case HTTP_STATE_BODY: return c->owes_continue;
	case HTTP_STATE_STREAM: return c->told_end;
	default: return false;
	}
}

// The response has gone, and the request is all read: on to the next one.
static void finish_if_done(struct http_connection *c)
{
	if (c->dead || !is_done(c))
		return;
	http_exchange_end(c);
	c->started = false;
	c->idle_ticks = 0;
	c->state = HTTP_STATE_HEAD;
	if (c->keep_alive)
		http_flow_response_done(c);
	if (c->keep_alive)
		return;
	// Closing lets tcpip send what is queued; a half close first lets the peer see the end.
	http_send_our_end(c);
	c->dead = c->dead || list_is_empty(&c->unsent);
}

// --- Input ---------------------------------------------------------------------------------------

// What is not used of a message that carries its bytes itself is kept.
static void keep_rest(struct http_connection *c)
{
	if (c->rest.len == 0 || c->held.folio != HANDLE_NONE || c->kept != NULL)
		return;
	c->kept = heap_alloc(c->rest.len);
	if (c->kept == NULL) {
		c->dead = true;
		return;
	}
	memcpy(c->kept, c->rest.data, c->rest.len);
	c->rest.data = c->kept;
}

static void drop_used(struct http_connection *c)
{
	if (c->rest.len > 0)
		return;
	payload_release(&c->held);
	heap_free(c->kept);
	c->kept = NULL;
}

// All that the peer has said is used, and it says no more.
static void take_peer_end(struct http_connection *c)
{
	const struct http_exchange *exchange = &c->exchange;

	if (c->state == HTTP_STATE_RESPONSE && !c->refused && !c->told_end) {
		c->told_end = true;
		if (exchange->handler->peer_end != NULL)
			exchange->handler->peer_end(exchange->context, &c->exchange);
	}
	// It may have become a stream just now.
	if (!c->dead && c->state == HTTP_STATE_STREAM && !c->paused && !c->told_end) {
		c->told_end = true;
		if (exchange->handler->body_end != NULL)
			exchange->handler->body_end(exchange->context, &c->exchange);
	} else if (!c->dead && c->state == HTTP_STATE_STREAM && !c->told_end &&
	           exchange->handler->peer_end != NULL) {
		c->told_end = true;
		exchange->handler->peer_end(exchange->context, &c->exchange);
	}
	finish_if_done(c);
	// No request can begin or be completed.
	if (c->state != HTTP_STATE_RESPONSE && c->state != HTTP_STATE_STREAM &&
	    list_is_empty(&c->unsent))
		c->dead = true;
}

static void process_input(struct http_connection *c)
{
	while (!c->dead && c->rest.len > 0 && http_input_wanted(c)) {
		http_input_take(c);
		finish_if_done(c);
	}
	drop_used(c);
	if (!c->dead)
		http_input_continue(c);
	if (!c->dead && c->peer_ended && c->rest.len == 0)
		take_peer_end(c);
	if (!c->dead)
		source_want_messages(&c->channel, c->rest.len == 0);
}

void http_connection_let_go(struct http_connection *c)
{
	// A callback of the connection that is running does it at its end.
	if (c->busy == 1) {
		finish_if_done(c);
		process_input(c);
	}
	http_connection_leave(c);
}

void http_connection_settle(struct http_connection *c)
{
	if (c->busy > 0)
		return;
	http_connection_enter(c);
	http_connection_let_go(c);
}

// --- Callbacks -----------------------------------------------------------------------------------

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_connection *c = source->context;

	(void)loop;
	http_connection_enter(c);
	http_flow_received(c);
	if (m->type == MSG_DATA && !c->peer_ended && !payload_open(m, &c->held)) {
		c->rest = c->held.bytes;
	} else if (m->type == MSG_END) {
		c->peer_ended = true;
		message_discard(m);
	} else {
		message_discard(m);
		c->dead = true;
	}
	process_input(c);
	keep_rest(c);
	http_connection_leave(c);
}

// The channel has room, or the network has taken what was sent.
static void go_on(struct http_connection *c, bool tell)
{
	c->idle_ticks = 0;
	if (tell && !c->dead && c->in_exchange && !c->refused && c->started &&
	    c->exchange.left > 0 && c->exchange.handler->writable != NULL)
		c->exchange.handler->writable(c->exchange.context, &c->exchange);
	finish_if_done(c);
	// The last response of a connection has gone, and our end with it.
	if (!c->dead && !c->in_exchange && c->out_ended && list_is_empty(&c->unsent))
		c->dead = true;
	if (!c->dead)
		process_input(c);
}

static void channel_writable(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;

	(void)loop;
	http_connection_enter(c);
	if (http_flush_unsent(c))
		go_on(c, http_flow_has_room(c));
	else
		c->idle_ticks = 0;
	http_connection_leave(c);
}

static void taken_signalled(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;
	bool had_room = http_flow_has_room(c);
	uint64_t count;

	(void)loop;
	if (event_take(source->handle, &count) < 0)
		return;
	http_connection_enter(c);
	c->waits_for_taken = false;
	go_on(c, !had_room && list_is_empty(&c->unsent));
	http_connection_leave(c);
}

static void channel_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	http_connection_end(source->context);
}

// Some of what the peer said is held. After our end an order of things is that tcpip closes the
// channel, and a stream still takes what is in it.
static void channel_hung_up(struct loop *loop, struct source *source)
{
	const struct http_connection *c = source->context;

	if (c->state != HTTP_STATE_STREAM || !c->out_ended)
		channel_closed(loop, source);
}

static const struct source_ops taken_ops = { .signalled = taken_signalled };
static const struct source_ops channel_ops = {
	.message = channel_message,
	.writable = channel_writable,
	.closed = channel_closed,
	.hung_up = channel_hung_up,
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
	c->state = service->gate != NULL ? HTTP_STATE_GATE : HTTP_STATE_HEAD;
	c->keep_alive = true;
	c->taken.ops = &taken_ops;
	list_init(&c->unsent);
	list_push_back(&service->connections, &c->entry);
	service->num_connections++;
	http_connection_enter(c);
	http_flow_open(c);
	http_connection_leave(c);
}
