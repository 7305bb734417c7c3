// SPDX-License-Identifier: MIT
#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define TEXT_SIZE 224
#define SIGNAL_KILL 9u

// --- Runs ----------------------------------------------------------------------------------------

static void run_forget(struct command_run *run)
{
	list_remove(&run->entry);
	run->httpd->commands.num_runs--;
}

static void run_ended(struct command_run *run, int status, const char *error)
{
	run_forget(run);
	run->ops->ended(run, status, error);
}

static struct command_run *run_find(struct commands_client *client, uint32_t id)
{
	list_for_each(entry, &client->runs) {
		struct command_run *run = container_of(entry, struct command_run, entry);

		if (run->id == id)
			return run;
	}
	return NULL;
}

// --- What the service says -----------------------------------------------------------------------

static void service_message(struct loop *loop, struct source *source, struct message *m)
{
	struct httpd *httpd = source->context;
	struct msg_commands_started started;
	struct msg_commands_ended ended;
	struct command_run *run;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_commands_started(m, &started, &tail, &len) == 0) {
		run = run_find(&httpd->commands, started.id);
		if (run != NULL) {
			run->ops->started(run, m->handles, m->num_handles);
			return;
		}
	} else if (message_decode_commands_ended(m, &ended, &tail, &len) == 0) {
		char text[TEXT_SIZE];

		fmt_write(text, sizeof(text), "%.*s", (int)len, (const char *)tail);
		run = run_find(&httpd->commands, ended.id);
		if (run != NULL)
			run_ended(run, ended.status, text);
	}
	message_discard(m);
}

static void service_closed(struct loop *loop, struct source *source)
{
	struct httpd *httpd = source->context;
	struct commands_client *client = &httpd->commands;

	(void)loop;
	api_client_lost(&client->client);
	while (!list_is_empty(&client->runs))
		run_ended(container_of(client->runs.next, struct command_run, entry), 125,
		          "the app that runs commands ended");
	api_client_again(&client->client);
}

static const struct source_ops service_ops = { .message = service_message,
	                                       .closed = service_closed };

void commands_client_start(struct httpd *httpd)
{
	list_init(&httpd->commands.runs);
	api_client_start(httpd, &httpd->commands.client, "commands", &service_ops,
	                 "\"commands\" cannot be waited for: no commands can be run");
}

// --- For the routes ------------------------------------------------------------------------------

static error_t run_send(struct command_run *run, const struct command_words *words)
{
	struct msg_commands_run what = { .id = run->id,
		                         .flags = words->flags,
		                         .memory = words->memory,
		                         .length = (uint32_t)words->len,
		                         .num_args = words->num_args,
		                         .num_env = words->num_env,
		                         .rows = words->rows,
		                         .columns = words->columns };
	struct message m;
	error_t err = message_encode_commands_run(&m, &what, NULL, 0);

	if (err == 0)
		err = payload_copy(words->text, words->len, &m.handles[0]);
	if (err != 0)
		return err;
	m.num_handles = 1;
	err = channel_send(run->httpd->commands.client.source.handle, &m);
	if (err != 0)
		message_discard(&m);
	return err;
}

error_t command_run_begin(struct httpd *httpd, struct command_run *run,
                          const struct command_words *words)
{
	struct commands_client *client = &httpd->commands;
	error_t err;

	list_init(&run->entry);
	run->httpd = httpd;
	if (!client->client.connected)
		return ERR_NOT_READY;
	if (client->num_runs >= COMMANDS_MAX)
		return ERR_LIMIT;
	run->id = ++client->last_id;
	err = run_send(run, words);
	if (err != 0)
		return err;
	client->num_runs++;
	list_push_back(&client->runs, &run->entry);
	return 0;
}

void command_run_stop(struct command_run *run)
{
	struct msg_commands_signal signal = { .id = run->id, .signal = SIGNAL_KILL };
	struct message m;

	if (list_is_empty(&run->entry))
		return;
	if (message_encode_commands_signal(&m, &signal, NULL, 0) == 0 &&
	    channel_send(run->httpd->commands.client.source.handle, &m) != 0)
		log_warn("a command cannot be ended");
	run_forget(run);
}

void command_run_resize(const struct command_run *run, uint16_t rows, uint16_t columns)
{
	struct msg_commands_resize size = { .id = run->id, .rows = rows, .columns = columns };
	struct message m;

	if (!list_is_empty(&run->entry) &&
	    message_encode_commands_resize(&m, &size, NULL, 0) == 0 &&
	    channel_send(run->httpd->commands.client.source.handle, &m) != 0)
		log_warn("a terminal cannot be resized");
}
