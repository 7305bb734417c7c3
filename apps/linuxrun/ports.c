// SPDX-License-Identifier: MIT

#include "apps/linuxrun/ports.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Of one message: large enough to be cheap, small enough that a full queue is no burden.
#define PIECE_MAX (32ul * 1024)

static void port_gone(struct out_port *port)
{
	bool was_full = port->full, was_flushing = port->flushing || port->end_wanted;

	if (!port->open)
		return;
	port->open = false;
	port->full = false;
	port->flushing = false;
	port->end_wanted = false;
	loop_close(port->loop, &port->source);
	if (port->hung_up != NULL)
		port->hung_up(port->context, port);
	if (was_full)
		port->writable(port->context, port);
	if (was_flushing)
		port->flushed(port->context, port);
}

static void send_end(struct out_port *port)
{
	struct msg_end end = {0};
	struct message m;
	error_t err;

	err = message_encode_end(&m, &end, NULL, 0);
	if (err == 0)
		err = channel_send(port->source.handle, &m);
	if (err == ERR_FULL) {
		port->end_wanted = true;
		source_want_writable(&port->source, true);
		return;
	}
	port->end_wanted = false;
	port->flushing = true;
	if (err < 0)
		port_gone(port);
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
	} else if (m->type == MSG_END && port->flushing) {
		port->flushing = false;
		port->flushed(port->context, port);
	} else if (m->type == MSG_END && port->hung_up != NULL) {
		port->hung_up(port->context, port);
	}
	message_discard(m);
}

static void port_writable(struct loop *loop, struct source *source)
{
	struct out_port *port = source->context;

	(void)loop;
	source_want_writable(source, false);
	if (port->full) {
		port->full = false;
		port->writable(port->context, port);
	}
	if (port->open && port->end_wanted)
		send_end(port);
}

static void port_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	port_gone(source->context);
}

static const struct source_ops port_ops = {
	.message = port_message, .writable = port_writable, .closed = port_closed};

void out_port_open(struct out_port *port, struct loop *loop, handle_t channel)
{
	port->loop = loop;
	if (channel == HANDLE_NONE)
		return;
	if (loop_add(loop, &port->source, channel, &port_ops, port) < 0) {
		handle_close(channel);
		return;
	}
	port->open = true;
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
			// The port is closed by the loop's `closed`; or memory is out, and losing output must not go unseen.
			if (err != ERR_PEER_CLOSED)
				log_error("output lost: %zu bytes (error %d)", bytes.len - done, (int)err);
			return bytes.len;
		}
		done += n;
	}
	return bytes.len;
}

void out_port_flush(struct out_port *port)
{
	if (!port->open)
		port->flushed(port->context, port);
	else
		send_end(port);
}
