// SPDX-License-Identifier: MIT
#include "libs/http/handler.h"

#include "libs/http/connection.h"
#include "libs/http/flow.h"
#include "libs/http/input.h"
#include "libs/http/output.h"
#include "libs/http/response.h"
#include "libs/starina/syscall.h"

error_t http_respond_start(struct http_exchange *exchange, unsigned status,
                           const char *content_type, uint64_t length)
{
	return http_response_start(exchange, status, content_type, length);
}

error_t http_respond_fields(struct http_exchange *exchange, unsigned status, struct span fields,
                            bool has_length, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	error_t err = http_response_fields(exchange, status, fields, has_length, length);

	if (err != ERR_BAD_STATE)
		http_connection_settle(c);
	return err;
}

error_t http_send_end(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;
	error_t err = 0;

	if (!exchange->open_end)
		return exchange->left == 0 ? 0 : ERR_BAD_STATE;
	if (exchange->left == 0)
		return 0;
	exchange->left = 0;
	if (c->state == HTTP_STATE_STREAM)
		http_send_our_end(c);
	else if (exchange->chunked)
		err = http_send_bytes(c, "0\r\n\r\n", 5);
	http_connection_settle(c);
	return err;
}

bool http_can_send(const struct http_exchange *exchange)
{
	const struct http_connection *c = exchange->connection;

	return list_is_empty(&c->unsent) && !c->dead && http_flow_has_room(c);
}

error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len)
{
	struct http_connection *c = exchange->connection;
	error_t err;

	if (exchange->head_request || len == 0)
		return 0;
	if (len > exchange->left)
		return ERR_RANGE;
	if (!exchange->open_end)
		exchange->left -= len;
	err = exchange->chunked ? http_response_chunk(exchange, bytes, len)
				: http_send_bytes(c, bytes, len);
	http_flow_sent(c);
	http_connection_settle(c);
	return err;
}

error_t http_send_folio(struct http_exchange *exchange, handle_t folio, uint32_t offset,
                        uint32_t len)
{
	struct http_connection *c = exchange->connection;
	error_t err;

	if (exchange->head_request || len == 0 || len > exchange->left) {
		handle_close(folio);
		return exchange->head_request || len == 0 ? 0 : ERR_RANGE;
	}
	if (!exchange->open_end)
		exchange->left -= len;
	err = exchange->chunked ? http_response_chunk_range(exchange, folio, offset, len)
				: http_send_range(c, folio, offset, len);
	http_flow_sent(c);
	http_connection_settle(c);
	return err;
}

void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type,
                  const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;

	if (c->started || c->dead)
		return;
	if (http_response_whole(exchange, status, content_type, body, len))
		c->dead = true;
	// A client that is still sending may read the answer only when it is rid of the rest,
	// whoever wants it.
	c->paused = false;
	http_connection_settle(c);
}

void http_abort(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;

	http_connection_enter(c);
	// A body that ends with the connection, or a stream, would seem whole if that ended in
	// order: the client is to see a reset.
	if (c->started && exchange->open_end && !exchange->chunked && !c->dead)
		http_send_abort(c);
	c->dead = true;
	http_connection_leave(c);
}

void http_pause_body(struct http_exchange *exchange, bool pause)
{
	struct http_connection *c = exchange->connection;

	if (c->paused == pause)
		return;
	c->paused = pause;
	if (!pause)
		http_connection_settle(c);
}

void http_collect_body(struct http_exchange *exchange, size_t limit)
{
	http_input_collect(exchange->connection, limit);
}

struct span http_body(const struct http_exchange *exchange)
{
	const struct http_connection *c = exchange->connection;

	return (struct span){ .data = c->collected, .len = c->collected_len };
}

struct http_connection *http_hold(struct http_exchange *exchange)
{
	http_connection_enter(exchange->connection);
	return exchange->connection;
}

void http_let_go(struct http_connection *connection)
{
	http_connection_let_go(connection);
}
