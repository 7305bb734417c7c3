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

error_t http_response_start(struct http_exchange *exchange, unsigned status,
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

error_t http_response_fields(struct http_exchange *exchange, unsigned status, struct span fields,
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
	return err;
}

error_t http_response_chunk(struct http_exchange *exchange, const void *bytes, size_t len)
{
	struct http_connection *c = exchange->connection;
	char size[24];
	error_t err = http_send_bytes(c, size, fmt_write(size, sizeof(size), "%zx\r\n", len));

	if (err == 0)
		err = http_send_bytes(c, bytes, len);
	return err == 0 ? http_send_bytes(c, "\r\n", 2) : err;
}

error_t http_response_whole(struct http_exchange *exchange, unsigned status,
                            const char *content_type, const void *body, size_t len)
{
	struct http_connection *c = exchange->connection;
	char head[COPIED_MAX];
	size_t head_len = format_head(c, head, HEAD_MAX, status, content_type, len);
	size_t body_len = exchange->head_request ? 0 : len;
	handle_t folio;
	uint8_t *data;
	error_t err;

	if (head_len >= HEAD_MAX || len > FOLIO_MAX_CONTIGUOUS - HEAD_MAX)
		return ERR_TOO_LARGE;
	c->started = true;
	if (head_len + body_len <= sizeof(head)) {
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
