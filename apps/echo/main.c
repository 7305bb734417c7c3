// SPDX-License-Identifier: MIT
//
// The echo service: each message goes back to who sent it, handles included.
#include "libs/abi/app.h"
#include "libs/abi/echo.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/loop.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

struct echo_app {
	struct loop loop;
	struct service_listener listener;
};

// A connection. While its queue is full it has one message in hand and takes no more.
struct client {
	struct source source;
	struct message held;
	bool holds;
};

static struct echo_app app;

static void client_send(struct client *client, struct message *m)
{
	error_t err = channel_send(client->source.handle, m);

	if (err == ERR_FULL) {
		client->held = *m;
		client->holds = true;
		source_want_messages(&client->source, false);
		source_want_writable(&client->source, true);
	} else if (err != 0) {
		// The peer is gone, or sent what cannot be sent back.
		message_discard(m);
	}
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct msg_echo echo;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_echo(m, &echo, &tail, &tail_len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL, "echo understands MSG_ECHO only");
		return;
	}
	client_send(source->context, m);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct client *client = source->context;
	error_t err = channel_send(source->handle, &client->held);

	(void)loop;
	if (err == ERR_FULL)
		return;
	if (err != 0)
		message_discard(&client->held);
	client->holds = false;
	source_want_writable(source, false);
	source_want_messages(source, true);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	loop_close(loop, source);
	if (client->holds)
		message_discard(&client->held);
	heap_free(client);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.writable = client_writable,
	.closed = client_closed,
};

static void client_accepted(void *context, handle_t channel)
{
	struct client *client = heap_alloc(sizeof(*client));

	(void)context;
	if (client == NULL ||
	    loop_add(&app.loop, &client->source, channel, &client_ops, client) != 0) {
		log_warn("no memory for another client");
		heap_free(client);
		handle_close(channel);
	}
}

static void echo_main(const struct environ *env)
{
	error_t err = loop_init(&app.loop);

	if (err == 0)
		err = service_listen(&app.loop, &app.listener, environ_service(env, "echo"),
		                     client_accepted, NULL);
	if (err != 0) {
		log_error("cannot provide \"echo\": %s", error_text(err));
		process_exit(1);
	}
	loop_run(&app.loop);
}

APP(echo, .main = echo_main, .restart = RESTART_ON_FAULT, .provides = { "echo" });
