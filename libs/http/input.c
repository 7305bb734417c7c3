// SPDX-License-Identifier: MIT
#include "libs/http/input.h"

#include "libs/base/string.h"
#include "libs/http/output.h"
#include "libs/http/response.h"
#include "libs/starina/alloc.h"

#define COLLECT_FIRST 1024u

void http_input_drop_body(struct http_connection *c)
{
	heap_free(c->collected);
	c->collected = NULL;
	c->collected_len = 0;
	c->collected_room = 0;
	c->collects = false;
}

static void free_head(struct http_connection *c)
{
	heap_free(c->head);
	c->head = NULL;
	c->head_len = 0;
}

void http_input_drop(struct http_connection *c)
{
	free_head(c);
	http_input_drop_body(c);
	payload_release(&c->held);
	heap_free(c->kept);
	c->kept = NULL;
	c->rest = (struct span){ 0 };
}

void http_exchange_end(struct http_connection *c)
{
	if (!c->in_exchange)
		return;
	c->in_exchange = false;
	if (!c->refused && c->exchange.handler->gone != NULL)
		c->exchange.handler->gone(c->exchange.context, &c->exchange);
	c->refused = false;
	http_input_drop_body(c);
}

bool http_input_wanted(const struct http_connection *c)
{
	switch (c->state) {
	case HTTP_STATE_GATE: return true;
	case HTTP_STATE_HEAD:
		// What follows a request that was the last of its connection is nobody's.
		return c->keep_alive && !c->waits_for_taken && list_is_empty(&c->unsent);
	case HTTP_STATE_BODY:
	case HTTP_STATE_STREAM: return !c->paused;
	default: return false;
	}
}

static struct span take(struct http_connection *c, size_t len)
{
	struct span bytes = { .data = c->rest.data, .len = len };

	c->rest.data += len;
	c->rest.len -= len;
	return bytes;
}

// --- The gate ------------------------------------------------------------------------------------

// All of the secret is there before any of it is compared, and all is compared, so that time tells
// nothing of it.
static void read_gate(struct http_connection *c)
{
	size_t missing = HTTP_GATE_BYTES - c->head_len;
	struct span bytes = take(c, c->rest.len < missing ? c->rest.len : missing);
	uint8_t difference = 0;

	if (c->head == NULL)
		c->head = heap_alloc(HTTP_GATE_BYTES);
	if (c->head == NULL) {
		c->dead = true;
		return;
	}
	memcpy(c->head + c->head_len, bytes.data, bytes.len);
	c->head_len += bytes.len;
	if (c->head_len < HTTP_GATE_BYTES)
		return;
	for (size_t i = 0; i < HTTP_GATE_BYTES; i++)
		difference = (uint8_t)(difference | (c->head[i] ^ c->service->gate[i]));
	free_head(c);
	c->idle_ticks = 0;
	c->state = HTTP_STATE_HEAD;
	c->dead = difference != 0;
}

// --- Heads ---------------------------------------------------------------------------------------

// Answers a request that is not for the handler, or not any more, and closes the connection.
static void refuse(struct http_connection *c, unsigned status, const char *text)
{
	if (c->started) {  // in the midst of a response there is nothing left to say
		c->dead = true;
		return;
	}
	http_exchange_end(c);
	c->keep_alive = false;
	c->in_exchange = true;
	c->refused = true;
	c->exchange = (struct http_exchange){ .connection = c };
	c->state = HTTP_STATE_RESPONSE;
	if (http_response_whole(&c->exchange, status, "text/plain", text, strlen(text)) < 0)
		c->dead = true;
}

static bool is_answered(const struct http_connection *c)
{
	return c->started && c->exchange.left == 0;
}

// Of a request that was answered, refused most often, nothing is left to do.
static void tell_body_end(struct http_connection *c)
{
	if (!is_answered(c) && c->exchange.handler->body_end != NULL)
		c->exchange.handler->body_end(c->exchange.context, &c->exchange);
}

static void begin_exchange(struct http_connection *c, const struct http_request_head *head)
{
	bool has_body = head->framing != HTTP_BODY_NONE;

	c->service->num_requests++;
	c->keep_alive = head->keep_alive;
	c->idle_ticks = 0;
	c->chunked = head->framing == HTTP_BODY_CHUNKED;
	c->chunks = (struct http_chunked){ 0 };
	c->body_left = head->framing == HTTP_BODY_LENGTH ? head->content_length : 0;
	c->state = has_body ? HTTP_STATE_BODY : HTTP_STATE_RESPONSE;
	c->in_exchange = true;
	c->paused = false;
	c->told_end = false;
	c->too_large = false;
	c->owes_continue = has_body && head->expects_continue;
	c->old_client = head->minor_version == 0;
	c->exchange = (struct http_exchange){ .connection = c,
		                              .head_request = span_is(head->method, "HEAD"),
		                              .handler = c->service->handler,
		                              .context = c->service->context };
	c->service->handler->request(c->service->context, &c->exchange, head);
	if (!c->dead && c->state == HTTP_STATE_RESPONSE)
		tell_body_end(c);
}

static void parse_head(struct http_connection *c, struct span bytes)
{
	struct http_request_head head;
	error_t err = http_request_parse(bytes, &head);

	if (err == ERR_NOT_SUPPORTED)
		refuse(c, 501, "HTTP version or transfer coding not supported\n");
	else if (err < 0)
		refuse(c, err == ERR_TOO_LARGE ? 431 : 400, "malformed request\n");
	else if (head.minor_version > 0 && head.host.len == 0 && !c->service->host_optional)
		refuse(c, 400, "HTTP/1.1 requests have a Host field\n");
	else
		begin_exchange(c, &head);
}

// A whole head of `length` bytes is there, in one piece. Others may write to a folio that they have
// sent: its bytes are copied before they are looked at.
static void take_whole_head(struct http_connection *c, size_t length)
{
	struct span bytes = take(c, length);
	uint8_t *copy = NULL;

	if (c->held.folio != HANDLE_NONE) {
		copy = heap_alloc(length);
		if (copy == NULL) {
			c->dead = true;
			return;
		}
		memcpy(copy, bytes.data, length);
		bytes.data = copy;
	}
	parse_head(c, bytes);
	heap_free(copy);
}

// Moves bytes from `rest` to the head until that is complete.
static void read_head_further(struct http_connection *c)
{
	size_t before = c->head_len, room = HTTP_MAX_HEAD - before;
	size_t len = c->rest.len < room ? c->rest.len : room;
	size_t length;
	uint8_t *head;

	memcpy(c->head + before, c->rest.data, len);
	length = http_head_length((struct span){ .data = c->head, .len = before + len }, before);
	if (length == 0) {
		take(c, len);
		c->head_len = before + len;
		if (c->head_len == HTTP_MAX_HEAD) {
			free_head(c);
			refuse(c, 431, "request head too large\n");
		}
		return;
	}
	take(c, length - before);
	head = c->head;
	c->head = NULL;
	c->head_len = 0;
	parse_head(c, (struct span){ .data = head, .len = length });
	heap_free(head);
}

static void read_head(struct http_connection *c)
{
	size_t length;

	if (c->head != NULL) {
		read_head_further(c);
		return;
	}
	// Empty lines before a request mean nothing (RFC 9112 2.2).
	while (c->rest.len > 0 && (c->rest.data[0] == '\r' || c->rest.data[0] == '\n'))
		take(c, 1);
	length = http_head_length(c->rest, 0);
	if (length > 0 && length <= HTTP_MAX_HEAD) {
		take_whole_head(c, length);
		return;
	}
	if (c->rest.len == 0)
		return;
	c->head = heap_alloc(HTTP_MAX_HEAD);
	if (c->head == NULL)
		c->dead = true;
	else
		read_head_further(c);
}

// --- Bodies --------------------------------------------------------------------------------------

static void body_too_large(struct http_connection *c)
{
	static const char text[] = "the body of the request is too large\n";

	http_input_drop_body(c);
	c->too_large = true;
	if (is_answered(c))
		return;
	// In the midst of a response there is nothing left to say.
	if (c->started ||
	    http_response_whole(&c->exchange, 413, "text/plain", text, sizeof(text) - 1) < 0)
		c->dead = true;
}

void http_input_collect(struct http_connection *c, size_t limit)
{
	c->collects = true;
	c->collect_limit = limit;
	if (!c->chunked && c->body_left > limit)
		body_too_large(c);
}

// Room grows with what has come, not with what was announced.
static bool collect_room(struct http_connection *c, size_t len)
{
	size_t room = c->collected_room == 0 ? COLLECT_FIRST : c->collected_room;
	uint8_t *larger;

	while (room < len)
		room *= 2;
	if (room == c->collected_room)
		return true;
	larger = heap_alloc(room);
	if (larger == NULL)
		return false;
	if (c->collected_len > 0)
		memcpy(larger, c->collected, c->collected_len);
	heap_free(c->collected);
	c->collected = larger;
	c->collected_room = room;
	return true;
}

static void collect(struct http_connection *c, struct span bytes)
{
	if (bytes.len > c->collect_limit - c->collected_len) {
		body_too_large(c);
		return;
	}
	if (!collect_room(c, c->collected_len + bytes.len)) {
		refuse(c, 503, "out of memory\n");
		return;
	}
	memcpy(c->collected + c->collected_len, bytes.data, bytes.len);
	c->collected_len += bytes.len;
}

static void give_body(struct http_connection *c, struct span bytes)
{
	// Whoever is answered has one span of time for the rest.
	if (!is_answered(c))
		c->idle_ticks = 0;
	c->owes_continue = false;
	if (bytes.len == 0 || c->too_large)
		return;
	if (c->collects)
		collect(c, bytes);
	else if (c->exchange.handler->body != NULL)
		c->exchange.handler->body(c->exchange.context, &c->exchange, bytes);
}

static void body_done(struct http_connection *c)
{
	c->state = HTTP_STATE_RESPONSE;
	if (!c->too_large)
		tell_body_end(c);
}

static void read_chunks(struct http_connection *c)
{
	struct span bytes;

	if (http_chunked_take(&c->chunks, &c->rest, &bytes)) {
		refuse(c, 400, "malformed chunk\n");
		return;
	}
	give_body(c, bytes);
	if (!c->dead && c->state == HTTP_STATE_BODY && c->chunks.state == HTTP_CHUNK_END)
		body_done(c);
}

static void read_body(struct http_connection *c)
{
	size_t len = c->rest.len < c->body_left ? c->rest.len : (size_t)c->body_left;

	c->body_left -= len;
	give_body(c, take(c, len));
	if (!c->dead && c->state == HTTP_STATE_BODY && c->body_left == 0)
		body_done(c);
}

static void read_stream(struct http_connection *c)
{
	struct span bytes = take(c, c->rest.len);

	if (c->exchange.handler->body != NULL)
		c->exchange.handler->body(c->exchange.context, &c->exchange, bytes);
}

void http_input_take(struct http_connection *c)
{
	if (c->state == HTTP_STATE_GATE)
		read_gate(c);
	else if (c->state == HTTP_STATE_HEAD)
		read_head(c);
	else if (c->state == HTTP_STATE_STREAM)
		read_stream(c);
	else if (c->chunked)
		read_chunks(c);
	else
		read_body(c);
}

void http_input_continue(struct http_connection *c)
{
	if (c->state != HTTP_STATE_BODY || !c->owes_continue || c->paused || c->started)
		return;
	c->owes_continue = false;
	error_t ignored = http_send_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);

	(void)ignored;  // the connection is dead then
}
