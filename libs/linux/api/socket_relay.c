// SPDX-License-Identifier: MIT

#include "libs/linux/api/socket_relay.h"

#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static struct socket_relay_end *other(struct socket_relay_end *end)
{
	return &end->relay->ends[end == &end->relay->ends[0] ? 1 : 0];
}

void socket_relay_stop(struct socket_relay *relay)
{
	for (size_t i = 0; i < 2; i++) {
		loop_close(relay->loop, &relay->ends[i].source);
		if (relay->ends[i].holds)
			message_discard(&relay->ends[i].held);
		relay->ends[i].holds = false;
	}
}

static void finish(struct socket_relay *relay)
{
	socket_relay_stop(relay);
	relay->ended(relay);
}

// Passes on what is held of `end`. Returns false when the relay is over.
static bool forward(struct socket_relay_end *end)
{
	error_t err;

	if (end->holds) {
		err = channel_send(other(end)->source.handle, &end->held);
		if (err == ERR_FULL) {
			source_want_writable(&other(end)->source, true);
			source_want_messages(&end->source, false);
			return true;
		}
		if (err < 0) {
			finish(end->relay);
			return false;
		}
		end->holds = false;
		source_want_messages(&end->source, true);
	}
	// A peer that is gone has said all that it had to; and after both ends nothing follows.
	if (end->closed || (end->ended && other(end)->ended && !other(end)->holds)) {
		finish(end->relay);
		return false;
	}
	return true;
}

static void end_message(struct loop *loop, struct source *source, struct message *m)
{
	struct socket_relay_end *end = source->context;

	(void)loop;
	if (m->type != MSG_DATA && m->type != MSG_END && m->type != MSG_ABORT) {
		message_discard(m);
		return;
	}
	end->ended = end->ended || m->type == MSG_END;
	end->closed = end->closed || m->type == MSG_ABORT;
	end->held = *m;
	end->holds = true;
	(void)forward(end);
}

static void end_writable(struct loop *loop, struct source *source)
{
	struct socket_relay_end *end = source->context;

	(void)loop;
	source_want_writable(source, false);
	(void)forward(other(end));
}

static void end_closed(struct loop *loop, struct source *source)
{
	struct socket_relay_end *end = source->context;

	(void)loop;
	end->closed = true;
	(void)forward(end);
}

static const struct source_ops end_ops = { .message = end_message,
	                                   .writable = end_writable,
	                                   .closed = end_closed };

error_t socket_relay_start(struct socket_relay *relay, struct loop *loop, handle_t a, handle_t b,
                           void (*ended)(struct socket_relay *relay), void *context)
{
	error_t err;

	*relay = (struct socket_relay){ .loop = loop, .ended = ended, .context = context };
	relay->ends[0].relay = relay->ends[1].relay = relay;
	err = loop_add(loop, &relay->ends[0].source, a, &end_ops, &relay->ends[0]);
	if (err < 0)
		return err;
	err = loop_add(loop, &relay->ends[1].source, b, &end_ops, &relay->ends[1]);
	if (err < 0)
		loop_remove(loop, &relay->ends[0].source);
	return err;
}
