// SPDX-License-Identifier: MIT
#include "libs/http/stream.h"

#include "libs/http/connection.h"
#include "libs/http/input.h"
#include "libs/http/output.h"
#include "libs/http/response.h"

error_t http_stream_start(struct http_exchange *exchange, unsigned status, struct span fields,
                          const struct http_handler *handler, void *context)
{
	struct http_connection *c = exchange->connection;
	error_t err;

	if (c->started || c->dead || c->state != HTTP_STATE_RESPONSE)
		return ERR_BAD_STATE;
	if (exchange->head_request || (status == 101 && c->old_client))
		return ERR_NOT_SUPPORTED;
	if (handler != NULL) {
		exchange->handler = handler;
		exchange->context = context;
	}
	c->state = HTTP_STATE_STREAM;
	c->paused = false;
	c->told_end = false;
	err = http_response_stream(exchange, status, fields);
	http_input_drop_body(c);
	http_connection_settle(c);
	return err;
}

void http_return_bytes(struct http_exchange *exchange, size_t len)
{
	struct http_connection *c = exchange->connection;

	c->rest.data -= len;
	c->rest.len += len;
}

void http_stream_close(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;

	if (c->dead || c->state != HTTP_STATE_STREAM)
		return;
	exchange->left = 0;
	c->told_end = true;
	http_send_our_end(c);
	http_connection_settle(c);
}
