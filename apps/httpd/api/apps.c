// SPDX-License-Identifier: MIT
//
// Apps: those of the image, and those that the app manager (libs/abi/apps.h) has loaded. Each
// request is a call of the manager, whose answer is passed on.
#include "apps/httpd/api/api.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define APP_FILE_BYTES (4u * 1024 * 1024)
#define BODY_MAX 4096u
#define CONFIG_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_apps_start))

enum apps_what { APPS_DO_LIST, APPS_DO_LOAD, APPS_DO_START, APPS_DO_STOP };

struct apps_call {
	struct api_job job;
	enum apps_what what;
	uint32_t flags;
	struct list entry;
	bool listed;  // in the list of calls
	uint32_t id;
	char name[APP_NAME_MAX];
};

// --- Calls ---------------------------------------------------------------------------------------

// Sends the message, whose handles are consumed, and waits for the answer.
static void call_send(struct apps_call *call, struct message *m)
{
	struct apps_client *client = &call->job.httpd->apps;
	error_t err = client->client.connected ? channel_send(client->client.source.handle, m)
					       : ERR_NOT_READY;

	if (err == 0) {
		call->listed = true;
		client->num_calls++;
		list_push_back(&client->calls, &call->entry);
		return;
	}
	message_discard(m);
	api_failed(call->job.exchange, err, "the app manager");
}

static void call_gone(struct api_job *job)
{
	struct apps_call *call = (struct apps_call *)job;

	if (!call->listed)
		return;
	list_remove(&call->entry);
	job->httpd->apps.num_calls--;
}

static struct apps_call *call_find(struct apps_client *client, uint32_t id)
{
	list_for_each(entry, &client->calls) {
		struct apps_call *call = container_of(entry, struct apps_call, entry);

		if (call->id == id)
			return call;
	}
	return NULL;
}

// --- Lists ---------------------------------------------------------------------------------------

static void listed_take(struct apps_call *call, struct message *m, uint32_t count)
{
	struct payload payload = { 0 };
	handle_t folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;
	error_t err = count > APPS_MAX || (count > 0 && folio == HANDLE_NONE) ? ERR_PROTOCOL : 0;

	if (err == 0 && count > 0) {
		m->handles[0] = HANDLE_NONE;
		err = payload_open_folio(folio, 0, count * (uint32_t)sizeof(struct apps_entry),
		                         &payload);
	}
	if (err != 0)
		api_failed(call->job.exchange, err, "the app manager's list");
	else
		apps_list_answer(call->job.httpd, call->job.exchange,
		                 (const struct apps_entry *)(const void *)payload.bytes.data,
		                 count);
	payload_release(&payload);
}

// --- Answers -------------------------------------------------------------------------------------

static void result_take(const struct apps_call *call, const struct msg_apps_result *result,
                        const uint8_t *tail, size_t tail_len)
{
	struct json_writer w = { 0 };
	char text[APPS_TEXT_MAX + 1];
	size_t len = tail_len < APPS_TEXT_MAX ? tail_len : APPS_TEXT_MAX;

	memcpy(text, tail, len);
	text[len] = '\0';
	if (result->error != 0) {
		api_failed(call->job.exchange, result->error, len > 0 ? text : "the app manager");
		return;
	}
	write_open(&w, NULL, "{");
	write_bytes(&w, "name",
	            (struct span){ (const uint8_t *)result->name,
	                           strnlen(result->name, sizeof(result->name)) });
	write_text(&w, "message", text);
	write_close(&w, "}");
	api_reply(call->job.exchange, 200, &w);
}

static void manager_message(struct loop *loop, struct source *source, struct message *m)
{
	struct httpd *httpd = source->context;
	struct msg_apps_listed listed;
	struct msg_apps_result result;
	const uint8_t *tail;
	size_t tail_len;
	bool is_list = message_decode_apps_listed(m, &listed, &tail, &tail_len) == 0;
	struct apps_call *call = NULL;

	(void)loop;
	if (is_list || message_decode_apps_result(m, &result, &tail, &tail_len) == 0)
		call = call_find(&httpd->apps, is_list ? listed.id : result.id);
	if (call != NULL) {
		struct http_connection *connection = http_hold(call->job.exchange);

		if (is_list)
			listed_take(call, m, listed.count);
		else
			result_take(call, &result, tail, tail_len);
		http_let_go(connection);
	}
	for (size_t i = 0; i < m->num_handles; i++)
		if (m->handles[i] != HANDLE_NONE)
			handle_close(m->handles[i]);
}

static void manager_closed(struct loop *loop, struct source *source)
{
	struct httpd *httpd = source->context;
	struct apps_client *client = &httpd->apps;
	struct list *entry;

	(void)loop;
	api_client_lost(&client->client);
	while ((entry = list_pop_front(&client->calls)) != NULL) {
		struct apps_call *call = container_of(entry, struct apps_call, entry);
		struct http_connection *connection = http_hold(call->job.exchange);

		call->listed = false;
		client->num_calls--;
		api_failed(call->job.exchange, ERR_PEER_CLOSED,
		           "the app manager ended while it had this request: ask again");
		http_let_go(connection);
	}
	api_client_again(&client->client);
}

static const struct source_ops manager_ops = { .message = manager_message,
	                                       .closed = manager_closed };

void apps_client_start(struct httpd *httpd)
{
	list_init(&httpd->apps.calls);
	api_client_start(httpd, &httpd->apps.client, "apps", &manager_ops,
	                 "the app manager cannot be waited for: apps cannot be changed");
}

// --- Requests ------------------------------------------------------------------------------------

// Sends a call whose body, if it has one, is there.
static void load_send(struct apps_call *call, struct span file)
{
	struct msg_apps_load load = { .id = call->id, .flags = call->flags, .size = file.len };
	struct message m;
	error_t err = message_encode_apps_load(&m, &load, NULL, 0);

	if (err == 0)
		err = payload_copy(file.data, file.len, &m.handles[0]);
	if (err != 0) {
		api_failed(call->job.exchange, err, "the app's file");
		return;
	}
	m.num_handles = 1;
	call_send(call, &m);
}

// "NAME=VALUE" lines of {"NAME":"VALUE",...}.
static void take_config(struct json_reader *r, struct writer *lines)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		char *value = json_take_string(r);

		writer_bytes(lines, key.data, key.len);
		writer_str(lines, "=");
		writer_str(lines, value != NULL ? value : "");
		writer_str(lines, "\n");
		heap_free(value);
	}
}

// {"config":{...},"instance":true}, all of it optional.
static error_t start_read(struct span body, uint32_t *flags, struct writer *lines)
{
	struct json_reader r = json_reader_make(body);
	struct span key;

	if (body.len == 0)
		return 0;
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "config"))
			take_config(&r, lines);
		else if (span_is(key, "instance"))
			*flags |= span_is(json_take_raw(&r), "true") ? APPS_START_INSTANCE : 0;
		else
			json_skip(&r);
	}
	if (json_reader_status(&r) != 0 || !json_at_end(&r))
		return ERR_PROTOCOL;
	return writer_status(lines);
}

// An app of the image that does not run is the kernel's to start.
static bool image_start(struct apps_call *call)
{
	struct json_writer w = { 0 };
	handle_t process;
	error_t err;

	if (call->job.httpd->system == HANDLE_NONE)
		return false;
	err = system_start_app(call->job.httpd->system, call->name, strlen(call->name), &process);
	if (err == ERR_NOT_FOUND)
		return false;
	if (err != 0) {
		api_failed(call->job.exchange, err, "the app of the image cannot be started");
		return true;
	}
	handle_close(process);
	write_open(&w, NULL, "{");
	write_text(&w, "name", call->name);
	write_close(&w, "}");
	api_reply(call->job.exchange, 200, &w);
	return true;
}

static void start_send(struct apps_call *call, struct span body)
{
	struct msg_apps_start start = { .id = call->id };
	uint8_t config[CONFIG_MAX];
	struct writer lines = writer_make(config, sizeof(config));
	struct message m;
	error_t err = start_read(body, &start.flags, &lines);

	if (err == 0 && start.flags == 0 && lines.len == 0 && image_start(call))
		return;
	str_copy(start.name, call->name, sizeof(start.name));
	if (err == 0)
		err = message_encode_apps_start(&m, &start, config, lines.len);
	if (err != 0)
		api_failed(call->job.exchange, err,
		           "the body is {\"config\":{NAME:VALUE},\"instance\":true}");
	else
		call_send(call, &m);
}

static void stop_send(struct apps_call *call)
{
	struct msg_apps_stop stop = { .id = call->id, .flags = call->flags };
	struct message m;
	error_t err;

	str_copy(stop.name, call->name, sizeof(stop.name));
	err = message_encode_apps_stop(&m, &stop, NULL, 0);
	if (err != 0)
		api_failed(call->job.exchange, err, "the app manager");
	else
		call_send(call, &m);
}

static void list_send(struct apps_call *call)
{
	struct msg_apps_list list = { .id = call->id };
	struct message m;
	error_t err = message_encode_apps_list(&m, &list, NULL, 0);

	// An image without the manager has its own apps only.
	if (!call->job.httpd->apps.client.connected)
		apps_list_answer(call->job.httpd, call->job.exchange, NULL, 0);
	else if (err != 0)
		api_failed(call->job.exchange, err, "the app manager");
	else
		call_send(call, &m);
}

static void call_body_end(struct api_job *job)
{
	struct apps_call *call = (struct apps_call *)job;

	switch (call->what) {
	case APPS_DO_LIST: list_send(call); break;
	case APPS_DO_LOAD: load_send(call, http_body(job->exchange)); break;
	case APPS_DO_START: start_send(call, http_body(job->exchange)); break;
	case APPS_DO_STOP: stop_send(call); break;
	}
}

static const struct api_job_ops call_ops = { .body_end = call_body_end, .gone = call_gone };

static void call_start(struct httpd *httpd, struct http_exchange *exchange,
                       const struct http_match *match, enum apps_what what, uint32_t flags)
{
	struct apps_call *call;

	if (httpd->apps.num_calls >= APPS_CALLS_MAX) {
		api_error(exchange, 503, "limit", "%u requests about apps wait already",
		          APPS_CALLS_MAX);
		return;
	}
	call = api_job_create(httpd, exchange, sizeof(*call), &call_ops);
	if (call == NULL)
		return;
	list_init(&call->entry);
	call->what = what;
	call->flags = flags;
	call->id = ++httpd->apps.last_id;
	if (match->params[0] != NULL &&
	    str_copy(call->name, match->params[0], sizeof(call->name)) >= sizeof(call->name)) {
		api_error(exchange, 404, "not_found", "no app has so long a name");
		return;
	}
	http_collect_body(exchange, what == APPS_DO_LOAD ? APP_FILE_BYTES : BODY_MAX);
}

API_START(apps_get)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_LIST, 0);
}

API_START(apps_post)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_LOAD, APPS_LOAD_START);
}

API_START(app_put)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_LOAD, APPS_LOAD_START | APPS_LOAD_REPLACE);
}

API_START(app_start_post)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_START, 0);
}

API_START(app_stop_post)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_STOP, 0);
}

API_START(app_delete)
{
	(void)head;
	call_start(context, exchange, match, APPS_DO_STOP, APPS_STOP_UNLOAD);
}
