// SPDX-License-Identifier: MIT
#include "libs/http/server.h"

#include "libs/http/connection.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define TICK (HTTP_TICK_SECONDS * NSEC_PER_SEC)
// The first wait for a port that is in use: by another instance of this app, as a rule, that was
// ended and not yet taken apart.
#define PORT_WAIT (50 * NSEC_PER_MSEC)
#define PORT_WAIT_TOLD NSEC_PER_SEC

static void start_ticking(struct http_server *server)
{
	nsec_t delay = server->deaf && server->port_wait != 0 ? server->port_wait : TICK;
	nsec_t now;

	if (server->ticking || (server->service.num_connections == 0 && !server->deaf) ||
	    clock_get(CLOCK_MONOTONIC, &now))
		return;
	server->ticking = timer_set(server->timer.handle, now + delay) == 0;
}

// Memory or handles are out: the server listens again when the timer ticks.
static void listen_later(struct http_server *server, const char *what)
{
	log_error("cannot %s: trying again in %d s", what, HTTP_TICK_SECONDS);
	server->deaf = true;
	start_ticking(server);
}

// The port is in use: the server listens again soon, and then less and less often.
static void port_wait(struct http_server *server)
{
	nsec_t wait = server->port_wait == 0 ? PORT_WAIT : 2 * server->port_wait;

	server->port_wait = wait < TICK ? wait : TICK;
	if (wait >= PORT_WAIT_TOLD)
		log_error("cannot listen on %s: the port is in use", server->uri);
	server->deaf = true;
	server->ticking = false;
	start_ticking(server);
}

static void listens(const struct http_server *server, bool now)
{
	if (server->listens != NULL)
		server->listens(server->service.context, now);
}

static void reconnect(struct http_server *server)
{
	if (server->listener.handle != HANDLE_NONE)
		listens(server, false);
	loop_close(server->service.loop, &server->control);
	loop_close(server->service.loop, &server->listener);
	if (service_client_again(&server->client))
		listen_later(server, "connect to tcpip");
}

static void lost(struct loop *loop, struct source *source)
{
	(void)loop;
	reconnect(source->context);
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct http_server *server = source->context;

	(void)loop;
	server->ticking = false;
	if (timer_set(source->handle, NSEC_NEVER))
		log_error("cannot set the timer");
	// Not for a tick that came early.
	if (!server->deaf || server->port_wait == 0 || server->port_wait == TICK) {
		list_for_each_safe(entry, &server->service.connections)
			http_connection_tick(container_of(entry, struct http_connection, entry));
	}
	if (server->deaf) {
		server->deaf = false;
		reconnect(server);
	}
	start_ticking(server);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

static void listener_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_server *server = source->context;
	struct msg_connect connect;
	const uint8_t *peer;
	size_t peer_len;

	(void)loop;
	if (message_decode_connect(m, &connect, &peer, &peer_len) || m->num_handles != 1) {
		message_discard(m);
		return;
	}
	http_connection_create(&server->service, m->handles[0]);
	start_ticking(server);
}

static const struct source_ops listener_ops = { .message = listener_message, .closed = lost };

// The answer to our one open request.
static void control_message(struct loop *loop, struct source *source, struct message *m)
{
	struct http_server *server = source->context;
	struct msg_open_reply reply;
	struct msg_error error;
	const uint8_t *tail;
	size_t tail_len;

	if (!message_decode_open_reply(m, &reply, &tail, &tail_len) && m->num_handles == 1 &&
	    server->listener.handle == HANDLE_NONE) {
		if (loop_add(loop, &server->listener, m->handles[0], &listener_ops, server)) {
			handle_close(m->handles[0]);
			server->listener.handle = HANDLE_NONE;
			listen_later(server, "watch the listener");
			return;
		}
		server->port_wait = 0;
		log_info("serving %s", server->uri);
		listens(server, true);
		return;
	}
	if (!message_decode_error(m, &error, &tail, &tail_len) && error.error == ERR_EXISTS &&
	    server->listener.handle == HANDLE_NONE) {
		port_wait(server);
	} else if (!message_decode_error(m, &error, &tail, &tail_len)) {
		log_error("cannot listen on %s: %.*s (%s)", server->uri, (int)tail_len,
		          (const char *)tail, error_text(error.error));
		if (server->listener.handle != HANDLE_NONE)
			;  // it is no answer to ours
		else if (error.error != ERR_INVALID)
			listen_later(server, "listen");
		else if (server->refused != NULL)
			server->refused(server->service.context, error.error);
	}
	message_discard(m);
}

static const struct source_ops control_ops = { .message = control_message, .closed = lost };

static void connected(void *context, handle_t channel)
{
	struct http_server *server = context;

	if (loop_add(server->service.loop, &server->control, channel, &control_ops, server)) {
		handle_close(channel);
		server->control.handle = HANDLE_NONE;
		listen_later(server, "watch the connection to tcpip");
		return;
	}
	if (open_send(channel, 1, server->uri))
		reconnect(server);
}

void http_server_configure(struct http_server *server, const struct http_server_options *options)
{
	server->service.gate = options->gate;
	server->service.host_optional = options->host_optional;
	server->listens = options->listens;
	server->refused = options->refused;
}

void http_server_stop(struct http_server *server)
{
	struct loop *loop = server->service.loop;

	service_client_stop(&server->client);
	loop_close(loop, &server->control);
	loop_close(loop, &server->listener);
	loop_close(loop, &server->timer);
	list_for_each_safe(entry, &server->service.connections)
		http_connection_end(container_of(entry, struct http_connection, entry));
}

error_t http_server_start(struct loop *loop, struct http_server *server, handle_t connector,
                          const char *uri, const struct http_handler *handler, void *context)
{
	handle_t timer;
	error_t err;

	*server = (struct http_server){
		.service = { .loop = loop, .handler = handler, .context = context },
		.uri = uri,
	};
	list_init(&server->service.connections);
	err = timer_create(&timer);
	if (err)
		return err;
	err = loop_add(loop, &server->timer, timer, &timer_ops, server);
	if (!err)
		err = service_client_start(loop, &server->client, connector, connected, server);
	if (err)
		loop_close(loop, &server->timer);
	return err;
}
