// SPDX-License-Identifier: MIT
//
// What a peer says becomes a gate passed, requests, bodies and a stream's bytes. Private to
// libs/http.
#pragma once

#include "libs/http/connection_state.h"

// Whether more of the peer's bytes can be used now.
bool http_input_wanted(const struct http_connection *c);
// Uses up some of `rest`; calls the handler.
void http_input_take(struct http_connection *c);
// Sends "100 Continue" when the body is wanted and the client waits for that (RFC 9110 10.1.1).
void http_input_continue(struct http_connection *c);
// As http_collect_body (handler.h).
void http_input_collect(struct http_connection *c, size_t limit);
// The exchange is over: the handler hears of it.
void http_exchange_end(struct http_connection *c);
// Frees what was collected of the body.
void http_input_drop_body(struct http_connection *c);
// Frees all that is kept of the input.
void http_input_drop(struct http_connection *c);
