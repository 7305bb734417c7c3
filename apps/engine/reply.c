// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "apps/engine/engine.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define FIELDS_MAX 512
#define MESSAGE_TEXT_MAX 512

#define COMMON_FIELDS                      \
	"Api-Version: " API_VERSION "\r\n" \
	"Docker-Experimental: false\r\n"   \
	"Ostype: linux\r\n"                \
	"Server: Starina/" ENGINE_VERSION " (riscv64)\r\n"

void reply(struct http_exchange *exchange, unsigned status, const char *fields, const char *type,
           struct span body)
{
	char text[FIELDS_MAX];
	size_t length = fmt_write(text, sizeof(text), COMMON_FIELDS "%s%s%s%s", fields,
	                          type != NULL ? "Content-Type: " : "", type != NULL ? type : "",
	                          type != NULL ? "\r\n" : "");
	struct span lines = { .data = (const uint8_t *)text, .len = length };
	error_t err;

	assert(length < sizeof(text));
	err = http_respond_fields(exchange, status, lines, true, body.len);
	if (err == 0 && body.len > 0)
		err = http_send(exchange, body.data, body.len);
	if (err != 0 && err != ERR_BAD_STATE)
		http_abort(exchange);
}

void reply_begin(struct http_exchange *exchange, unsigned status, const char *type)
{
	char text[FIELDS_MAX];
	size_t length = fmt_write(text, sizeof(text), COMMON_FIELDS "Content-Type: %s\r\n", type);
	struct span lines = { .data = (const uint8_t *)text, .len = length };
	error_t err = http_respond_fields(exchange, status, lines, false, 0);

	if (err != 0)
		http_abort(exchange);
}

void reply_begin_fields(struct http_exchange *exchange, const char *fields, const char *type,
                        bool is_empty)
{
	size_t size = sizeof(COMMON_FIELDS) + strlen(fields) + strlen(type) + FIELDS_MAX;
	char *text = heap_alloc(size);
	struct span lines = { .data = (const uint8_t *)text };
	error_t err = ERR_NO_MEMORY;

	if (text != NULL) {
		lines.len =
			fmt_write(text, size, COMMON_FIELDS "%sContent-Type: %s\r\n", fields, type);
		err = http_respond_fields(exchange, 200, lines, is_empty, 0);
	}
	heap_free(text);
	if (err != 0)
		http_abort(exchange);
}

void reply_json(struct http_exchange *exchange, unsigned status, struct span json)
{
	reply(exchange, status, "", json.len > 0 ? "application/json" : NULL, json);
}

void reply_error(struct http_exchange *exchange, unsigned status, const char *format, ...)
{
	struct json_writer w = { 0 };
	char text[MESSAGE_TEXT_MAX];
	struct span body;
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	body = json_write_message(&w, text);
	reply_json(exchange, w.bad ? 500 : status, body);
	json_writer_deinit(&w);
}
