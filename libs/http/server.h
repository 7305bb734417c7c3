// SPDX-License-Identifier: MIT
//
// An HTTP/1.1 server over the tcpip service: keep-alive, pipelining, bodies both ways with
// backpressure, streams. It runs in the app's event loop; when tcpip restarts it listens again.
#pragma once

#include "libs/http/exchange.h"
#include "libs/starina/service.h"

#define HTTP_TICK_SECONDS 15

struct http_server_options {
	// HTTP_GATE_BYTES secret bytes (which outlive the server) that each connection begins with,
	// before anything of HTTP. One that begins otherwise, or not soon enough, is closed without
	// a word. NULL: there is no gate.
	const uint8_t *gate;
	// A Host field may be absent or empty, as clients of a socket in the file system have it.
	// Else HTTP/1.1 must have one (RFC 9112 3.2).
	bool host_optional;
	// The server listens from now on, or does not for now: tcpip ended. With the server's
	// context. May be NULL.
	void (*listens)(void *context, bool now);
	// The server does not listen, and does not try again: the address is none of ours. May be
	// NULL.
	void (*refused)(void *context, error_t error);
};

struct http_server {
	struct http_service service;  // to be read: its counts
	// Private.
	const char *uri;
	void (*listens)(void *context, bool now);
	void (*refused)(void *context, error_t error);
	struct service_client client;
	struct source control;
	struct source listener;
	struct source timer;  // ticks while there are connections, or it is deaf
	bool ticking;
	bool deaf;         // it could not listen, and tries again at the next tick
	nsec_t port_wait;  // how long it waits for a port that is in use; 0: it does not
};

// Listens on `uri` ("tcp-listen:0.0.0.0:80") of the tcpip service behind `connector` (not
// consumed), now and again whenever tcpip was restarted. `handler`, `context` and `uri` must
// outlive the server. Errors: as loop_add's.
__must_check error_t http_server_start(struct loop *loop, struct http_server *server,
                                       handle_t connector, const char *uri,
                                       const struct http_handler *handler, void *context);
// For a server that was started, before the loop turns: connections are as `options` says, which is
// copied.
void http_server_configure(struct http_server *server, const struct http_server_options *options);
// Stops a server that was started: listens no more, and closes its connections as they are. `gone`
// of each exchange comes before this returns. Not to be called by what a connection calls.
void http_server_stop(struct http_server *server);
