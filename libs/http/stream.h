// SPDX-License-Identifier: MIT
//
// A handler takes its connection over: after an upgrade ("101 Switching Protocols", RFC 9110 7.8)
// or raw, after another status. From then on the exchange is a stream of bytes:
//
//   `body`           what the peer says, what came with its request or its body first
//   `body_end`       it has ended its direction; ours goes on
//   http_send        bytes to the peer, as they are; also http_send_folio
//   http_send_end    ends our direction; the peer's goes on
//   http_can_send    and `writable`, http_pause_body: backpressure, both ways
//   http_abort       resets
//   http_return_bytes  what `body` has no use for yet
//   `peer_end`       the peer has ended its direction while the stream is paused
//   `gone`           both directions have ended, or the connection is lost
//
// A stream has no time limits.
#pragma once

#include "libs/http/handler.h"

// Sends the head of the answer and makes the exchange a stream, once all of the request was read
// (in `body_end` or later; in `request` when it has no body). `status` is 101, or what a peer
// expects that does not ask for an upgrade (200). `fields` is lines "Name: value\r\n", without
// Connection; for 101 they name the protocol ("Upgrade: tcp\r\n"). `handler` and `context` (which
// outlive the stream) hear of it from then on; NULL: those of the exchange go on. Errors:
// ERR_BAD_STATE (the request is not read, or is answered), ERR_NOT_SUPPORTED (101 for HTTP/1.0 or
// HEAD): nothing was sent; ERR_NO_MEMORY, ERR_TOO_LARGE: the connection is lost.
__must_check error_t http_stream_start(struct http_exchange *exchange, unsigned status,
                                       struct span fields, const struct http_handler *handler,
                                       void *context);
// In `body` of a stream that is paused: the last `len` bytes of what was given come again, when it
// goes on.
void http_return_bytes(struct http_exchange *exchange, size_t len);
// Ends the stream in order: what was sent goes out, what the peer still says is dropped. `gone` is
// called before this returns, unless the exchange is held.
void http_stream_close(struct http_exchange *exchange);
