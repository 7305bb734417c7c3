// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "apps/engine/engine.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"

#define FIELDS_MAX 512
#define MESSAGE_TEXT_MAX 256

#define COMMON_FIELDS                      \
	"Api-Version: " API_VERSION "\r\n" \
	"Docker-Experimental: false\r\n"   \
	"Ostype: linux\r\n"                \
	"Server: Starina/" ENGINE_VERSION " (riscv64)\r\n"

void reply(const struct request *request, unsigned status, const char *fields, const char *type,
           const char *body, size_t len)
{
	struct http_exchange *exchange = request->exchange;
	char text[FIELDS_MAX];
	size_t length = fmt_write(text, sizeof(text), COMMON_FIELDS "%s%s%s%s", fields,
	                          type != NULL ? "Content-Type: " : "", type != NULL ? type : "",
	                          type != NULL ? "\r\n" : "");
	struct span lines = { .data = (const uint8_t *)text, .len = length };
	error_t err;

	assert(length < sizeof(text));
	err = http_respond_fields(exchange, status, lines, true, len);
	if (err == 0 && len > 0)
		err = http_send(exchange, body, len);
	if (err != 0 && err != ERR_BAD_STATE)
		http_abort(exchange);
}

void reply_json(const struct request *request, unsigned status, const char *json)
{
	reply(request, status, "", "application/json", json, strlen(json));
}

void reply_error(const struct request *request, unsigned status, const char *format, ...)
{
	char text[MESSAGE_TEXT_MAX];
	char json[MESSAGE_TEXT_MAX + 32];
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	fmt_write(json, sizeof(json), "{\"message\":\"%s\"}\n", text);
	reply_json(request, status, json);
}
