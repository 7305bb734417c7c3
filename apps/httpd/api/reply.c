// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define MESSAGE_MAX 512
#define FIELDS_MAX 512

static void reply(struct http_exchange *exchange, unsigned status, const char *fields,
                  struct span body)
{
	struct span lines = text_span(fields);
	error_t err = http_respond_fields(exchange, status, lines, true, body.len);

	if (err == 0 && body.len > 0)
		err = http_send(exchange, body.data, body.len);
	if (err != 0 && err != ERR_BAD_STATE)
		http_abort(exchange);
}

// Fields that go with a status (RFC 6750 3; RFC 9110 15.5.22 and RFC 6455 4.2.2).
static const char *fields_of(unsigned status)
{
	switch (status) {
	case 401: return API_FIELDS API_JSON "WWW-Authenticate: Bearer\r\n";
	case 426:
		return API_FIELDS API_JSON "Connection: Upgrade\r\nUpgrade: websocket\r\n"
					   "Sec-WebSocket-Version: 13\r\n";
	default: return API_FIELDS API_JSON;
	}
}

void api_reply(struct http_exchange *exchange, unsigned status, struct json_writer *w)
{
	const char *text;

	json_write_raw(w, "\n");
	text = json_writer_text(w);
	if (text == NULL)
		http_abort(exchange);
	else
		reply(exchange, status, fields_of(status),
		      (struct span){ .data = (const uint8_t *)text, .len = w->len });
	json_writer_deinit(w);
}

void api_reply_text(struct http_exchange *exchange, const char *type, struct json_writer *w)
{
	const char *text = json_writer_text(w);
	char fields[FIELDS_MAX];

	fmt_write(fields, sizeof(fields), API_FIELDS "Content-Type: %s\r\n", type);
	if (text == NULL)
		http_abort(exchange);
	else
		reply(exchange, 200, fields,
		      (struct span){ .data = (const uint8_t *)text, .len = w->len });
	json_writer_deinit(w);
}

void api_reply_empty(struct http_exchange *exchange)
{
	reply(exchange, 204, API_FIELDS, (struct span){ 0 });
}

void api_error(struct http_exchange *exchange, unsigned status, const char *code,
               const char *format, ...)
{
	struct json_writer w = { 0 };
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	write_open(&w, NULL, "{");
	write_open(&w, "error", "{");
	write_text(&w, "code", code);
	write_text(&w, "message", text);
	write_close(&w, "}}");
	api_reply(exchange, status, &w);
}

void api_failed(struct http_exchange *exchange, error_t error, const char *what)
{
	static const struct {
		error_t error;
		unsigned status;
		const char *code;
	} table[] = {
		{ ERR_NOT_FOUND, 404, "not_found" },
		{ ERR_BAD_STATE, 409, "conflict" },
		{ ERR_EXISTS, 409, "conflict" },
		{ ERR_NOT_EMPTY, 409, "conflict" },
		{ ERR_IS_FOLDER, 409, "conflict" },
		{ ERR_NOT_FOLDER, 404, "not_found" },
		{ ERR_CYCLE, 404, "not_found" },
		{ ERR_ACCESS, 403, "forbidden" },
		{ ERR_REFUSED, 403, "forbidden" },
		{ ERR_INVALID, 400, "invalid" },
		{ ERR_RANGE, 400, "invalid" },
		{ ERR_PROTOCOL, 400, "invalid" },
		{ ERR_TOO_LARGE, 413, "too_large" },
		{ ERR_NOT_SUPPORTED, 501, "not_supported" },
		{ ERR_NO_MEMORY, 503, "out_of_memory" },
		{ ERR_LIMIT, 503, "limit" },
		{ ERR_PEER_CLOSED, 503, "unavailable" },
		{ ERR_NOT_READY, 503, "unavailable" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].error == error) {
			api_error(exchange, table[i].status, table[i].code, "%s: %s", what,
			          error_text(error));
			return;
		}
	}
	api_error(exchange, 500, "failed", "%s: %s", what, error_text(error));
}
