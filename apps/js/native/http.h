// SPDX-License-Identifier: MIT
//
// What the parts of native:http share: the server of libs/http, for scripts. Its callbacks only
// queue calls (js_call_later): code of the script's, which may do anything to the server and its
// exchanges, never runs within them.
#pragma once

#include "apps/js/runtime/js.h"
#include "apps/js/runtime/waiters.h"
#include "libs/base/list.h"
#include "libs/http/server.h"
#include "libs/http/websocket.h"

#define HTTP_URI_MAX 96u

// A server. Its object is kept while it listens, so it outlives its exchanges and WebSockets.
struct js_http_server {
	struct http_server server;
	char uri[HTTP_URI_MAX];
	JSValue self;  // while it is open
	JSValue handler;
	struct js_waiters listening;
	bool open;
	bool listens;
	uint32_t num_open;  // exchanges and WebSockets that are not over
	uint32_t max_open;
};

// A request and its response. Its object is kept until they are over.
struct js_exchange {
	struct js_http_server *server;
	struct http_exchange *exchange;  // NULL: it is over, or became a WebSocket
	JSValue self;
	struct js_waiters body;  // who waits for a piece; one at most
	struct js_waiters room;  // the same for room
	struct js_waiters gone;  // who is told that the client has gone
	bool body_ended;
	bool body_dropped;  // some of it
	bool answered;      // to its end
	bool client_gone;
	bool is_upgrade;  // to a WebSocket, by `key`
	uint8_t key[WEBSOCKET_KEY_LEN];
};

extern const struct http_handler js_exchange_handler;

// Makes a class with these functions. -1 with an exception pending.
int js_http_class(JSContext *ctx, JSClassID *id, const JSClassDef *def,
                  const JSCFunctionListEntry *functions, int count);
// Make the classes. -1 with an exception pending.
int js_http_exchange_init(JSContext *ctx);
int js_http_parse_init(JSContext *ctx);
int js_http_websocket_init(JSContext *ctx);

// responseHead(bytes): {size, status, fields, chunked, length} of a head that begins there;
// undefined while it is not whole.
JSValue js_http_response_head(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
// chunked(): a decoder of chunks.
JSValue js_http_chunked(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
// websocketPrototype()
JSValue js_websocket_prototype(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);

// The fields of a head as an array: name, value, name, value... Throws: out of memory.
JSValue js_http_fields(JSContext *ctx, const struct http_field *fields, size_t count);
// Bytes of a head as a string, one character each, and back: the string's bytes, js_malloc'ed.
// NULL: it threw, a TypeError for a character beyond U+00FF.
JSValue js_http_string(JSContext *ctx, struct span bytes);
char *js_http_bytes(JSContext *ctx, JSValueConst string, size_t *len);

// Makes a WebSocket of an exchange, whose object is over for the script then. `max`: bytes of a
// message. Throws: ERR_PEER_CLOSED, ERR_NO_MEMORY; the exchange is given up then.
JSValue js_websocket_start(JSContext *ctx, struct js_exchange *e, const char *protocol,
                           uint32_t max);
