// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/requests/requests.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"

#define ERROR_MAX 512u

static void reply(struct client *client, uint32_t id, uint32_t status, struct span body,
                  uint32_t flags)
{
	struct msg_containers_reply fixed = { .id = id,
		                              .status = status,
		                              .length = (uint32_t)body.len,
		                              .flags = flags };
	bool is_inline = body.len <= MESSAGE_MAX_DATA - sizeof(fixed);
	static const char too_large[] =
		"{\"message\":\"the answer is too large, or memory is out\"}";
	struct message m;
	error_t err;

	if (client == NULL)
		return;
	err = message_encode_containers_reply(&m, &fixed, body.data, is_inline ? body.len : 0);
	assert(err == 0);
	if (!is_inline) {
		err = payload_copy(body.data, body.len, &m.handles[0]);
		m.num_handles = err == 0 ? 1 : 0;
	}
	if (err < 0) {
		fixed.status = 500;
		fixed.length = sizeof(too_large) - 1;
		err = message_encode_containers_reply(&m, &fixed, too_large, fixed.length);
		assert(err == 0);
	}
	err = outbox_send(&client->outbox, &m);
	if (err < 0)
		log_warn("a client does not get its answer: %s", error_text(err));
}

void reply_json(struct client *client, uint32_t id, uint32_t status, struct json_writer *w)
{
	const char *text = json_writer_text(w);

	if (text == NULL)
		reply_error(client, id, 500, "out of memory");
	else
		reply(client, id, status, (struct span){ (const uint8_t *)text, w->len }, 0);
	json_writer_deinit(w);
}

void reply_empty(struct client *client, uint32_t id, uint32_t status, uint32_t flags)
{
	reply(client, id, status, (struct span){ 0 }, flags);
}

static void reply_message(struct client *client, uint32_t id, uint32_t status, const char *text)
{
	struct json_writer w = { 0 };
	struct span body = json_write_message(&w, text);

	reply(client, id, w.bad ? 500 : status, body, 0);
	json_writer_deinit(&w);
}

void reply_error(struct client *client, uint32_t id, uint32_t status, const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	reply_message(client, id, status, text);
}

void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	reply_message(request->client, request->id, status, text);
}
