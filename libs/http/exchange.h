// SPDX-License-Identifier: MIT
//
// A request and its response, and who answers it: handler.h has what a handler may do with an
// exchange, server.h and proxy.h where exchanges come from and go to.
#pragma once

#include "libs/base/list.h"
#include "libs/http/head.h"
#include "libs/starina/loop.h"

// More connections are refused. They are more than tcpip's shares (apps/tcpip/share.h) let through,
// so that none of its parties takes the server's places from another.
#define HTTP_MAX_CONNECTIONS 2048

struct http_connection;
struct http_exchange;

// What the app does with requests. An exchange is one request and its response; it ends with the
// last byte of both, or with `gone`.
struct http_handler {
	// The head is there. `head` and its spans last for this call. The handler responds now or
	// later.
	void (*request)(void *context, struct http_exchange *exchange,
	                const struct http_request_head *head);
	// A piece of the request's body; none of length 0. May be NULL: the body is dropped.
	void (*body)(void *context, struct http_exchange *exchange, struct span bytes);
	// The whole body was received (also when there is none). May be NULL.
	void (*body_end)(void *context, struct http_exchange *exchange);
	// All that was given to http_send went out: the handler of an unfinished response sends
	// more. May be NULL when responses are given whole.
	void (*writable)(void *context, struct http_exchange *exchange);
	// The exchange is over, by success or by a lost connection: `exchange->user` can be freed.
	// May be NULL.
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
	uint64_t num_requests;
	size_t num_connections;
	struct list connections;
};
