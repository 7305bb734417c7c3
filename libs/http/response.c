// SPDX-License-Identifier: MIT
#include "libs/http/response.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/output.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define HEAD_MAX 512u
// A response of so many bytes is put together on the stack: its folio need not be mapped then.
#define COPIED_MAX 2048u

static const char *reason_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} table[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].status == status)
			return table[i].phrase;
	}
	return "Unknown";
}

// Responses that have neither body nor length by their nature (RFC 9110 6.4.1, 8.6).
static bool is_bodiless(unsigned status)
{
	return status == 204 || status == 304;
}

static const char *connection_field(const struct http_connection *c)
{
	return c->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
}

// The rest of a body is not worth reading after an error, nor is one that waits for a word of ours
// certain to come.
static void give_up_body(struct http_connection *c, unsigned status)
{
	if (c->state == HTTP_STATE_BODY && (status >= 400 || c->owes_continue))
		c->keep_alive = false;
}

static size_t format_head(const struct http_connection *c, char *buf, size_t size, unsigned status,
                          const char *content_type, uint64_t length)
{
	if (content_type == NULL || is_bodiless(status))
		return fmt_write(buf, size, "HTTP/1.1 %u %s\r\nServer: starina\r\n%s%s\r\n", status,
		                 reason_phrase(status),
		                 is_bodiless(status) ? "" : "Content-Length: 0\r\n",
		                 connection_field(c));
	return fmt_write(
		buf, size,
		"HTTP/1.1 %u %s\r\nServer: starina\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%s\r\n",
		status, reason_phrase(status), content_type, (unsigned long long)length,
		connection_field(c));
}

error_t http_response_start(struct http_exchange *exchange, unsigned status,
                            const char *content_type, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	char head[HEAD_MAX];
	size_t len;

	if (c->started)
		return ERR_BAD_STATE;
	give_up_body(c, status);
	len = format_head(c, head, sizeof(head), status, content_type, length);
	if (len >= sizeof(head))
		return ERR_TOO_LARGE;
	c->started = true;
	exchange->left = exchange->head_request || is_bodiless(status) ? 0 : length;
	return http_send_bytes(c, head, len);
}

// Status line, the caller's fields, and those about body and connection.
static error_t send_head(struct http_connection *c, unsigned status, struct span fields,
                         const char *body_field, const char *last_field)
{
	size_t size = fields.len + HEAD_MAX;
	char *head = heap_alloc(size);
	size_t len;
	error_t err;

	if (head == NULL || fields.len > HTTP_MAX_HEAD) {
		heap_free(head);
		c->dead = true;
		return head == NULL ? ERR_NO_MEMORY : ERR_TOO_LARGE;
	}
	len = fmt_write(head, size, "HTTP/1.1 %u %s\r\n%.*s%s%s\r\n", status, reason_phrase(status),
	                (int)fields.len, (const char *)fields.data, body_field, last_field);
	c->started = true;
	err = http_send_bytes(c, head, len);
	heap_free(head);
	return err;
}

error_t http_response_fields(struct http_exchange *exchange, unsigned status, struct span fields,
                             bool has_length, uint64_t length)
{
	struct http_connection *c = exchange->connection;
	char body_field[48] = "";

	if (c->started)
		return ERR_BAD_STATE;
	give_up_body(c, status);
	if (is_bodiless(status))
		exchange->head_request = true;
	exchange->open_end = !has_length && !exchange->head_request;
	exchange->chunked = exchange->open_end && !c->old_client;
	if (exchange->open_end && c->old_client)
		c->keep_alive = false;
	if (has_length && status != 204)
		fmt_write(body_field, sizeof(body_field), "Content-Length: %llu\r\n",
		          (unsigned long long)length);
	else if (exchange->chunked)
		str_copy(body_field, "Transfer-Encoding: chunked\r\n", sizeof(body_field));
	exchange->left = exchange->head_request ? 0 : exchange->open_end ? UINT64_MAX : length;
	return send_head(c, status, fields, body_field, connection_field(c));
}

error_t http_response_stream(struct http_exchange *exchange, unsigned status, struct span fields)
{
	struct http_connection *c = exchange->connection;

	exchange->open_end = true;
	exchange->chunked = false;
	exchange->left = UINT64_MAX;
	c->keep_alive = false;
	return send_head(c, status, fields, "",
	                 status == 101 ? "Connection: Upgrade\r\n" : connection_field(c));
}

error_t http_response_chunk(struct http_exchange *exchange, const void *bytes, size_t len)
{
	struct http_connection *c = exchange->connection;
	char chunk[MSG_DATA_INLINE_MAX];
	size_t size_len = fmt_write(chunk, sizeof(chunk), "%zx\r\n", len);
	error_t err;

	// One message, and one segment, of a small chunk.
	if (len <= sizeof(chunk) - size_len - 2) {
		memcpy(chunk + size_len, bytes, len);
		chunk[size_len + len] = '\r';
		chunk[size_len + len + 1] = '\n';
		return http_send_bytes(c, chunk, size_len + len + 2);
	}
	err = http_send_bytes(c, chunk, size_len);
	if (err == 0)
		err = http_send_bytes(c, bytes, len);
	return err == 0 ? http_send_bytes(c, "\r\n", 2) : err;
}

error_t http_response_chunk_range(struct http_exchange *exchange, handle_t folio, uint32_t offset,
                                  uint32_t len)
{
	struct http_connection *c = exchange->connection;
	char size[24];
	error_t err = http_send_bytes(c, size, fmt_write(size, sizeof(size), "%x\r\n", len));

	if (err < 0) {
		handle_close(folio);
		return err;
	}
	err = http_send_range(c, folio, offset, len);
	return err == 0 ? http_send_bytes(c, "\r\n", 2) : err;
}

error_t http_response_whole(struct http_exchange *exchange, unsigned status,
                            const char *content_type, const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;
	char head[COPIED_MAX];
	size_t body_len =
		exchange->head_request || content_type == NULL || is_bodiless(status) ? 0 : len;
	size_t head_len;
	handle_t folio;
	uint8_t *data;
	error_t err;

	give_up_body(c, status);
	head_len = format_head(c, head, HEAD_MAX, status, content_type, len);
	if (head_len >= HEAD_MAX || len > FOLIO_MAX_CONTIGUOUS - HEAD_MAX)
		return ERR_TOO_LARGE;
	c->started = true;
	if (head_len + body_len <= sizeof(head)) {
		if (body_len > 0)
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
	return http_send_range(c, folio, 0, (uint32_t)(head_len + body_len));
}
