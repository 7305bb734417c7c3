// SPDX-License-Identifier: MIT
//
// The service "apps": who asks, and what is answered.
#include "apps/app_manager/manager.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

struct client {
	struct list entry;
	struct source source;
	bool watches;
	uint32_t watch_id;
};

static struct service_listener listener;
static struct list clients = { &clients, &clients };

// --- Answers ---

// A client that does not take its answers loses them, and its connection when that is seen.
static void send(const struct client *client, struct message *m)
{
	error_t error = channel_send(client->source.handle, m);

	if (error != 0)
		message_discard(m);
	if (error == ERR_FULL)
		log_warn("a client of \"apps\" does not take its answers");
}

void request_answer(struct request asked, error_t error, const char *name, const char *text)
{
	struct msg_apps_result result = { .id = asked.id, .error = error };
	size_t len = text != NULL ? strnlen(text, APPS_TEXT_MAX) : 0;
	struct message m;

	if (asked.client == NULL)
		return;
	str_copy(result.name, name, sizeof(result.name));
	if (message_encode_apps_result(&m, &result, text, len) == 0)
		send(asked.client, &m);
}

void request_tell(const struct app *app, const char *text)
{
	list_for_each(pos, &clients) {
		const struct client *client = container_of(pos, struct client, entry);
		struct msg_apps_event event = { .id = client->watch_id,
			                        .state = (uint32_t)app->state };
		struct message m;

		if (!client->watches)
			continue;
		str_copy(event.name, app->name, sizeof(event.name));
		// What it has no room for is lost.
		if (message_encode_apps_event(&m, &event, text, strlen(text)) != 0 ||
		    channel_send(client->source.handle, &m) != 0)
			continue;
	}
}

// --- Requests ---

static void answer_unknown(struct request asked, const char *name)
{
	char text[APPS_TEXT_MAX];

	fmt_write(text, sizeof(text), "there is no app '%s': load it first", name);
	request_answer(asked, ERR_NOT_FOUND, name, text);
}

static void take_load(struct client *client, struct message *m)
{
	struct settings settings = { 0 };
	char text[APPS_TEXT_MAX] = "";
	struct msg_apps_load load;
	struct program *program;
	const uint8_t *tail;
	size_t tail_len;
	error_t error;

	if (message_decode_apps_load(m, &load, &tail, &tail_len) != 0 || m->num_handles != 1 ||
	    (load.flags & ~(APPS_LOAD_START | APPS_LOAD_REPLACE)) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "a bad MSG_APPS_LOAD");
		return;
	}
	memcpy(settings.config, tail, tail_len);
	settings.config_len = (uint32_t)tail_len;
	error = program_load(m->handles[0], load.size, &program, text);
	if (error != 0)
		request_answer((struct request){ client, load.id }, error, "", text);
	else
		apps_load((struct request){ client, load.id }, program, load.flags, &settings);
}

static void take_start(struct client *client, struct message *m)
{
	struct settings settings = { 0 };
	struct msg_apps_start start;
	const uint8_t *tail;
	size_t tail_len;
	struct app *app;

	if (message_decode_apps_start(m, &start, &tail, &tail_len) != 0 ||
	    (start.flags & ~APPS_START_INSTANCE) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "a bad MSG_APPS_START");
		return;
	}
	start.name[sizeof(start.name) - 1] = '\0';
	app = apps_find(start.name);
	if (app == NULL) {
		message_discard(m);
		answer_unknown((struct request){ client, start.id }, start.name);
		return;
	}
	settings.memory_limit = start.memory_limit;
	settings.kernel_limit = start.kernel_limit;
	settings.handle_limit = start.handle_limit;
	settings.thread_limit = start.thread_limit;
	memcpy(settings.config, tail, tail_len);
	settings.config_len = (uint32_t)tail_len;
	apps_start((struct request){ client, start.id }, app,
	           (start.flags & APPS_START_INSTANCE) != 0, &settings, m->handles, m->num_handles);
}

static void take_stop(struct client *client, struct message *m)
{
	struct msg_apps_stop stop;
	const uint8_t *tail;
	size_t tail_len;
	struct app *app;

	if (message_decode_apps_stop(m, &stop, &tail, &tail_len) != 0 ||
	    (stop.flags & ~APPS_STOP_UNLOAD) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "a bad MSG_APPS_STOP");
		return;
	}
	stop.name[sizeof(stop.name) - 1] = '\0';
	app = apps_find(stop.name);
	if (app == NULL)
		answer_unknown((struct request){ client, stop.id }, stop.name);
	else
		apps_stop((struct request){ client, stop.id }, app,
		          (stop.flags & APPS_STOP_UNLOAD) != 0);
}

// --- The list ---

static void fill_entry(const struct app *app, struct apps_entry *entry)
{
	const struct app_spec *spec = &app->program->file.spec;
	struct process_info info = { 0 };

	if (app->process == HANDLE_NONE || process_info(app->process, &info) != 0)
		info = (struct process_info){ 0 };
	*entry = (struct apps_entry){ .state = (uint32_t)app->state,
		                      .restarts = app->restarts,
		                      .end = app->end,
		                      .status = app->status,
		                      .memory = info.memory,
		                      .handles = info.handles,
		                      .threads = info.threads,
		                      .file_size = app->program->size };
	str_copy(entry->name, app->name, sizeof(entry->name));
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++)
		str_copy(entry->provides[k], spec->provides[k], sizeof(entry->provides[k]));
}

static error_t make_list(uint32_t count, handle_t *out)
{
	struct apps_entry *entries;
	void *at;
	error_t error = folio_create(count * sizeof(*entries), FOLIO_CONTIGUOUS, out);

	if (error != 0)
		return error;
	error = folio_map(*out, PROT_READ | PROT_WRITE, &at);
	if (error != 0) {
		handle_close(*out);
		return error;
	}
	entries = at;
	list_for_each(pos, &manager_apps)
		fill_entry(container_of(pos, struct app, entry), entries++);
	return 0;
}

static void take_list(const struct client *client, struct message *m)
{
	struct msg_apps_listed listed = { 0 };
	struct msg_apps_list list;
	const uint8_t *tail;
	size_t tail_len;
	handle_t folio = HANDLE_NONE;

	if (message_decode_apps_list(m, &list, &tail, &tail_len) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "a bad MSG_APPS_LIST");
		return;
	}
	listed.id = list.id;
	list_for_each(pos, &manager_apps)
		listed.count++;
	if (listed.count > 0 && make_list(listed.count, &folio) != 0) {
		error_send(client->source.handle, list.id, ERR_NO_MEMORY, "no memory for the list");
		return;
	}
	if (message_encode_apps_listed(m, &listed, NULL, 0) != 0)
		return;
	if (folio != HANDLE_NONE) {
		m->handles[0] = folio;
		m->num_handles = 1;
	}
	send(client, m);
}

static void take_watch(struct client *client, struct message *m)
{
	struct msg_apps_watch watch;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_apps_watch(m, &watch, &tail, &tail_len) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "a bad MSG_APPS_WATCH");
		return;
	}
	client->watches = true;
	client->watch_id = watch.id;
	request_answer((struct request){ client, watch.id }, 0, "", "watching");
}

// --- Clients ---

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;

	(void)loop;
	switch (m->type) {
	case MSG_APPS_LOAD: take_load(client, m); break;
	case MSG_APPS_START: take_start(client, m); break;
	case MSG_APPS_STOP: take_stop(client, m); break;
	case MSG_APPS_LIST: take_list(client, m); break;
	case MSG_APPS_WATCH: take_watch(client, m); break;
	default:
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "apps does not understand this message");
		break;
	}
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	loop_close(loop, source);
	apps_forget_client(client);
	list_remove(&client->entry);
	heap_free(client);
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

static void accepted(void *context, handle_t channel)
{
	struct client *client = heap_alloc(sizeof(*client));

	(void)context;
	if (client == NULL ||
	    loop_add(&manager_loop, &client->source, channel, &client_ops, client) != 0) {
		log_warn("no memory for another client");
		heap_free(client);
		handle_close(channel);
		return;
	}
	list_push_back(&clients, &client->entry);
}

error_t requests_init(handle_t service)
{
	return service_listen(&manager_loop, &listener, service, accepted, NULL);
}
