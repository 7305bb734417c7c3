// SPDX-License-Identifier: MIT
//
// One connection of the server: requests come in, one exchange at a time is answered. connection.c
// reads, response.c writes. Private to libs/http.
//
// Input is taken from the channel only as far as it can be used: while a response is unfinished and
// its request is all read, what came of the next request waits in `held`. Output that the channel
// has no room for waits in `unsent`.
#pragma once

#include "libs/http/chunked.h"
#include "libs/http/server.h"
#include "libs/starina/payload.h"

enum http_state {
	HTTP_STATE_HEAD,      // reading a head
	HTTP_STATE_BODY,      // reading a body
	HTTP_STATE_RESPONSE,  // all read; the response is not finished
};

struct http_connection {
	struct http_server *server;
	struct list entry;  // in the server's connections
	struct source channel;
	enum http_state state;
	bool keep_alive;
	bool started;  // the response's head was sent
	bool in_exchange;
	bool refused;     // the exchange is ours, not the handler's
	bool chunked;     // the request's body
	bool paused;      // the handler does not take the body now
	bool old_client;  // HTTP/1.0: knows no chunks
	bool peer_ended;
	bool dead;      // to be destroyed once no callback of it is running
	unsigned busy;  // callbacks running
	unsigned idle_ticks;
	struct http_exchange exchange;
	uint64_t body_left;
	struct http_chunked chunks;
	size_t head_len;
	struct payload held;  // input that is not used yet: `rest` of it
	struct span rest;
	uint8_t held_inline[MESSAGE_MAX_DATA];
	struct list unsent;
	uint8_t head[HTTP_MAX_HEAD];
};

// Serves the connection `channel`. Consumes the channel, on failure too.
void http_connection_create(struct http_server *server, handle_t channel);
// One tick of the server's timer: a connection whose peer makes no progress for HTTP_IDLE_TICKS
// ticks is closed.
void http_connection_tick(struct http_connection *c);

// Around everything that may call the handler: the last to leave destroys a dead connection.
void http_connection_enter(struct http_connection *c);
void http_connection_leave(struct http_connection *c);
// After a call from outside the connection's own callbacks: does what they do at their end.
void http_connection_settle(struct http_connection *c);

// Sends the message or keeps it in `unsent`. Consumes its handles whatever happens; on an error the
// connection is dead.
__must_check error_t http_send_message(struct http_connection *c, struct message *m);
// As http_send_message, of a copy of the bytes.
__must_check error_t http_send_bytes(struct http_connection *c, const void *bytes, size_t len);
// Sends of `unsent` what the channel takes. Returns whether all of it went.
bool http_flush_unsent(struct http_connection *c);
// Frees what waits to be sent.
void http_drop_unsent(struct http_connection *c);
