// SPDX-License-Identifier: MIT
//
// What a connection writes: heads, bodies, and what of them the channel has no room for yet.
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/connection.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

struct unsent {
	struct list entry;
	struct message message;
};

error_t http_send_message(struct http_connection *c, struct message *m)
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

error_t http_send_bytes(struct http_connection *c, const void *bytes, size_t len)
{
	struct message m;
	error_t err = payload_make(&m, bytes, len);

	if (err) {
		c->dead = true;
		return err;
	}
	return http_send_message(c, &m);
}

bool http_flush_unsent(struct http_connection *c)
{
	struct list *entry;

	while (!c->dead && (entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);
		error_t err = channel_send(c->channel.handle, &unsent->message);

		if (err == ERR_FULL) {
			list_push_front(&c->unsent, &unsent->entry);
			return false;
		}
		if (err) {
			message_discard(&unsent->message);
			c->dead = true;
		}
		heap_free(unsent);
	}
	source_want_writable(&c->channel, false);
	return true;
}

void http_drop_unsent(struct http_connection *c)
{
	struct list *entry;

	while ((entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);

		message_discard(&unsent->message);
		heap_free(unsent);
	}
}

static const char *reason_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} table[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
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
	return fmt_write(
		buf, size,
		"HTTP/1.1 %u %s\r\nServer: starina\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%s\r\n",
		status, reason_phrase(status), content_type, (unsigned long long)length,
		c->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
}

error_t http_respond_start(struct http_exchange *exchange, unsigned status,
                           const char *content_type, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	char head[512];
	size_t len;

	if (c->started)
		return ERR_BAD_STATE;
	if (c->state == HTTP_STATE_BODY && status >= 400)
		c->keep_alive = false;  // the rest of the body is not worth reading
	len = format_head(c, head, sizeof(head), status, content_type, length);
	if (len >= sizeof(head))
		return ERR_TOO_LARGE;
	c->started = true;
	exchange->left = exchange->head_request ? 0 : length;
	return http_send_bytes(c, head, len);
}

error_t http_respond_fields(struct http_exchange *exchange, unsigned status, struct span fields,
                            bool has_length, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	char tail[96], *head;
	size_t len;
	error_t err;

	if (c->started)
		return ERR_BAD_STATE;
	if (c->state == HTTP_STATE_BODY && status >= 400)
		c->keep_alive = false;
	// Responses that have no body by their nature (RFC 9110 6.4.1).
	if (exchange->head_request || status == 204 || status == 304)
		exchange->head_request = true;
	exchange->open_end = !has_length && !exchange->head_request;
	exchange->chunked = exchange->open_end && !c->old_client;
	if (exchange->open_end && c->old_client)
		c->keep_alive = false;
	if (has_length && status != 204)
		fmt_write(tail, sizeof(tail), "Content-Length: %llu\r\n",
		          (unsigned long long)length);
	else
		str_copy(tail, exchange->chunked ? "Transfer-Encoding: chunked\r\n" : "",
		         sizeof(tail));
	head = heap_alloc(HTTP_MAX_HEAD + 256);
	if (head == NULL) {
		c->dead = true;
		http_connection_settle(c);
		return ERR_NO_MEMORY;
	}
	len = fmt_write(head, HTTP_MAX_HEAD + 256, "HTTP/1.1 %u %s\r\n%.*s%s%s\r\n", status,
	                reason_phrase(status), (int)fields.len, (const char *)fields.data, tail,
	                c->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	err = len < HTTP_MAX_HEAD + 256 ? 0 : ERR_TOO_LARGE;
	if (err != 0) {
		c->dead = true;
	} else {
		c->started = true;
		exchange->left = exchange->head_request ? 0
			: exchange->open_end            ? UINT64_MAX
							: length;
		err = http_send_bytes(c, head, len);
	}
	heap_free(head);
	http_connection_settle(c);
	return err;
}

error_t http_send_end(struct http_exchange *exchange)
{
	error_t err = 0;

	if (!exchange->open_end)
		return exchange->left == 0 ? 0 : ERR_BAD_STATE;
	exchange->left = 0;
	if (exchange->chunked)
		err = http_send_bytes(exchange->connection, "0\r\n\r\n", 5);
	http_connection_settle(exchange->connection);
	return err;
}

static error_t send_chunk(struct http_exchange *exchange, const void *bytes, size_t len)
{
	struct http_connection *c = exchange->connection;
	char size[24];
	error_t err = http_send_bytes(c, size, fmt_write(size, sizeof(size), "%zx\r\n", len));

	if (err == 0)
		err = http_send_bytes(c, bytes, len);
	return err == 0 ? http_send_bytes(c, "\r\n", 2) : err;
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
	if (!exchange->open_end)
		exchange->left -= len;
	err = exchange->chunked ? send_chunk(exchange, bytes, len)
				: http_send_bytes(exchange->connection, bytes, len);
	http_connection_settle(exchange->connection);
	return err;
}

// Consumes the folio.
static error_t send_folio(struct http_connection *c, handle_t folio, uint32_t offset, uint32_t len)
{
	struct msg_data data = { .offset = offset, .length = len };
	struct message m;
	error_t err = message_encode_data(&m, &data, NULL, 0);

	if (err) {
		handle_close(folio);
		return err;
	}
	m.handles[0] = folio;
	m.num_handles = 1;
	return http_send_message(c, &m);
}

error_t http_send_folio(struct http_exchange *exchange, handle_t folio, uint32_t offset,
                        uint32_t len)
{
	error_t err;

	if (exchange->head_request || len > exchange->left) {
		handle_close(folio);
		return exchange->head_request ? 0 : ERR_RANGE;
	}
	exchange->left -= len;
	err = send_folio(exchange->connection, folio, offset, len);
	http_connection_settle(exchange->connection);
	return err;
}

// Head and body in one piece, which makes one segment of a small response.
static error_t respond_whole(struct http_exchange *exchange, unsigned status,
                             const char *content_type, const void *body, size_t len)
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
		return http_send_bytes(c, head, head_len + body_len);
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

void http_respond(struct http_exchange *exchange, unsigned status, const char *content_type,
                  const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;

	if (c->started || c->dead)
		return;
	if (c->state == HTTP_STATE_BODY && status >= 400)
		c->keep_alive = false;
	if (respond_whole(exchange, status, content_type, body, len))
		c->dead = true;
	// A client that is still sending may read the answer only when it is rid of the rest,
	// whoever wants it.
	if (c->paused && c->state == HTTP_STATE_BODY && !c->peer_ended)
		source_want_messages(&c->channel, true);
	c->paused = false;
	http_connection_settle(c);
}

// A body that ends with the connection would seem whole if that ended in order: the client is to
// see a reset.
static void send_abort(struct http_connection *c)
{
	struct msg_abort abort = { .reason = ERR_IO };
	struct message m;

	if (message_encode_abort(&m, &abort, NULL, 0) == 0 && http_send_message(c, &m) != 0)
		c->dead = true;
}

void http_abort(struct http_exchange *exchange)
{
	struct http_connection *c = exchange->connection;

	http_connection_enter(c);
	if (c->started && exchange->open_end && !exchange->chunked && !c->dead)
		send_abort(c);
	c->dead = true;
	http_connection_leave(c);
}
