// SPDX-License-Identifier: MIT
//
// A WebSocket (RFC 6455), the server's side: an exchange becomes one, and messages go both ways. No
// extensions. Pings are answered.
#pragma once

#include "libs/http/stream.h"
#include "libs/http/websocket_input.h"

struct websocket;

// What its owner hears. No callback comes after `gone`.
struct websocket_handler {
	// A whole message, text or binary; `bytes` lasts for this call.
	void (*message)(void *context, struct websocket *ws, bool is_text, struct span bytes);
	// More may be sent (websocket_can_send). May be NULL.
	void (*writable)(void *context, struct websocket *ws);
	// It is over, whoever has closed it: the owner forgets it.
	void (*gone)(void *context, struct websocket *ws);
};

// Of base64 text: what a client's handshake is answered by.
#define WEBSOCKET_KEY_LEN 24u

// Whether the head asks for a WebSocket (4.2.1), and among its subprotocols for `protocol` (NULL:
// there need not be any). Errors:
// ERR_NOT_FOUND (it does not), ERR_NOT_SUPPORTED (another version than 13), ERR_INVALID (it does,
// but not as the RFC says).
__must_check error_t websocket_check(const struct http_request_head *head, const char *protocol);
// The client's key, of WEBSOCKET_KEY_LEN bytes, in a head that websocket_check took.
struct span websocket_key(const struct http_request_head *head);
// Makes a WebSocket of an exchange that websocket_check took, in its `request` or later; `key` is
// its head's, `protocol` the one that was checked for. Messages of the client's are of `max` bytes
// at most. `handler` and `context` outlive it. Errors: ERR_NO_MEMORY, ERR_BAD_STATE,
// ERR_NOT_SUPPORTED: the exchange was given up, and no callback of the WebSocket's comes.
__must_check error_t websocket_start(struct http_exchange *exchange, struct span key,
                                     const char *protocol, size_t max,
                                     const struct websocket_handler *handler, void *context,
                                     struct websocket **out);
// Sends a message in one frame (5.6). Errors: http_send's.
__must_check error_t websocket_send(struct websocket *ws, bool is_text, struct span bytes);
// As http_can_send: what a client that reads nothing makes its owner hold is bounded by it.
bool websocket_can_send(const struct websocket *ws);
// Stops taking what the client says, or goes on.
void websocket_pause(struct websocket *ws, bool pause);
// Closes it with a status code (7.4) and a reason of at most 123 bytes; `gone` comes before this
// returns, unless it was called from `message` or `writable`: then right after.
void websocket_close(struct websocket *ws, unsigned code, const char *reason);
// As http_hold and http_let_go, for what the connection itself does not call.
struct http_connection *websocket_hold(struct websocket *ws);
