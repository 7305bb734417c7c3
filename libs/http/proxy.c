// SPDX-License-Identifier: MIT
#include "libs/http/proxy.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/chunked.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

enum proxy_state {
	PROXY_HEAD,  // of the response
	PROXY_BODY,
	PROXY_DONE,  // it was all read
};

struct http_proxy {
	struct loop *loop;
	struct http_exchange *exchange;  // NULL: it is over
	struct source upstream;
	bool open;
	bool waits;          // http_proxy_connected is to come
	bool chunked;        // the request's body
	bool broken;         // the response cannot go on
	struct list unsent;  // struct piece: what `upstream` has no room for
	enum proxy_state state;
	struct http_response_head response;
	uint64_t left;
	struct http_chunked chunks;
	struct payload held;  // of the response, and what is left of it
	struct span rest;
	uint8_t held_inline[MESSAGE_MAX_DATA];
	size_t head_len;
	uint8_t head[HTTP_MAX_HEAD];
};

struct piece {
	struct list entry;
	struct message message;
};

// --- Life ----------------------------------------------------------------------------------------

static void close_upstream(struct http_proxy *proxy)
{
	struct list *entry;

	if (proxy->open)
		loop_close(proxy->loop, &proxy->upstream);
	proxy->open = false;
	payload_release(&proxy->held);
	proxy->held = (struct payload){ 0 };
	proxy->rest = (struct span){ 0 };
	while ((entry = list_pop_front(&proxy->unsent)) != NULL) {
		struct piece *piece = container_of(entry, struct piece, entry);

		message_discard(&piece->message);
		heap_free(piece);
	}
}

static void gone(void *context, struct http_exchange *exchange)
{
	struct http_proxy *proxy = context;

	(void)exchange;
	proxy->exchange = NULL;
	close_upstream(proxy);
	if (!proxy->waits)
		heap_free(proxy);
}

// The response cannot be had, or not to its end. `proxy` may be gone then.
static void give_up(struct http_proxy *proxy, const char *text)
{
	struct http_exchange *exchange = proxy->exchange;
	bool begun = proxy->state != PROXY_HEAD;

	proxy->broken = true;
	close_upstream(proxy);
	if (exchange == NULL)
		return;
	if (begun)
		http_abort(exchange);
	else
		http_respond(exchange, 502, "text/plain; charset=utf-8", text, strlen(text));
}

// --- The request ---------------------------------------------------------------------------------

static void send(struct http_proxy *proxy, const void *bytes, size_t len)
{
	struct piece *piece = heap_alloc(sizeof(*piece));

	if (piece == NULL || payload_make(&piece->message, bytes, len) < 0) {
		heap_free(piece);
		proxy->broken = true;
		return;
	}
	list_push_back(&proxy->unsent, &piece->entry);
}

// Sends what waits; the client is let go on once all of it went.
static void flush(struct http_proxy *proxy)
{
	struct list *entry;

	if (!proxy->open)
		return;
	while ((entry = list_pop_front(&proxy->unsent)) != NULL) {
		struct piece *piece = container_of(entry, struct piece, entry);
		error_t err = channel_send(proxy->upstream.handle, &piece->message);

		if (err == ERR_FULL) {
			list_push_front(&proxy->unsent, &piece->entry);
			source_want_writable(&proxy->upstream, true);
			http_pause_body(proxy->exchange, true);
			return;
		}
		// A server may answer, and close, without reading all of the request.
		if (err < 0)
			message_discard(&piece->message);
		heap_free(piece);
	}
	source_want_writable(&proxy->upstream, false);
	if (proxy->exchange != NULL)
		http_pause_body(proxy->exchange, false);
}

static void body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct http_proxy *proxy = context;
	char size[24];

	(void)exchange;
	if (proxy->broken)
		return;
	if (proxy->chunked)
		send(proxy, size, fmt_write(size, sizeof(size), "%zx\r\n", bytes.len));
	send(proxy, bytes.data, bytes.len);
	if (proxy->chunked)
		send(proxy, "\r\n", 2);
	flush(proxy);
}

static void body_end(void *context, struct http_exchange *exchange)
{
	struct http_proxy *proxy = context;

	(void)exchange;
	if (proxy->chunked && !proxy->broken)
		send(proxy, "0\r\n\r\n", 5);
	flush(proxy);
}

// The client has gone, most often: the server behind is to know, however long it would be quiet.
static void peer_end(void *context, struct http_exchange *exchange)
{
	struct http_proxy *proxy = context;
	struct piece *piece = heap_alloc(sizeof(*piece));
	struct msg_end end = { 0 };

	if (piece == NULL || message_encode_end(&piece->message, &end, NULL, 0) < 0) {
		heap_free(piece);
		http_abort(exchange);
		return;
	}
	list_push_back(&proxy->unsent, &piece->entry);
	flush(proxy);
}

// --- The response --------------------------------------------------------------------------------

// Fields that are of one connection only (RFC 9110 7.6.1), and those that are written anew.
static bool is_hop_field(struct span name)
{
	static const char *const names[] = {
		"connection", "keep-alive",        "proxy-connection", "te",    "trailer",
		"upgrade",    "transfer-encoding", "content-length",   "expect"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equals_nocase(name, names[i]))
			return true;
	}
	return false;
}

static size_t write_fields(char *out, size_t size, const struct http_field *fields, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_hop_field(fields[i].name) && len < size)
			len += fmt_write(out + len, size - len, "%.*s: %.*s\r\n",
			                 (int)fields[i].name.len, (const char *)fields[i].name.data,
			                 (int)fields[i].value.len,
			                 (const char *)fields[i].value.data);
	}
	return len;
}

static const char too_large_head[] =
	"the answer of the server behind this one has too large a head\n";

static bool has_no_body(const struct http_proxy *proxy)
{
	return proxy->exchange->head_request || proxy->response.status == 204 ||
		proxy->response.status == 304;
}

// The response's head is whole: passes it on. Interim ones (1xx) are left out. Returns false when
// the proxy is over, or may be.
static bool take_head(struct http_proxy *proxy, size_t length)
{
	struct http_response_head *r = &proxy->response;
	char *fields;
	bool done;
	size_t len;
	error_t err;

	if (http_response_parse((struct span){ .data = proxy->head, .len = length }, r) < 0 ||
	    r->status == 101) {
		give_up(proxy,
		        "the answer of the server behind this one is not an HTTP response\n");
		return false;
	}
	proxy->head_len = 0;
	if (r->status < 200)
		return true;
	fields = heap_alloc(HTTP_MAX_HEAD);
	if (fields == NULL) {
		give_up(proxy, "out of memory\n");
		return false;
	}
	// A blank behind each name may make it longer than it came.
	len = write_fields(fields, HTTP_MAX_HEAD, r->fields, r->num_fields);
	if (len >= HTTP_MAX_HEAD) {
		heap_free(fields);
		give_up(proxy, too_large_head);
		return false;
	}
	proxy->left = r->has_length ? r->content_length : UINT64_MAX;
	done = has_no_body(proxy) || proxy->left == 0;
	proxy->state = done ? PROXY_DONE : PROXY_BODY;
	// From here on the exchange may end, and the proxy with it: nothing of it is touched after
	// the last piece.
	err = http_respond_fields(proxy->exchange, r->status,
	                          (struct span){ .data = (const uint8_t *)fields, .len = len },
	                          r->has_length, r->content_length);
	heap_free(fields);
	return err == 0 && !done;
}

static bool read_head(struct http_proxy *proxy)
{
	size_t room = sizeof(proxy->head) - proxy->head_len;
	size_t take = proxy->rest.len < room ? proxy->rest.len : room;
	size_t before = proxy->head_len;
	size_t length;

	memcpy(proxy->head + before, proxy->rest.data, take);
	length = http_head_length((struct span){ .data = proxy->head, .len = before + take },
	                          before > 3 ? before - 3 : 0);
	if (length == 0) {
		proxy->head_len = before + take;
		proxy->rest.data += take;
		proxy->rest.len -= take;
		if (proxy->head_len < sizeof(proxy->head))
			return true;
		give_up(proxy, too_large_head);
		return false;
	}
	proxy->rest.data += length - before;
	proxy->rest.len -= length - before;
	return take_head(proxy, length);
}

// The next piece of the response's body. Returns false when the proxy is over: with the last piece
// it may be gone.
static bool read_body(struct http_proxy *proxy)
{
	struct http_exchange *exchange = proxy->exchange;
	struct span bytes = proxy->rest;
	bool chunked = proxy->response.chunked, done;

	if (chunked) {
		if (http_chunked_take(&proxy->chunks, &proxy->rest, &bytes) < 0) {
			give_up(proxy, "");
			return false;
		}
		if (proxy->chunks.state == HTTP_CHUNK_END)
			proxy->state = PROXY_DONE;
	} else {
		if (bytes.len > proxy->left)
			bytes.len = (size_t)proxy->left;
		proxy->rest.data += bytes.len;
		proxy->rest.len -= bytes.len;
		if (proxy->left != UINT64_MAX)
			proxy->left -= bytes.len;
		if (proxy->left == 0)
			proxy->state = PROXY_DONE;
	}
	done = proxy->state == PROXY_DONE;
	if (bytes.len > 0 && http_send(exchange, bytes.data, bytes.len) < 0)
		return false;
	if (done && chunked)
		(void)!http_send_end(exchange);
	return !done;
}

// Passes on what is held of the response, as far as the client takes it.
static void pump(struct http_proxy *proxy)
{
	struct http_exchange *exchange = proxy->exchange;

	while (proxy->rest.len > 0 && proxy->state != PROXY_DONE) {
		if (proxy->state == PROXY_BODY && !http_can_send(exchange)) {
			source_want_messages(&proxy->upstream, false);
			return;  // `writable` comes
		}
		if (proxy->state == PROXY_HEAD ? !read_head(proxy) : !read_body(proxy))
			return;
	}
	payload_release(&proxy->held);
	proxy->held = (struct payload){ 0 };
	proxy->rest = (struct span){ 0 };
	if (proxy->open)
		source_want_messages(&proxy->upstream, true);
}

static void writable(void *context, struct http_exchange *exchange)
{
	(void)exchange;
	pump(context);
}

static void upstream_end(struct http_proxy *proxy)
{
	if (proxy->state == PROXY_BODY && proxy->left == UINT64_MAX && !proxy->response.chunked) {
		proxy->state = PROXY_DONE;
		if (http_send_end(proxy->exchange) < 0)
			return;
	} else if (proxy->state != PROXY_DONE) {
		give_up(proxy, "the server behind this one has closed the connection\n");
	}
}

// The server behind has reset the connection, or tcpip has died: what came is not the whole.
static void upstream_lost(struct http_proxy *proxy)
{
	if (proxy->state != PROXY_DONE)
		give_up(proxy, "the server behind this one has closed the connection\n");
}

static void upstream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_proxy *proxy = source->context;

	(void)loop;
	if (m->type == MSG_END) {
		message_discard(m);
		upstream_end(proxy);
	} else if (m->type == MSG_DATA && proxy->state != PROXY_DONE &&
	           payload_open(m, &proxy->held) == 0) {
		proxy->rest = proxy->held.bytes;
		if (proxy->held.folio == HANDLE_NONE && proxy->rest.len > 0) {
			memcpy(proxy->held_inline, proxy->rest.data, proxy->rest.len);
			proxy->rest.data = proxy->held_inline;
		}
		pump(proxy);
	} else {
		message_discard(m);
		if (m->type == MSG_ABORT)
			upstream_lost(proxy);
	}
}

static void upstream_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	flush(source->context);
}

static void upstream_closed(struct loop *loop, struct source *source)
{
	struct http_proxy *proxy = source->context;

	loop_close(loop, source);
	proxy->open = false;
	upstream_lost(proxy);
}

static const struct source_ops upstream_ops = { .message = upstream_message,
	                                        .writable = upstream_writable,
	                                        .closed = upstream_closed };

// --- Start ---------------------------------------------------------------------------------------

static const struct http_handler proxy_handler = { .body = body,
	                                           .body_end = body_end,
	                                           .writable = writable,
	                                           .peer_end = peer_end,
	                                           .gone = gone };

static void send_head(struct http_proxy *proxy, const struct http_request_head *head)
{
	char *text = heap_alloc(HTTP_MAX_HEAD + 256);
	size_t size = HTTP_MAX_HEAD + 256, len;

	if (text == NULL) {
		proxy->broken = true;
		return;
	}
	len = fmt_write(text, size, "%.*s %.*s HTTP/1.1\r\n", (int)head->method.len,
	                (const char *)head->method.data, (int)head->target.len,
	                (const char *)head->target.data);
	if (len < size)
		len += write_fields(text + len, size - len, head->fields, head->num_fields);
	if (len < size && head->framing == HTTP_BODY_LENGTH)
		len += fmt_write(text + len, size - len, "Content-Length: %llu\r\n",
		                 (unsigned long long)head->content_length);
	if (len < size)
		len += fmt_write(text + len, size - len, "%sConnection: close\r\n\r\n",
		                 proxy->chunked ? "Transfer-Encoding: chunked\r\n" : "");
	if (len < size)
		send(proxy, text, len);
	else
		proxy->broken = true;
	heap_free(text);
}

struct http_proxy *http_proxy_create(struct loop *loop, struct http_exchange *exchange,
                                     const struct http_request_head *head)
{
	struct http_proxy *proxy = heap_alloc(sizeof(*proxy));

	if (proxy == NULL) {
		http_respond(exchange, 503, "text/plain", "out of memory\n", 14);
		return NULL;
	}
	proxy->loop = loop;
	proxy->exchange = exchange;
	proxy->waits = true;
	proxy->chunked = head->framing == HTTP_BODY_CHUNKED;
	list_init(&proxy->unsent);
	exchange->handler = &proxy_handler;
	exchange->context = proxy;
	send_head(proxy, head);
	http_pause_body(exchange, true);
	return proxy;
}

void http_proxy_connected(struct http_proxy *proxy, handle_t channel)
{
	proxy->waits = false;
	if (proxy->exchange == NULL) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		heap_free(proxy);
		return;
	}
	if (channel != HANDLE_NONE &&
	    loop_add(proxy->loop, &proxy->upstream, channel, &upstream_ops, proxy) < 0) {
		handle_close(channel);
		channel = HANDLE_NONE;
	}
	proxy->open = channel != HANDLE_NONE;
	if (!proxy->open || proxy->broken)
		give_up(proxy, "the server behind this one does not answer\n");
	else
		flush(proxy);
}
