// SPDX-License-Identifier: MIT
//
// Messages of a connection, and what of them the channel has no room for yet. Private to libs/http.
#pragma once

#include "libs/http/connection_state.h"

// Sends the message or keeps it in `unsent`. Consumes its handles whatever happens; on an error the
// connection is dead.
__must_check error_t http_send_message(struct http_connection *c, struct message *m);
// As http_send_message, of a copy of the bytes.
__must_check error_t http_send_bytes(struct http_connection *c, const void *bytes, size_t len);
// Ends our direction, once: what was sent before goes first.
void http_send_our_end(struct http_connection *c);
// Resets the connection, which is dead when that fails.
void http_send_abort(struct http_connection *c);
// Sends of `unsent` what the channel takes. Returns whether all of it went.
bool http_flush_unsent(struct http_connection *c);
// Frees what waits to be sent.
void http_drop_unsent(struct http_connection *c);
// As http_send_message, of the bytes at [offset, offset + len) of a folio. Consumes the folio.
__must_check error_t http_send_range(struct http_connection *c, handle_t folio, uint32_t offset,
                                     uint32_t len);
