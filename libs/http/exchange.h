// SPDX-License-Identifier: MIT
//
// A request and its response, and who answers it: handler.h has what a handler may do with an
// exchange, stream.h how it takes the connection over, server.h and proxy.h where exchanges come
// from and go to.
#pragma once

#include "libs/base/list.h"
#include "libs/http/head.h"
#include "libs/starina/loop.h"

// More connections are refused. They are more than tcpip's shares (apps/tcpip/share.h) let through,
// so that none of its parties takes the server's places from another.
#define HTTP_MAX_CONNECTIONS 2048
// What a connection to a guarded server begins with.
#define HTTP_GATE_BYTES 32u

struct http_connection;
struct http_exchange;

// What the app does with requests. An exchange is one request and its response; it ends with the
// last byte of both, or with `gone`. After http_stream_start it is a stream, which ends when both
// directions have.
struct http_handler {
	// The head is there. `head` and its spans last for this call. The handler responds now or
	// later.
	void (*request)(void *context, struct http_exchange *exchange,
	                const struct http_request_head *head);
	// A piece of the request's body, or of what a stream's peer says; none of length 0. May be
	// NULL: the bytes are dropped.
	void (*body)(void *context, struct http_exchange *exchange, struct span bytes);
	// The whole body was received (also when there is none), or a stream's peer has ended its
	// direction. It does not come once the response was given to its end: what was refused is
	// not carried out. May be NULL.
	void (*body_end)(void *context, struct http_exchange *exchange);
	// More may be sent (http_can_send): the handler of an unfinished response goes on. May be
	// NULL when responses are given whole.
	void (*writable)(void *context, struct http_exchange *exchange);
	// Once, when the peer has ended its direction and the response is not finished: it has
	// gone, as a rule, but may be one that half-closes and reads on. It comes while the
	// response is idle, too. Of a stream that is paused it comes in place of `body_end`. May be
	// NULL: the response goes on, or the stream, to its `body_end`.
	void (*peer_end)(void *context, struct http_exchange *exchange);
	// The exchange is over, by success or by a lost connection (a reset comes at once, also
	// while nothing is sent or read): `exchange->user` can be freed. May be NULL.
	void (*gone)(void *context, struct http_exchange *exchange);
};

struct http_exchange {
	void *user;         // the handler's
	bool head_request;  // HEAD: a body that is sent is dropped

	// The server's; a handler that hands this exchange over to another (proxy.h) sets them in
	// `request`.
	const struct http_handler *handler;
	void *context;
	// Private.
	struct http_connection *connection;
	// bytes of the response's body that are not sent yet; without a length: not 0 until
	// http_send_end
	uint64_t left;
	bool open_end;  // a body without a length...
	bool chunked;   // ...in chunks; else it ends with the connection
};

// Connections that one handler serves.
struct http_service {
	struct loop *loop;
	const struct http_handler *handler;
	void *context;
	const uint8_t *gate;  // as in struct http_server_options
	bool host_optional;   // the same
	uint64_t num_requests;
	size_t num_connections;
	struct list connections;
};
