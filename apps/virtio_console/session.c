// SPDX-License-Identifier: MIT
//
// Connections to the service. An open request waits a while for its port: the device tells of its
// ports one by one after the start, and a port is busy until what its last client wrote has gone
// out.
#include "apps/virtio_console/console.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define URI_SCHEME "console:"
#define OPEN_TIMEOUT (2 * NSEC_PER_SEC)

struct session {
	struct console *console;
	struct source source;
};

struct open_request {
	struct list entry;
	struct session *session;
	uint32_t id;
	nsec_t deadline;
	char name[PORT_NAME_MAX];
};

static struct port *port_find(struct console *console, const char *name)
{
	for (uint32_t i = 0; i < console->num_ports; i++) {
		struct port *port = &console->ports[i];

		if (port->added && strcmp(port->name, name) == 0)
			return port;
	}
	return NULL;
}

static error_t open_try(struct console *console, const struct open_request *request)
{
	struct port *port = port_find(console, request->name);
	handle_t ends[2];
	error_t err;

	if (port == NULL)
		return ERR_NOT_FOUND;
	if (port->open || port->closing)
		return ERR_EXISTS;
	err = channel_create(ends);
	if (err != 0)
		return err;
	err = port_open(port, ends[0]);
	if (err != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return err;
	}
	// When nobody takes the other end, the port sees it closed.
	if (open_reply_send(request->session->source.handle, request->id, ends[1]) != 0)
		handle_close(ends[1]);
	return 0;
}

static void open_refuse(struct open_request *request, error_t err)
{
	const char *text = err == ERR_NOT_FOUND ? "the console device has no port of this name"
		: err == ERR_EXISTS             ? "the port is open already"
						: "cannot open the port";

	error_send(request->session->source.handle, request->id, err, text);
}

static void timer_update(struct console *console)
{
	nsec_t deadline = NSEC_NEVER;
	error_t err;

	// All wait equally long, so the first is the next.
	if (!list_is_empty(&console->waiting))
		deadline =
			container_of(console->waiting.next, struct open_request, entry)->deadline;
	err = timer_set(console->timer.handle, deadline);
	assert(err == 0);
}

static nsec_t time_now(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	return now;
}

void session_retry(struct console *console)
{
	nsec_t now = time_now();

	list_for_each_safe(entry, &console->waiting)
	{
		struct open_request *request = container_of(entry, struct open_request, entry);
		error_t err = open_try(console, request);

		if ((err == ERR_NOT_FOUND || err == ERR_EXISTS) && now < request->deadline)
			continue;
		if (err != 0)
			open_refuse(request, err);
		list_remove(entry);
		heap_free(request);
	}
	timer_update(console);
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	(void)loop;
	session_retry(source->context);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	const size_t scheme = sizeof(URI_SCHEME) - 1;
	struct session *session = source->context;
	struct open_request *request;
	struct msg_open open;
	const uint8_t *uri;
	size_t uri_len;

	(void)loop;
	if (message_decode_open(m, &open, &uri, &uri_len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "console understands open requests only");
		return;
	}
	if (uri_len <= scheme || uri_len - scheme >= PORT_NAME_MAX ||
	    memcmp(uri, URI_SCHEME, scheme) != 0) {
		error_send(source->handle, open.id, ERR_NOT_FOUND, "a port is \"console:NAME\"");
		return;
	}
	request = heap_alloc(sizeof(*request));
	if (request == NULL) {
		error_send(source->handle, open.id, ERR_NO_MEMORY, NULL);
		return;
	}
	request->session = session;
	request->id = open.id;
	request->deadline = time_now() + OPEN_TIMEOUT;
	memcpy(request->name, uri + scheme, uri_len - scheme);
	list_push_back(&session->console->waiting, &request->entry);
	session_retry(session->console);
}

static void session_closed(struct loop *loop, struct source *source)
{
	struct session *session = source->context;

	list_for_each_safe(entry, &session->console->waiting)
	{
		struct open_request *request = container_of(entry, struct open_request, entry);

		if (request->session != session)
			continue;
		list_remove(entry);
		heap_free(request);
	}
	timer_update(session->console);
	loop_close(loop, source);
	heap_free(session);
}

static const struct source_ops session_ops = { .message = session_message,
	                                       .closed = session_closed };

static void session_accepted(void *context, handle_t channel)
{
	struct console *console = context;
	struct session *session = heap_alloc(sizeof(*session));

	if (session != NULL)
		session->console = console;
	if (session == NULL ||
	    loop_add(&console->loop, &session->source, channel, &session_ops, session) != 0) {
		log_warn("no memory for another client");
		heap_free(session);
		handle_close(channel);
	}
}

error_t session_init(struct console *console, handle_t service)
{
	handle_t timer;
	error_t err;

	list_init(&console->waiting);
	console->port_freed = session_retry;
	err = timer_create(&timer);
	if (err == 0)
		err = loop_add(&console->loop, &console->timer, timer, &timer_ops, console);
	if (err == 0)
		err = service_listen(&console->loop, &console->listener, service, session_accepted,
		                     console);
	return err;
}
