// SPDX-License-Identifier: MIT
//
// One connection of the server: requests come in, one exchange at a time is answered.
//
// Input is taken from the channel only as far as it can be used: while a response is unfinished and its request is all
// read, what came of the next request waits in `held`. Output that the channel has no room for waits in `unsent`.
#include "libs/http/connection.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

enum state {
	STATE_HEAD,      // reading a head
	STATE_BODY,      // reading a body
	STATE_RESPONSE,  // all read; the response is not finished
};

struct unsent {
	struct list entry;
	struct message message;
};

struct http_connection {
	struct http_server *server;
	struct source channel;
	enum state state;
	bool keep_alive;
	bool started;    // the response's head was sent
	bool in_exchange;
	bool peer_ended;
	bool dead;       // to be destroyed once no callback of it is running
	unsigned busy;   // callbacks running
	struct http_exchange exchange;
	uint64_t body_left;
	size_t head_len;
	struct payload held;  // input that is not used yet: `rest` of it
	struct span rest;
	uint8_t held_inline[MESSAGE_MAX_DATA];
	struct list unsent;
	uint8_t head[HTTP_MAX_HEAD];
};

// --- Life ---

static void end_exchange(struct http_connection *c)
{
	if (!c->in_exchange)
		return;
	c->in_exchange = false;
	if (c->server->handler->gone != NULL)
		c->server->handler->gone(c->server->context, &c->exchange);
}

static void destroy(struct http_connection *c)
{
	struct list *entry;

	end_exchange(c);
	while ((entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);

		message_discard(&unsent->message);
		heap_free(unsent);
	}
	payload_release(&c->held);
	c->server->num_connections--;
	loop_close(c->server->loop, &c->channel);
	heap_free(c);
}

static void enter(struct http_connection *c)
{
	c->busy++;
}

static void leave(struct http_connection *c)
{
	if (--c->busy == 0 && c->dead)
		destroy(c);
}

// --- Output ---

// Consumes the message's handles whatever happens.
static error_t send_message(struct http_connection *c, struct message *m)
{
	struct unsent *unsent;
	error_t err = ERR_FULL;

	if (list_is_empty(&c->unsent))
		err = channel_send(c->channel.handle, m);
	if (err == ERR_FULL) {
		unsent = heap_alloc(sizeof(*unsent));
		if (unsent != NULL) {
			unsent->message = *m;
			list_push_back(&c->unsent, &unsent->entry);
			source_want_writable(&c->channel, true);
			return 0;
		}
		err = ERR_NO_MEMORY;
	}
	if (err) {
		message_discard(m);
		c->dead = true;
	}
	return err;
}

static error_t send_bytes(struct http_connection *c, const void *bytes, size_t len)
{
	struct message m;
	error_t err = payload_make(&m, bytes, len);

	if (err) {
		c->dead = true;
		return err;
	}
	return send_message(c, &m);
}

static const char *reason_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} table[] = {
		{200, "OK"}, {400, "Bad Request"}, {404, "Not Found"}, {405, "Method Not Allowed"},
		{411, "Length Required"}, {413, "Content Too Large"}, {431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
		{503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].status == status)
			return table[i].phrase;
	}
	return "Unknown";
}

static size_t format_head(const struct http_connection *c, char *buf, size_t size, unsigned status,
                          const char *content_type, uint64_t length)
{
	return fmt_write(buf, size,
	                 "HTTP/1.1 %u %s\r\nServer: starina\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%s\r\n",
	                 status, reason_phrase(status), content_type, (unsigned long long)length,
	                 c->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
}

static void process_input(struct http_connection *c);

// The response has gone, and the request is all read: on to the next one.
static void finish_if_done(struct http_connection *c)
{
	struct msg_end end = {0};
	struct message m;

	if (c->dead || !c->in_exchange || !c->started || c->exchange.left > 0 || c->state != STATE_RESPONSE)
		return;
	end_exchange(c);
	c->started = false;
	c->head_len = 0;
	c->state = STATE_HEAD;
	if (!c->keep_alive) {
		// Closing lets tcpip send what is queued; a half close first lets the peer see the end.
		if (list_is_empty(&c->unsent) && !message_encode_end(&m, &end, NULL, 0) && !send_message(c, &m))
			c->dead = list_is_empty(&c->unsent);
		return;
	}
	if (!c->peer_ended || c->rest.len > 0)
		source_want_messages(&c->channel, true);
}

error_t http_respond_start(struct http_exchange *exchange, unsigned status, const char *content_type, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	char head[512];
	size_t len;

	if (c->started)
		return ERR_BAD_STATE;
	if (c->state == STATE_BODY && status >= 400)
		c->keep_alive = false; // the rest of the body is not worth reading
	len = format_head(c, head, sizeof(head), status, content_type, length);
	if (len >= sizeof(head))
		return ERR_TOO_LARGE;
	c->started = true;
	exchange->left = exchange->head_request ? 0 : length;
	return send_bytes(c, head, len);
}

// After a call from outside the connection's own callbacks: does what they do at their end.
static void settle(struct http_connection *c)
{
	if (c->busy > 0)
		return;
	enter(c);
	finish_if_done(c);
	process_input(c);
	leave(c);
}

bool http_can_send(const struct http_exchange *exchange)
{
	return list_is_empty(&exchange->connection->unsent) && !exchange->connection->dead;
}

error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len)
{
	error_t err;

	if (exchange->head_request || len == 0)
		return 0;
	if (len > exchange->left)
		return ERR_RANGE;
	exchange->left -= len;
	err = send_bytes(exchange->connection, bytes, len);
	settle(exchange->connection);
	return err;
}

// Consumes the folio.
static error_t send_folio(struct http_connection *c, handle_t folio, uint32_t offset, uint32_t len)
{
	struct msg_data data = {.offset = offset, .length = len};
	struct message m;
	error_t err = message_encode_data(&m, &data, NULL, 0);

	if (err) {
		handle_close(folio);
		return err;
	}
	m.handles[0] = folio;
	m.num_handles = 1;
	return send_message(c, &m);
}

error_t http_send_folio(struct http_exchange *exchange, handle_t folio, uint32_t offset, uint32_t len)
{
	error_t err;

	if (exchange->head_request || len > exchange->left) {
		handle_close(folio);
		return exchange->head_request ? 0 : ERR_RANGE;
	}
	exchange->left -= len;
	err = send_folio(exchange->connection, folio, offset, len);
	settle(exchange->connection);
	return err;
}

// Head and body in one piece, which makes one segment of a small response.
static error_t respond_whole(struct http_exchange *exchange, unsigned status, const char *content_type, const void *body,
                             size_t len)
{
	struct http_connection *c = exchange->connection;
	char head[512];
	size_t head_len = format_head(c, head, sizeof(head), status, content_type, len);
	size_t body_len = exchange->head_request ? 0 : len;
	handle_t folio;
	uint8_t *data;
	error_t err;

	if (head_len >= sizeof(head) || len > FOLIO_MAX_CONTIGUOUS - sizeof(head))
		return ERR_TOO_LARGE;
	c->started = true;
	if (head_len + body_len <= MSG_DATA_INLINE_MAX) {
		memcpy(head + head_len, body, body_len);
		return send_bytes(c, head, head_len + body_len);
	}
	err = folio_create(head_len + body_len, FOLIO_CONTIGUOUS, &folio);
	if (err)
		return err;
	err = folio_map(folio, PROT_READ | PROT_WRITE, (void **)&data);
	if (err) {
		handle_close(folio);
		return err;
	}
	memcpy(data, head, head_len);
	memcpy(data + head_len, body, body_len);
	return send_folio(c, folio, 0, (uint32_t)(head_len + body_len));
}

void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type, const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;

	if (c->started || c->dead)
		return;
	if (c->state == STATE_BODY && status >= 400)
		c->keep_alive = false;
	if (respond_whole(exchange, status, content_type, body, len))
		c->dead = true;
	settle(c);
}

void http_abort(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;

	enter(c);
	c->dead = true;
	leave(c);
}

// --- Input ---

static void refuse(struct http_connection *c, unsigned status, const char *text)
{
	c->keep_alive = false;
	c->in_exchange = true;
	c->exchange = (struct http_exchange){.connection = c};
	c->state = STATE_RESPONSE;
	http_respond(&c->exchange, status, "text/plain", text, strlen(text));
	c->in_exchange = !c->dead;
}

static void body_done(struct http_connection *c)
{
	c->state = STATE_RESPONSE;
	if (c->server->handler->body_end != NULL)
		c->server->handler->body_end(c->server->context, &c->exchange);
}

static void begin_exchange(struct http_connection *c)
{
	struct http_request_head head;
	error_t err = http_request_parse((struct span){.data = c->head, .len = c->head_len}, &head);

	if (err == ERR_NOT_SUPPORTED) {
		refuse(c, 501, "HTTP version or transfer coding not supported\n");
		return;
	}
	if (err) {
		refuse(c, err == ERR_TOO_LARGE ? 431 : 400, "malformed request\n");
		return;
	}
	if (head.framing == HTTP_BODY_CHUNKED) {
		refuse(c, 411, "send a Content-Length\n");
		return;
	}
	c->server->num_requests++;
	c->keep_alive = head.keep_alive;
	c->body_left = head.framing == HTTP_BODY_LENGTH ? head.content_length : 0;
	c->state = STATE_BODY;
	c->in_exchange = true;
	c->exchange = (struct http_exchange){.connection = c, .head_request = span_equals(head.method, "HEAD")};
	if (head.expects_continue && c->body_left > 0 && send_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return;
	c->server->handler->request(c->server->context, &c->exchange, &head);
	if (!c->dead && c->body_left == 0)
		body_done(c);
}

// Moves bytes from `rest` to the head until it is complete.
static void read_head(struct http_connection *c)
{
	size_t room = sizeof(c->head) - c->head_len;
	size_t take = c->rest.len < room ? c->rest.len : room;
	size_t before = c->head_len;
	size_t length;

	memcpy(c->head + before, c->rest.data, take);
	length = http_head_length((struct span){.data = c->head, .len = before + take}, before);
	if (length == 0) {
		c->head_len = before + take;
		c->rest.data += take;
		c->rest.len -= take;
		if (c->head_len == sizeof(c->head))
			refuse(c, 431, "request head too large\n");
		return;
	}
	c->head_len = length;
	c->rest.data += length - before;
	c->rest.len -= length - before;
	begin_exchange(c);
}

static void read_body(struct http_connection *c)
{
	size_t len = c->rest.len < c->body_left ? c->rest.len : (size_t)c->body_left;
	struct span bytes = {.data = c->rest.data, .len = len};

	c->rest.data += len;
	c->rest.len -= len;
	c->body_left -= len;
	if (c->server->handler->body != NULL)
		c->server->handler->body(c->server->context, &c->exchange, bytes);
	if (!c->dead && c->body_left == 0)
		body_done(c);
}

static void process_input(struct http_connection *c)
{
	while (!c->dead && c->rest.len > 0 && c->state != STATE_RESPONSE) {
		if (c->state == STATE_HEAD)
			read_head(c);
		else
			read_body(c);
		finish_if_done(c);
	}
	if (c->rest.len == 0)
		payload_release(&c->held);
	if (!c->dead && c->state == STATE_RESPONSE)
		source_want_messages(&c->channel, false);
	if (!c->dead && c->peer_ended && !c->in_exchange && list_is_empty(&c->unsent))
		c->dead = true;
}

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_connection *c = source->context;

	(void)loop;
	enter(c);
	if (m->type == MSG_DATA && !payload_open(m, &c->held)) {
		c->rest = c->held.bytes;
		if (c->held.folio == HANDLE_NONE && c->rest.len > 0) {
			memcpy(c->held_inline, c->rest.data, c->rest.len);
			c->rest.data = c->held_inline;
		}
	} else if (m->type == MSG_END) {
		c->peer_ended = true;
		message_discard(m);
	} else {
		message_discard(m);
		c->dead = true;
	}
	process_input(c);
	leave(c);
}

static void channel_writable(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;
	struct list *entry;

	(void)loop;
	enter(c);
	while (!c->dead && (entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);
		error_t err = channel_send(source->handle, &unsent->message);

		if (err == ERR_FULL) {
			list_push_front(&c->unsent, &unsent->entry);
			leave(c);
			return;
		}
		if (err) {
			message_discard(&unsent->message);
			c->dead = true;
		}
		heap_free(unsent);
	}
	source_want_writable(source, false);
	if (!c->dead && c->in_exchange && c->started && c->exchange.left > 0 &&
	    c->server->handler->writable != NULL)
		c->server->handler->writable(c->server->context, &c->exchange);
	finish_if_done(c);
	if (!c->dead && !c->in_exchange && !c->keep_alive && list_is_empty(&c->unsent))
		c->dead = true;
	process_input(c);
	leave(c);
}

static void channel_closed(struct loop *loop, struct source *source)
{
	struct http_connection *c = source->context;

	(void)loop;
	enter(c);
	c->dead = true;
	leave(c);
}

static const struct source_ops channel_ops = {
	.message = channel_message,
	.writable = channel_writable,
	.closed = channel_closed,
};

void http_connection_create(struct http_server *server, handle_t channel)
{
	struct http_connection *c = heap_alloc(sizeof(*c));

	if (c == NULL || loop_add(server->loop, &c->channel, channel, &channel_ops, c)) {
		handle_close(channel);
		heap_free(c);
		return;
	}
	c->server = server;
	c->keep_alive = true;
	list_init(&c->unsent);
	server->num_connections++;
}
