// SPDX-License-Identifier: MIT
//
// GET containers/ID/attach and exec/ID/start: WebSockets that are a container's streams. Binary
// messages are the engine's bytes as they are, both ways. Text messages: the server's first one is
// {"tty":true} or false, as docker's API tells by the type of its answer: the bytes are raw or in
// frames; {"error":"...","status":N} is its last one when the engine refuses; the client's is
// {"eof":true}, the end of its input.
#include "apps/httpd/api/api.h"
#include "apps/httpd/api/engine.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define SAID_MAX (64u * 1024)
#define NAME_MAX_BYTES 255u
#define SIZE_MAX_CELLS 1000u
#define RAW_TYPE "application/vnd.docker.raw-stream"

struct engine_stream {
	struct httpd *httpd;
	struct websocket *ws;
	struct opener opener;
	struct source upstream;
	bool is_open;  // `upstream`
	bool is_stream;
	bool has_unsent;
	struct message unsent;  // what `upstream` had no room for
	bool ends;              // MSG_END is to be sent behind it
	bool said_eof;
	// Of the answer until it is a stream: its head, and the body of a refusal.
	struct http_response_head response;
	size_t head_len, len;
	uint8_t head[HTTP_MAX_HEAD];
	// The request, behind the engine's secret.
	size_t request_len;
	char request[ENGINE_SECRET_SIZE + HTTP_MAX_PATH + 512];
};

// --- To the engine -------------------------------------------------------------------------------

// Sends what waits; until then the client is not read.
static void flush(struct engine_stream *s)
{
	static const struct msg_end end;

	while (s->has_unsent || s->ends) {
		error_t err;

		if (!s->has_unsent) {
			(void)!message_encode_end(&s->unsent, &end, NULL, 0);  // there is room
			s->ends = false;
			s->has_unsent = true;
		}
		err = s->is_open ? channel_send(s->upstream.handle, &s->unsent) : ERR_PEER_CLOSED;
		if (err == ERR_FULL) {
			source_want_writable(&s->upstream, true);
			websocket_pause(s->ws, true);
			return;
		}
		if (err != 0)
			message_discard(&s->unsent);
		s->has_unsent = false;
	}
	if (s->is_open)
		source_want_writable(&s->upstream, false);
	websocket_pause(s->ws, !s->is_stream);
}

static void say(struct engine_stream *s, const void *bytes, size_t len)
{
	if (payload_make(&s->unsent, bytes, len) != 0) {
		websocket_close(s->ws, WEBSOCKET_FAILED, "out of memory");
		return;
	}
	s->has_unsent = true;
	flush(s);
}

// {"eof":true}
static bool is_eof(struct span text)
{
	struct json_reader r = json_reader_make(text);
	bool eof = false;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		eof = span_is(key, "eof");
		json_skip(&r);
	}
	return json_reader_status(&r) == 0 && json_at_end(&r) && eof;
}

static void ws_message(void *context, struct websocket *ws, bool is_text, struct span bytes)
{
	struct engine_stream *s = context;

	if (is_text && !is_eof(bytes)) {
		websocket_close(ws, WEBSOCKET_REFUSED, "say {\"eof\":true}");
	} else if (s->said_eof || bytes.len == 0) {
		return;
	} else if (!is_text) {
		say(s, bytes.data, bytes.len);
	} else {
		s->ends = s->said_eof = true;
		flush(s);
	}
}

// --- From the engine -----------------------------------------------------------------------------

static void flow(struct engine_stream *s)
{
	if (s->is_open)
		source_want_messages(&s->upstream, websocket_can_send(s->ws));
}

static void text_send(struct engine_stream *s, struct json_writer *w)
{
	const char *text = json_writer_text(w);

	if (text == NULL ||
	    websocket_send(s->ws, true, (struct span){ (const uint8_t *)text, w->len }) != 0)
		websocket_close(s->ws, WEBSOCKET_FAILED, "out of memory");
	json_writer_deinit(w);
}

static void refuse(struct engine_stream *s, unsigned status, const char *why)
{
	struct json_writer w = { 0 };

	write_open(&w, NULL, "{");
	write_text(&w, "error", why);
	write_number(&w, "status", status);
	write_close(&w, "}");
	text_send(s, &w);
	websocket_close(s->ws, WEBSOCKET_REFUSED, "the engine refuses");
}

// {"message":"..."} is all of the body that there is.
static void refusal_tell(struct engine_stream *s)
{
	struct json_reader r = json_reader_make(
		(struct span){ .data = s->head + s->head_len, .len = s->len - s->head_len });
	char *why = json_take_member(&r, "message");

	refuse(s, s->response.status, why != NULL ? why : "the engine gives no reason");
	heap_free(why);
}

// Whether the body of a refusal is there, as far as there is room for it.
static bool refusal_is_whole(const struct engine_stream *s)
{
	return s->len == HTTP_MAX_HEAD || !s->response.has_length ||
		s->len - s->head_len >= s->response.content_length;
}

static bool is_raw(const struct http_response_head *response)
{
	for (size_t i = 0; i < response->num_fields; i++) {
		if (span_equals_nocase(response->fields[i].name, "content-type"))
			return span_is(response->fields[i].value, RAW_TYPE);
	}
	return false;
}

static void stream_begin(struct engine_stream *s)
{
	struct json_writer w = { 0 };

	s->is_stream = true;
	write_open(&w, NULL, "{");
	write_flag(&w, "tty", is_raw(&s->response));
	write_close(&w, "}");
	text_send(s, &w);
	websocket_pause(s->ws, false);
}

// Takes bytes of the answer's head, or of a refusal; what is left is the stream's.
static void answer_take(struct engine_stream *s, struct span *bytes)
{
	size_t room = HTTP_MAX_HEAD - s->len;
	size_t before = s->len, take = bytes->len < room ? bytes->len : room;

	memcpy(s->head + s->len, bytes->data, take);
	s->len += take;
	if (s->head_len == 0) {
		s->head_len = http_head_length((struct span){ .data = s->head, .len = s->len },
		                               before > 3 ? before - 3 : 0);
		if (s->head_len == 0 && s->len < HTTP_MAX_HEAD) {
			bytes->len = 0;
			return;
		}
		if (s->head_len == 0 ||
		    http_response_parse((struct span){ .data = s->head, .len = s->head_len },
		                        &s->response) != 0) {
			refuse(s, 502, "the engine's answer is not HTTP");
			return;
		}
	}
	if (s->response.status == 101) {
		size_t used = s->head_len - before;

		*bytes = (struct span){ .data = bytes->data + used, .len = bytes->len - used };
		stream_begin(s);
	} else {
		bytes->len = 0;
		if (refusal_is_whole(s))
			refusal_tell(s);
	}
}

static void upstream_ended(struct engine_stream *s)
{
	if (s->is_stream)
		websocket_close(s->ws, WEBSOCKET_NORMAL, "");
	else if (s->head_len != 0)
		refusal_tell(s);
	else
		refuse(s, 502, "the engine has closed the connection");
}

static void upstream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct engine_stream *s = source->context;
	struct http_connection *connection = websocket_hold(s->ws);
	struct payload payload;

	(void)loop;
	if (m->type == MSG_DATA && payload_open(m, &payload) == 0) {
		struct span bytes = payload.bytes;

		if (!s->is_stream)
			answer_take(s, &bytes);
		if (s->is_stream && bytes.len > 0 && websocket_send(s->ws, false, bytes) != 0)
			websocket_close(s->ws, WEBSOCKET_FAILED, "out of memory");
		payload_release(&payload);
		flow(s);
	} else {
		message_discard(m);
		if (m->type == MSG_END || m->type == MSG_ABORT)
			upstream_ended(s);
	}
	http_let_go(connection);
}

static void upstream_writable(struct loop *loop, struct source *source)
{
	struct engine_stream *s = source->context;
	struct http_connection *connection = websocket_hold(s->ws);

	(void)loop;
	flush(s);
	http_let_go(connection);
}

static void upstream_closed(struct loop *loop, struct source *source)
{
	struct engine_stream *s = source->context;
	struct http_connection *connection = websocket_hold(s->ws);

	loop_close(loop, source);
	s->is_open = false;
	upstream_ended(s);
	http_let_go(connection);
}

static const struct source_ops upstream_ops = { .message = upstream_message,
	                                        .writable = upstream_writable,
	                                        .closed = upstream_closed };

// --- Its life ------------------------------------------------------------------------------------

static void ws_writable(void *context, struct websocket *ws)
{
	(void)ws;
	flow(context);
}

static void ws_gone(void *context, struct websocket *ws)
{
	struct engine_stream *s = context;

	(void)ws;
	opener_stop(&s->opener);
	if (s->is_open)
		loop_close(&s->httpd->loop, &s->upstream);
	if (s->has_unsent)
		message_discard(&s->unsent);
	heap_free(s);
}

static const struct websocket_handler ws_handler = { .message = ws_message,
	                                             .writable = ws_writable,
	                                             .gone = ws_gone };

static void engine_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct engine_stream *s = opener->context;
	struct http_connection *connection = websocket_hold(s->ws);

	(void)error;
	(void)text;
	if (channel != HANDLE_NONE &&
	    loop_add(&s->httpd->loop, &s->upstream, channel, &upstream_ops, s) != 0) {
		handle_close(channel);
		channel = HANDLE_NONE;
	}
	s->is_open = channel != HANDLE_NONE;
	if (s->is_open)
		say(s, s->request, s->request_len);
	else
		refuse(s, 502, "the engine does not answer");
	http_let_go(connection);
}

// Whether a name may stand in a target as it is: docker's names and numbers may (the engine's
// router takes no other).
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.' || c == '-'))
			return false;
	}
	return len > 0 && len <= NAME_MAX_BYTES && name[0] != '.';
}

// A stream whose request has the target and the body. NULL: it was answered.
static struct engine_stream *stream_create(struct httpd *httpd, struct http_exchange *exchange,
                                           const char *target, const char *body)
{
	struct engine_stream *s = heap_alloc(sizeof(*s));
	size_t room = sizeof(s->request) - ENGINE_SECRET_SIZE, len;

	if (s == NULL) {
		http_abort(exchange);
		return NULL;
	}
	s->httpd = httpd;
	memcpy(s->request, httpd->engine_secret, ENGINE_SECRET_SIZE);
	len = fmt_write(
		s->request + ENGINE_SECRET_SIZE, room,
		"POST %s HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		target, strlen(body), body);
	if (len >= room) {
		heap_free(s);
		api_failed(exchange, ERR_TOO_LARGE, "the query");
		return NULL;
	}
	s->request_len = ENGINE_SECRET_SIZE + len;
	return s;
}

// Begins what `target` (with the name within it) and `body` ask of the engine.
static void begin(struct httpd *httpd, struct http_exchange *exchange,
                  const struct http_request_head *head, const char *target, const char *body)
{
	struct engine_stream *s = stream_create(httpd, exchange, target, body);
	error_t err;

	if (s == NULL)
		return;
	err = websocket_start(exchange, websocket_key(head), API_PROTOCOL, SAID_MAX, &ws_handler, s,
	                      &s->ws);
	if (err != 0) {
		heap_free(s);
		return;
	}
	websocket_pause(s->ws, true);
	opener_start(&s->opener, &httpd->loop, environ_connector(httpd->env, "tcpip"), ENGINE_URI,
	             engine_opened, s);
}

// Whether the request may become a stream; if not, it was answered.
static bool may_begin(struct httpd *httpd, struct http_exchange *exchange,
                      const struct http_request_head *head, const struct http_match *match)
{
	if (!engine_is_served(httpd, exchange))
		return false;
	if (!is_name(match->params[0])) {
		api_error(exchange, 400, "invalid", "this is no name or number of docker's");
		return false;
	}
	return api_wants_websocket(exchange, head);
}

API_START(container_attach_get)
{
	static const char all[] = "stream=1&stdin=1&stdout=1&stderr=1";
	struct span query = match->query.len > 0
		? match->query
		: (struct span){ (const uint8_t *)all, sizeof(all) - 1 };
	char target[HTTP_MAX_PATH];

	if (!may_begin(context, exchange, head, match))
		return;
	if (fmt_write(target, sizeof(target), "/containers/%s/attach?%.*s", match->params[0],
	              (int)query.len, (const char *)query.data) >= sizeof(target))
		api_failed(exchange, ERR_TOO_LARGE, "the query");
	else
		begin(context, exchange, head, target, "");
}

// What docker's API calls ConsoleSize, of the query's rows and cols. Returns false when these are
// no sizes.
static bool size_read(struct span query, char *out, size_t size)
{
	uint64_t values[2];
	static const char *const names[2] = { "rows", "cols" };
	char text[8];

	out[0] = '\0';
	for (size_t i = 0; i < 2; i++) {
		error_t err = http_query_value(query, names[i], 0, text, sizeof(text));

		if (err == ERR_NOT_FOUND)
			return true;  // the engine knows one
		if (err != 0 || !decimal_read(text_span(text), SIZE_MAX_CELLS, &values[i]) ||
		    values[i] == 0)
			return false;
	}
	fmt_write(out, size, ",\"ConsoleSize\":[%u,%u]", (unsigned)values[0], (unsigned)values[1]);
	return true;
}

API_START(exec_start_get)
{
	char target[NAME_MAX_BYTES + 32], size[40], body[96];
	bool tty = false;

	if (!may_begin(context, exchange, head, match))
		return;
	if (http_query_switch(match->query, "tty", false, &tty) != 0 ||
	    !size_read(match->query, size, sizeof(size))) {
		api_error(exchange, 400, "invalid", "exec takes tty=1, rows=N and cols=N");
		return;
	}
	fmt_write(target, sizeof(target), "/exec/%s/start", match->params[0]);
	fmt_write(body, sizeof(body), "{\"Detach\":false,\"Tty\":%s%s}", tty ? "true" : "false",
	          tty ? size : "");
	begin(context, exchange, head, target, body);
}
