// SPDX-License-Identifier: MIT

#include "apps/linuxrun/console_ports.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Of one message: large enough to be cheap, small enough that a full queue is not a burden.
#define PIECE_MAX (32ul * 1024)

static void port_gone(struct out_port *port)
{
	bool was_full = port->full;

	port->open = false;
	port->full = false;
	loop_close(port->loop, &port->source);
	if (port->hung_up != NULL)
		port->hung_up(port->context, port);
	if (was_full)
		port->writable(port->context, port);
}

static void port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct out_port *port = source->context;
	struct payload payload;

	(void)loop;
	if (m->type == MSG_DATA && port->input != NULL) {
		if (payload_open(m, &payload) == 0) {
			port->input(port->context, payload.bytes);
			payload_release(&payload);
		}
	} else if (m->type == MSG_END && port->hung_up != NULL) {
		port_gone(port);
	}
	message_discard(m);
}

static void port_writable(struct loop *loop, struct source *source)
{
	struct out_port *port = source->context;

	(void)loop;
	source_want_writable(source, false);
	port->full = false;
	port->writable(port->context, port);
}

static void port_opened(struct opener *opener, handle_t channel, error_t error, const char *text);

// The driver has ended, and with it what it had not written. Its next instance has the port, too.
static void port_closed(struct loop *loop, struct source *source)
{
	struct out_port *port = source->context;

	log_error("%s: its driver has ended: what it had is lost", port->uri);
	loop_close(loop, source);
	port->open = false;
	port->full = true;
	port->reopening = true;
	opener_start(&port->opener, port->loop, port->connector, port->uri, port_opened, port);
}

static void port_reopened(struct out_port *port)
{
	bool flush = port->flushing;

	port->reopening = false;
	port->full = false;
	port->flushing = false;
	if (!port->open && port->hung_up != NULL)
		port->hung_up(port->context, port);
	if (flush)
		out_port_flush(port);
	else
		port->writable(port->context, port);
}

static const struct source_ops port_ops = { .message = port_message,
	                                    .writable = port_writable,
	                                    .closed = port_closed };

static void port_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct out_port *port = opener->context;
	bool flushing = port->flushing && !port->reopening;

	// The host is slow to take what we wrote: it is its right.
	if (error == ERR_EXISTS && flushing) {
		opener_start(opener, port->loop, port->connector, port->uri, port_opened, port);
		return;
	}
	if (channel == HANDLE_NONE)
		log_debug("%s: %s (%s)", port->uri, text, error_text(error));
	else if (loop_add(port->loop, &port->source, channel, &port_ops, port) < 0)
		handle_close(channel);
	else
		port->open = true;
	if (port->reopening) {
		port_reopened(port);
		return;
	}
	port->flushing = false;
	if (flushing)
		port->flushed(port->context, port);
	else
		port->opened(port->context, port);
}

void out_port_open(struct out_port *port, struct loop *loop, handle_t connector, const char *uri)
{
	port->loop = loop;
	port->connector = connector;
	port->uri = uri;
	opener_start(&port->opener, loop, connector, uri, port_opened, port);
}

size_t out_port_write(struct out_port *port, struct span bytes)
{
	size_t done = 0;

	if (port->full)
		return 0;
	while (port->open && done < bytes.len) {
		size_t n = bytes.len - done < PIECE_MAX ? bytes.len - done : PIECE_MAX;
		struct message m;
		error_t err;

		err = payload_make(&m, bytes.data + done, n);
		if (err == 0) {
			err = channel_send(port->source.handle, &m);
			if (err < 0)
				message_discard(&m);
		}
		if (err == ERR_FULL) {
			port->full = true;
			source_want_writable(&port->source, true);
			return done;
		}
		if (err < 0) {
			// The loop's `closed` comes, and the rest waits for the port to be opened
			// again.
			if (err == ERR_PEER_CLOSED) {
				port->full = true;
				return done;
			}
			// Memory is out: losing output must not go unseen.
			log_error("output lost: %zu bytes (%s)", bytes.len - done, error_text(err));
			return bytes.len;
		}
		done += n;
	}
	return bytes.len;
}

void out_port_flush(struct out_port *port)
{
	if (port->reopening) {
		port->flushing = true;
		return;
	}
	if (!port->open) {
		port->flushed(port->context, port);
		return;
	}
	// A port whose channel was closed is free again once all has gone out: so we wait by
	// opening it anew.
	port->open = false;
	port->full = false;
	port->flushing = true;
	loop_close(port->loop, &port->source);
	opener_start(&port->opener, port->loop, port->connector, port->uri, port_opened, port);
}
