// SPDX-License-Identifier: MIT
#include "apps/containers/logs.h"

#include "apps/containers/containers.h"
#include "apps/containers/log_clients.h"
#include "apps/containers/settings_logs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define LOGS_URI "store:logs"
#define MAX_READERS 32u
#define MAX_DEATHS 3u

static void connect(struct containers *all);

// --- What vmms are told, and say -----------------------------------------------------------------

void logs_ask(struct container *c)
{
	struct msg_vmm_log order = { .known = c->log.known, .flags = VMM_LOG_WATCH };
	struct message m;
	error_t err;

	// Whoever is not there is asked when it is.
	if (c->log.asked || c->vmm == NULL || !c->vmm->connected || !c->vmm->order_sent)
		return;
	err = message_encode_vmm_log(&m, &order, NULL, 0);
	assert(err == 0);
	c->log.asked = vmms_send(c->vmm, &m);
}

void logs_order(struct container *c)
{
	struct msg_vmm_log order = { .flags = VMM_LOG_KEEP };
	char error[SETTINGS_ERROR_MAX];
	struct log_settings settings;
	struct message m;
	error_t err;

	c->log = (struct log_watch){ 0 };
	if (container_is_hidden(c) || !c->all->has_store ||
	    settings_logs(&c->settings, &settings, error) < 0 || !settings.is_kept)
		return;
	order.max_bytes = settings.max_bytes;
	order.max_files = settings.max_files;
	err = message_encode_vmm_log(&m, &order, NULL, 0);
	assert(err == 0);
	if (!vmms_send(c->vmm, &m))
		log_warn("what container %s writes is not logged", c->name);
}

void logs_ready(struct container *c)
{
	c->log.asked = false;
	list_for_each(entry, &c->all->logs.readers) {
		const struct log_client *client = container_of(entry, struct log_client, entry);

		if (client->c == c && client->follows)
			logs_ask(c);
	}
}

void logs_told(struct container *c, const struct msg_vmm_logged *logged)
{
	c->log.asked = false;
	c->log.known = logged->total;
	log_clients_wake(c);
}

void logs_ended(struct container *c)
{
	log_clients_end(c);
}

void logs_discard(struct containers *all, const char *id_text)
{
	if (!all->has_store)
		return;
	if (log_remover_add(&all->logs.remover, id_text) < 0)
		log_warn("the log of container %s stays until the next start", id_text);
	connect(all);
}

void logs_remove(struct container *c)
{
	if (!log_clients_forget(c))
		logs_discard(c->all, c->id_text);
}

// --- The session ---------------------------------------------------------------------------------

static void drop_session(struct containers *all)
{
	struct logs *logs = &all->logs;

	log_clients_lost(all);
	log_remover_use(&logs->remover, NULL);
	files_stop(&logs->files);
	logs->connected = false;
}

static void lost(void *context)
{
	struct containers *all = context;
	struct logs *logs = &all->logs;

	logs->deaths = logs->proven ? 0 : logs->deaths + 1;
	if (logs->deaths > MAX_DEATHS) {
		log_error("the logs cannot be read: %s (%s)", logs->files.text,
		          error_text(logs->files.error));
		drop_session(all);
		while (!list_is_empty(&logs->readers))
			log_client_free(container_of(logs->readers.next, struct log_client, entry));
		logs->deaths = 0;
		return;
	}
	drop_session(all);
	connect(all);
	log_clients_resume(all);
}

static void connect(struct containers *all)
{
	struct logs *logs = &all->logs;

	if (logs->connected)
		return;
	logs->connected = true;
	logs->proven = false;
	files_start(&logs->files, &all->loop, environ_connector(all->env, "store"), LOGS_URI);
	logs->files.lost = lost;
	logs->files.context = all;
	log_remover_use(&logs->remover, &logs->files);
}

void logs_init(struct containers *all)
{
	list_init(&all->logs.readers);
	log_remover_init(&all->logs.remover);
}

static void sweep_one(void *context, const struct file_entry *entry)
{
	struct containers *all = context;
	uint8_t id[VMM_ID_SIZE];

	if (entry->type != FILE_TYPE_FOLDER || !hex_read(entry->name, id, sizeof(id)))
		return;
	list_for_each(pos, &all->containers)
		if (strcmp(container_of(pos, struct container, entry)->id_text, entry->name) == 0)
			return;
	if (log_remover_add(&all->logs.remover, entry->name) < 0)
		log_warn("the log %s stays until the next start", entry->name);
}

static void swept(void *context, error_t error)
{
	struct containers *all = context;

	if (error == 0)
		all->logs.proven = true;
	else
		log_warn("logs that nobody needs stay: %s", error_text(error));
}

void logs_sweep(struct containers *all)
{
	error_t err;

	if (!all->has_store)
		return;
	connect(all);
	err = files_list(&all->logs.files, "/", sweep_one, swept, all);
	if (err < 0)
		swept(all, err);
}

// --- Requests ------------------------------------------------------------------------------------

// Whether the container's log can be read; the request is answered otherwise.
static bool can_read(struct request *request, const struct container *c)
{
	char error[SETTINGS_ERROR_MAX];
	struct log_settings settings;

	if (settings_logs(&c->settings, &settings, error) < 0 || !settings.is_kept)
		reply_error(request->client, request->id, 501,
		            "configured logging driver does not support reading");
	else if (!request->all->has_store)
		reply_error(
			request->client, request->id, 501,
			"this machine has no state disk (STARINA_DISK), so what containers write is "
			"not kept");
	else if (request->all->logs.num_readers == MAX_READERS)
		reply_error(request->client, request->id, 503,
		            "too many clients read logs: try again");
	else if (request->channel == HANDLE_NONE)
		reply_error(request->client, request->id, 400, "logs need a stream");
	else
		return true;
	return false;
}

static uint64_t last_lines(const struct request *request)
{
	int64_t lines;

	// "all", and what dockerd takes for it.
	return query_number(request, "tail", &lines) && lines >= 0 ? (uint64_t)lines : LOG_ALL;
}

void operation_logs(struct request *request)
{
	struct container *c = operation_find(request);
	struct log_client *client;
	bool present;

	if (c == NULL || !can_read(request, c))
		return;
	client = heap_alloc(sizeof(*client));
	if (client == NULL) {
		reply_error(request->client, request->id, 500, "out of memory");
		return;
	}
	client->c = c;
	client->wants[0] = query_flag(request, "stdout");
	client->wants[1] = query_flag(request, "stderr");
	client->frames = !c->settings.tty;
	client->timestamps = query_flag(request, "timestamps");
	client->follows = query_flag(request, "follow");
	if (!query_time(request, "since", &present, &client->since) ||
	    !query_time(request, "until", &present, &client->until)) {
		heap_free(client);
		return;
	}
	if (client->until == 0)
		client->until = NSEC_NEVER;
	if (!client->wants[0] && !client->wants[1]) {
		heap_free(client);
		reply_error(request->client, request->id, 400,
		            "Bad parameters: you must choose at least one stream");
		return;
	}
	connect(request->all);
	if (log_client_start(client, request, last_lines(request)))
		reply_empty(request->client, request->id, CONTAINERS_ACCEPTED,
		            CONTAINERS_OUTPUT | (c->settings.tty ? CONTAINERS_TTY : 0));
}

bool logs_attach(struct request *request, struct container *c, const struct msg_vmm_attach *order)
{
	struct log_client *client;

	if (!can_read(request, c))
		return false;
	client = heap_alloc(sizeof(*client));
	if (client == NULL) {
		reply_error(request->client, request->id, 500, "out of memory");
		return false;
	}
	client->c = c;
	client->wants[0] = query_flag(request, "stdout");
	client->wants[1] = query_flag(request, "stderr");
	client->frames = !c->settings.tty;
	client->until = NSEC_NEVER;
	client->attaches = order != NULL && order->flags != 0;
	if (client->attaches)
		client->attach_order = *order;
	connect(request->all);
	return log_client_start(client, request, LOG_ALL);
}
