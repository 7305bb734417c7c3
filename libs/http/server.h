// SPDX-License-Identifier: MIT
//
// An HTTP/1.1 server over the tcpip service: keep-alive, pipelining, bodies both ways with
// backpressure. It runs in the app's event loop; when tcpip restarts it listens again.
#pragma once

#include "libs/base/list.h"
#include "libs/http/head.h"
#include "libs/starina/loop.h"
#include "libs/starina/service.h"

// A connection whose peer makes no progress is closed at this tick of the server's timer; more
// connections are refused. They are more than tcpip's shares (apps/tcpip/share.h) let through, so
// that none of its parties takes the server's places from another.
#define HTTP_TICK_SECONDS 15
#define HTTP_IDLE_TICKS 4
#define HTTP_MAX_CONNECTIONS 2048

struct http_server;
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

struct http_server {
	const struct http_handler *handler;
	void *context;
	uint64_t num_requests;
	size_t num_connections;
	// Private.
	struct loop *loop;
	const char *uri;
	struct service_client client;
	struct source control;
	struct source listener;
	struct source timer;  // ticks while there are connections, or it is deaf
	bool ticking;
	bool deaf;  // it could not listen, and tries again at the next tick
	struct list connections;
};

// Listens on `uri` ("tcp-listen:0.0.0.0:80") of the tcpip service behind `connector` (not
// consumed), now and again whenever tcpip was restarted. `handler`, `context` and `uri` must
// outlive the server. Errors: as loop_add's.
__must_check error_t http_server_start(struct loop *loop, struct http_server *server,
                                       handle_t connector, const char *uri,
                                       const struct http_handler *handler, void *context);

// Starts the response: status line and fields, then `length` bytes of body by http_send. Errors:
// ERR_BAD_STATE (started already), ERR_NO_MEMORY.
__must_check error_t http_respond_start(struct http_exchange *exchange, unsigned status,
                                        const char *content_type, uint64_t length);
// The same with fields of the caller's own: `fields` is lines "Name: value\r\n", without those that
// tell of the body's length and of the connection. `has_length` false: the body ends with
// http_send_end. Errors: as http_respond_start's, ERR_TOO_LARGE.
__must_check error_t http_respond_fields(struct http_exchange *exchange, unsigned status,
                                         struct span fields, bool has_length, uint64_t length);
// The end of a body without a length. Errors: as http_send's.
__must_check error_t http_send_end(struct http_exchange *exchange);
// Stops taking the request's body from the connection, or goes on.
void http_pause_body(struct http_exchange *exchange, bool pause);
// Whether what was sent so far has gone out, so that more is worth sending; if not, `writable` is
// called when it has.
bool http_can_send(const struct http_exchange *exchange);
// A piece of the response's body, copied. Errors: ERR_RANGE (more than announced), ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len);
// A piece that lies in [offset, offset + len) of a folio: not copied. Consumes the folio, on errors
// too.
__must_check error_t http_send_folio(struct http_exchange *exchange, handle_t folio,
                                     uint32_t offset, uint32_t len);
// A whole response at once. On an error the connection is closed; there is nothing left to do for
// the handler.
void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type,
                  const void *body, size_t len);
// Gives up: closes the connection.
void http_abort(struct http_exchange *exchange);
