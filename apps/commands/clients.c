// SPDX-License-Identifier: MIT
#include "apps/commands/commands.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// What a message has room for.
#define ERROR_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_commands_ended))

static void client_free(struct client *client)
{
	list_for_each_safe(entry, &client->jobs)
	{
		job_free(container_of(entry, struct job, entry));
	}
	outbox_drop(&client->outbox);
	loop_close(&client->commands->loop, &client->source);
	list_remove(&client->entry);
	heap_free(client);
}

void client_send(struct client *client, struct message *m)
{
	if (outbox_send(&client->outbox, m) == ERR_NO_MEMORY)
		log_warn("memory is out: a client misses an answer");
	source_want_messages(&client->source, list_is_empty(&client->outbox.messages));
}

void client_tell_end(struct client *client, uint32_t id, int status, const char *error)
{
	struct msg_commands_ended ended = { .id = id, .status = status };
	size_t length = error != NULL ? strlen(error) : 0;
	struct message m;
	error_t err = message_encode_commands_ended(&m, &ended, error,
	                                            length < ERROR_MAX ? length : ERROR_MAX);

	assert(err == 0);
	client_send(client, &m);
}

// --- Requests ------------------------------------------------------------------------------------

static void run_strings(struct client *client, const struct msg_commands_run *run, char *bytes)
{
	struct run_request *request = heap_alloc(sizeof(*request));
	error_t err = request == NULL ? ERR_NO_MEMORY
				      : run_request_read(run, bytes, run->length, request);

	if (err == 0)
		job_run(client, run, request);
	else
		client_tell_end(client, run->id, COMMAND_STATUS_FAILED,
		                err == ERR_INVALID ? "an environment variable is NAME=VALUE"
		                                   : error_text(err));
	heap_free(request);
}

static void take_run(struct client *client, struct message *m)
{
	struct msg_commands_run run;
	struct payload payload;
	const uint8_t *tail;
	char *bytes = NULL;
	size_t tail_len;

	if (message_decode_commands_run(m, &run, &tail, &tail_len) < 0 || m->num_handles != 1 ||
	    run.length > COMMANDS_TEXT_MAX || job_find(client, run.id) != NULL) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "this is no commands_run");
		return;
	}
	if (payload_open_folio(m->handles[0], 0, run.length, &payload) == 0) {
		// The sender may still have the folio mapped.
		bytes = heap_alloc(run.length + 1);
		if (bytes != NULL)
			memcpy(bytes, payload.bytes.data, run.length);
		payload_release(&payload);
	}
	if (bytes != NULL)
		run_strings(client, &run, bytes);
	else
		client_tell_end(client, run.id, COMMAND_STATUS_FAILED,
		                "what to run cannot be read");
	heap_free(bytes);
}

static void take_signal(struct client *client, const struct message *m)
{
	struct msg_commands_signal request;
	const uint8_t *tail;
	size_t tail_len;
	const struct job *job = NULL;

	if (message_decode_commands_signal(m, &request, &tail, &tail_len) == 0)
		job = job_find(client, request.id);
	if (job != NULL)
		container_signal(job->container, request.signal);
}

static void take_resize(struct client *client, const struct message *m)
{
	struct msg_commands_resize request;
	const uint8_t *tail;
	size_t tail_len;
	const struct job *job = NULL;

	if (message_decode_commands_resize(m, &request, &tail, &tail_len) == 0)
		job = job_find(client, request.id);
	if (job != NULL)
		container_resize(job->container, request.rows, request.columns);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;

	(void)loop;
	switch (m->type) {
	case MSG_COMMANDS_RUN: take_run(client, m); return;
	case MSG_COMMANDS_SIGNAL: take_signal(client, m); break;
	case MSG_COMMANDS_RESIZE: take_resize(client, m); break;
	default: error_send(source->handle, 0, ERR_PROTOCOL, "commands runs commands only"); break;
	}
	message_discard(m);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	(void)loop;
	outbox_writable(&client->outbox);
	source_want_messages(source, list_is_empty(&client->outbox.messages));
}

static void client_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	client_free(source->context);
}

static const struct source_ops client_ops = { .message = client_message,
	                                      .writable = client_writable,
	                                      .closed = client_closed,
	                                      .hung_up = client_closed };

void client_accepted(void *context, handle_t channel)
{
	struct commands *commands = context;
	struct client *client = heap_alloc(sizeof(*client));

	if (client != NULL) {
		*client = (struct client){ .commands = commands };
		list_init(&client->jobs);
		outbox_init(&client->outbox, &client->source);
		if (loop_add(&commands->loop, &client->source, channel, &client_ops, client) == 0) {
			list_push_back(&commands->clients, &client->entry);
			return;
		}
	}
	heap_free(client);
	handle_close(channel);
}
