// SPDX-License-Identifier: MIT
//
// What a handler does with its exchange: it answers it, at once or bit by bit.
#pragma once

#include "libs/http/exchange.h"

// --- The request's body ---

// Stops taking the request's body (or a stream's bytes) from the connection, or goes on. Nothing is
// given to the handler in between, and there is no time limit.
void http_pause_body(struct http_exchange *exchange, bool pause);
// In `request`: the body is collected, and `body_end` finds it in http_body. One of more than
// `limit` bytes is answered with 413, and `body_end` does not come.
void http_collect_body(struct http_exchange *exchange, size_t limit);
// What was collected; the exchange's own, until it ends or becomes a stream.
struct span http_body(const struct http_exchange *exchange);

// --- The response ---

// A whole response at once. `content_type` NULL: there is none, as with an empty body. On an error
// the connection is closed; there is nothing left to do for the handler.
void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type,
                  const void *body, size_t len);
// Starts the response: status line and fields, then `length` bytes of body by http_send. Errors:
// ERR_BAD_STATE (started already), ERR_NO_MEMORY.
__must_check error_t http_respond_start(struct http_exchange *exchange, unsigned status,
                                        const char *content_type, uint64_t length);
// The same with fields of the caller's own: `fields` is lines "Name: value\r\n", without those that
// tell of the body's length and of the connection. `has_length` false: the body ends with
// http_send_end, and may come when it likes: there is no time limit. The head goes at once. Errors:
// as http_respond_start's, ERR_TOO_LARGE.
__must_check error_t http_respond_fields(struct http_exchange *exchange, unsigned status,
                                         struct span fields, bool has_length, uint64_t length);
// The end of a body without a length, or of our direction of a stream. Errors: as http_send's.
__must_check error_t http_send_end(struct http_exchange *exchange);
// Whether more is worth sending: what was sent so far has gone out but for HTTP_SEND_WINDOW bytes
// (flow.h). If not, `writable` is called when it has. A handler that looks here before it sends
// bounds what a peer that reads nothing makes it hold.
bool http_can_send(const struct http_exchange *exchange);
// A piece of the response's body, copied. Errors: ERR_RANGE (more than announced), ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len);
// A piece that lies in [offset, offset + len) of a folio: not copied. Consumes the folio, on errors
// too.
__must_check error_t http_send_folio(struct http_exchange *exchange, handle_t folio,
                                     uint32_t offset, uint32_t len);

// --- The connection ---

// For what is not called by the connection itself: between these two the exchange stays, and
// `gone` is not called, whatever is sent or given up.
struct http_connection *http_hold(struct http_exchange *exchange);
void http_let_go(struct http_connection *connection);
// Gives up: closes the connection.
void http_abort(struct http_exchange *exchange);
