// SPDX-License-Identifier: MIT
//
// A connection's life. Private to libs/http.
#pragma once

#include "libs/http/connection_state.h"

// A connection whose peer makes no progress for so many ticks of its owner's timer is closed, where
// something is expected of it: a head, a body that is wanted, or that it takes a response whose
// length it was told. A response without a length, a stream and a paused body have no limit.
#define HTTP_IDLE_TICKS 4
// The same for the secret at the gate.
#define HTTP_GATE_TICKS 2

// Serves the connection `channel`. Consumes the channel, on failure too.
void http_connection_create(struct http_service *service, handle_t channel);
// Closes it as it is.
void http_connection_end(struct http_connection *c);
// One tick of the timer.
void http_connection_tick(struct http_connection *c);

// Around everything that may call the handler: the last to leave destroys a dead connection.
void http_connection_enter(struct http_connection *c);
void http_connection_leave(struct http_connection *c);
// After a call from outside the connection's own callbacks: does what they do at their end.
void http_connection_settle(struct http_connection *c);
// As http_connection_leave, and does before what the connection's own callbacks do at their end.
void http_connection_let_go(struct http_connection *c);
