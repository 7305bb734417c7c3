// SPDX-License-Identifier: MIT
#include "libs/http/websocket.h"

#include "libs/base/base64.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/sha1.h"
#include "libs/starina/alloc.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  // 1.3
#define FINAL 0x80u
#define OPCODE_TEXT 1u
#define OPCODE_BINARY 2u
#define OPCODE_CLOSE 8u
#define OPCODE_PONG 10u
#define HEADER_MAX 10u
#define COPIED_MAX 2048u  // a frame of so many bytes is sent in one piece

struct websocket {
	struct http_exchange *exchange;
	const struct websocket_handler *handler;
	void *context;
	bool closed;
	bool paused;
	struct websocket_input input;
};

// --- The handshake -------------------------------------------------------------------------------

static bool is_key(struct span value)
{
	return value.len == WEBSOCKET_KEY_LEN && value.data[value.len - 1] == '=' &&
		value.data[value.len - 2] == '=';
}

error_t websocket_check(const struct http_request_head *head, const char *protocol)
{
	const struct http_field *key = http_field_find(head, "Sec-WebSocket-Key");
	const struct http_field *version = http_field_find(head, "Sec-WebSocket-Version");
	const struct http_field *protocols = http_field_find(head, "Sec-WebSocket-Protocol");

	if (head->upgrade.len == 0 || !http_list_has(head->upgrade, "websocket"))
		return ERR_NOT_FOUND;
	if (!span_is(head->method, "GET") || head->minor_version < 1 || key == NULL ||
	    !is_key(key->value) || version == NULL || head->framing != HTTP_BODY_NONE)
		return ERR_INVALID;
	if (!span_is(version->value, "13"))
		return ERR_NOT_SUPPORTED;
	if (protocol != NULL && (protocols == NULL || !http_list_has(protocols->value, protocol)))
		return ERR_INVALID;
	return 0;
}

struct span websocket_key(const struct http_request_head *head)
{
	return http_field_find(head, "Sec-WebSocket-Key")->value;
}

// Of the client's key (4.2.2).
static void accept_write(struct span key, char out[BASE64_SIZE(SHA1_SIZE)])
{
	uint8_t text[WEBSOCKET_KEY_LEN + sizeof(GUID) - 1], hash[SHA1_SIZE];

	memcpy(text, key.data, WEBSOCKET_KEY_LEN);
	memcpy(text + WEBSOCKET_KEY_LEN, GUID, sizeof(GUID) - 1);
	sha1((struct span){ .data = text, .len = sizeof(text) }, hash);
	base64_encode((struct span){ .data = hash, .len = sizeof(hash) }, out);
}

// --- Frames --------------------------------------------------------------------------------------

static error_t frame_send(struct websocket *ws, uint8_t opcode, struct span bytes)
{
	uint8_t frame[HEADER_MAX + COPIED_MAX];
	struct writer w = writer_make(frame, sizeof(frame));
	error_t err;

	if (ws->closed)
		return ERR_BAD_STATE;
	writer_u8(&w, FINAL | opcode);
	if (bytes.len < 126) {
		writer_u8(&w, (uint8_t)bytes.len);
	} else if (bytes.len <= UINT16_MAX) {
		writer_u8(&w, 126);
		writer_be16(&w, (uint16_t)bytes.len);
	} else {
		writer_u8(&w, 127);
		writer_be64(&w, bytes.len);
	}
	if (bytes.len <= COPIED_MAX) {
		writer_bytes(&w, bytes.data, bytes.len);
		return http_send(ws->exchange, frame, w.len);
	}
	err = http_send(ws->exchange, frame, w.len);
	return err != 0 ? err : http_send(ws->exchange, bytes.data, bytes.len);
}

error_t websocket_send(struct websocket *ws, bool is_text, struct span bytes)
{
	return frame_send(ws, is_text ? OPCODE_TEXT : OPCODE_BINARY, bytes);
}

void websocket_close(struct websocket *ws, unsigned code, const char *reason)
{
	uint8_t payload[WEBSOCKET_CONTROL_MAX];
	struct writer w = writer_make(payload, sizeof(payload));
	struct http_exchange *exchange = ws->exchange;

	if (ws->closed)
		return;
	writer_be16(&w, (uint16_t)code);
	writer_str(&w, reason);
	if (frame_send(ws, OPCODE_CLOSE, (struct span){ .data = payload, .len = w.len }) != 0) {
		ws->closed = true;
		http_abort(exchange);
		return;
	}
	ws->closed = true;
	http_stream_close(exchange);
}

// --- What comes ----------------------------------------------------------------------------------

static const char *reason_of(unsigned code)
{
	switch (code) {
	case WEBSOCKET_NOT_UTF8: return "a text is not UTF-8";
	case WEBSOCKET_TOO_LARGE: return "a message is too large";
	case WEBSOCKET_FAILED: return "out of memory";
	default: return "this is no WebSocket";
	}
}

static void event_handle(struct websocket *ws, enum websocket_event event, struct span bytes,
                         unsigned code)
{
	switch (event) {
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		ws->handler->message(ws->context, ws, event == WEBSOCKET_TEXT, bytes);
		break;
	case WEBSOCKET_PING:
		// Of a client that does not read, the later one is answered (5.5.3).
		if (http_can_send(ws->exchange) && frame_send(ws, OPCODE_PONG, bytes) != 0)
			http_abort(ws->exchange);
		break;
	case WEBSOCKET_CLOSE: websocket_close(ws, code, ""); break;
	case WEBSOCKET_BROKEN: websocket_close(ws, code, reason_of(code)); break;
	default: break;
	}
}

static void stream_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct websocket *ws = context;
	struct http_connection *connection = http_hold(exchange);

	while (!ws->closed && !ws->paused) {
		struct span payload;
		unsigned code = 0;
		enum websocket_event event =
			websocket_input_take(&ws->input, &bytes, &payload, &code);

		if (event == WEBSOCKET_MORE)
			break;
		event_handle(ws, event, payload, code);
	}
	if (!ws->closed)
		http_return_bytes(exchange, bytes.len);
	http_let_go(connection);
}

static void stream_end(void *context, struct http_exchange *exchange)
{
	struct websocket *ws = context;

	ws->closed = true;
	http_stream_close(exchange);
}

static void stream_writable(void *context, struct http_exchange *exchange)
{
	struct websocket *ws = context;

	(void)exchange;
	if (!ws->closed && ws->handler->writable != NULL)
		ws->handler->writable(ws->context, ws);
}

static void stream_gone(void *context, struct http_exchange *exchange)
{
	struct websocket *ws = context;

	(void)exchange;
	ws->closed = true;
	ws->handler->gone(ws->context, ws);
	websocket_input_deinit(&ws->input);
	heap_free(ws);
}

static const struct http_handler stream_handler = { .body = stream_body,
	                                            .body_end = stream_end,
	                                            .writable = stream_writable,
	                                            .peer_end = stream_end,
	                                            .gone = stream_gone };

// --- Its life ------------------------------------------------------------------------------------

error_t websocket_start(struct http_exchange *exchange, struct span key, const char *protocol,
                        size_t max, const struct websocket_handler *handler, void *context,
                        struct websocket **out)
{
	struct websocket *ws = heap_alloc(sizeof(*ws));
	char accept[BASE64_SIZE(SHA1_SIZE)], fields[256];
	struct span lines = { .data = (const uint8_t *)fields };
	error_t err;

	if (ws == NULL) {
		http_abort(exchange);
		return ERR_NO_MEMORY;
	}
	*ws = (struct websocket){ .exchange = exchange,
		                  .handler = handler,
		                  .context = context,
		                  .input.max = max };
	accept_write(key, accept);
	lines.len = fmt_write(fields, sizeof(fields),
	                      "Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n%s%s%s", accept,
	                      protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
	                      protocol != NULL ? protocol : "", protocol != NULL ? "\r\n" : "");
	if (lines.len >= sizeof(fields)) {
		heap_free(ws);
		http_abort(exchange);
		return ERR_NOT_SUPPORTED;
	}
	*out = ws;
	err = http_stream_start(exchange, 101, lines, &stream_handler, ws);
	if (err == ERR_BAD_STATE || err == ERR_NOT_SUPPORTED) {
		heap_free(ws);
		http_abort(exchange);
		return err;
	}
	// Otherwise it is a stream, if one that is lost: `gone` comes.
	return 0;
}

bool websocket_can_send(const struct websocket *ws)
{
	return !ws->closed && http_can_send(ws->exchange);
}

void websocket_pause(struct websocket *ws, bool pause)
{
	if (ws->closed)
		return;
	ws->paused = pause;
	http_pause_body(ws->exchange, pause);
}

struct http_connection *websocket_hold(struct websocket *ws)
{
	return http_hold(ws->exchange);
}
