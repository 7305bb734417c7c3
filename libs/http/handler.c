// SPDX-License-Identifier: MIT
#include "libs/http/handler.h"

#include "libs/http/connection.h"
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
	error_t err = 0;

	if (!exchange->open_end)
		return exchange->left == 0 ? 0 : ERR_BAD_STATE;
	exchange->left = 0;
	if (exchange->chunked)
		err = http_send_bytes(exchange->connection, "0\r\n\r\n", 5);
	http_connection_settle(exchange->connection);
	return err;
}

bool http_can_send(const struct http_exchange *exchange)
{
	return list_is_empty(&exchange->connection->unsent) && !exchange->connection->dead;
}

error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len)
{
	error_t err;

	if (exchange->head_request || len == 0)
		return 0;
	if (len > exchange->left)
		return ERR_RANGE;
	if (!exchange->open_end)
		exchange->left -= len;
	err = exchange->chunked ? http_response_chunk(exchange, bytes, len)
				: http_send_bytes(exchange->connection, bytes, len);
	http_connection_settle(exchange->connection);
	return err;
}

error_t http_send_folio(struct http_exchange *exchange, handle_t folio, uint32_t offset,
                        uint32_t len)
{
	error_t err;

	if (exchange->head_request || len > exchange->left) {
		handle_close(folio);
		return exchange->head_request ? 0 : ERR_RANGE;
	}
	exchange->left -= len;
	err = http_send_range(exchange->connection, folio, offset, len);
	http_connection_settle(exchange->connection);
	return err;
}

void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type,
                  const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;

	if (c->started || c->dead)
		return;
	if (c->state == HTTP_STATE_BODY && status >= 400)
		c->keep_alive = false;
	if (http_response_whole(exchange, status, content_type, body, len))
		c->dead = true;
	// A client that is still sending may read the answer only when it is rid of the rest,
	// whoever wants it.
	if (c->paused && c->state == HTTP_STATE_BODY && !c->peer_ended)
		source_want_messages(&c->channel, true);
	c->paused = false;
	http_connection_settle(c);
}

// A body that ends with the connection would seem whole if that ended in order: the client is to
// see a reset.
static void send_abort(struct http_connection *c)
{
	struct msg_abort abort = { .reason = ERR_IO };
	struct message m;

	if (message_encode_abort(&m, &abort, NULL, 0) == 0 && http_send_message(c, &m) != 0)
		c->dead = true;
}

void http_abort(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;

	http_connection_enter(c);
	if (c->started && exchange->open_end && !exchange->chunked && !c->dead)
		send_abort(c);
	c->dead = true;
	http_connection_leave(c);
}

void http_pause_body(struct http_exchange *exchange, bool pause)
{
	struct http_connection *c = exchange->connection;

	if (c->paused == pause)
		return;
	c->paused = pause;
	if (pause || c->state != HTTP_STATE_BODY)
		return;
	if (!c->peer_ended)
		source_want_messages(&c->channel, true);
	http_connection_settle(c);
}
