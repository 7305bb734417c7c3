// SPDX-License-Identifier: MIT
//
// A connection that has become a container's streams: bytes between it and the channel to the
// container's vmm, as they are, with backpressure both ways. The bodies of a transfer, of a request
// and its answer, travel over such a channel as well; the connection stays what it is.
#include "apps/engine/engine.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MULTIPLEXED_SINCE 42u  // of the API's versions, the type is told

static void flow(struct call *call)
{
	// After the end of its output there is only its closing to be heard of.
	if (call->stream_open)
		source_want_messages(&call->stream,
		                     call->output_ended || http_can_send(call->exchange));
}

// --- From the container --------------------------------------------------------------------------

static error_t pass_on(struct call *call, struct message *m)
{
	struct msg_data data;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_data(m, &data, &tail, &tail_len);

	if (err < 0)
		message_discard(m);
	else if (m->num_handles > 0)
		err = http_send_folio(call->exchange, m->handles[0], data.offset, data.length);
	else
		err = http_send(call->exchange, tail, tail_len);
	return err;
}

static void stream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct call *call = source->context;
	struct http_connection *connection = http_hold(call->exchange);
	error_t err;

	(void)loop;
	if (call->line != NULL) {
		archive_take(call, m);
		http_let_go(connection);
		return;
	}
	if (m->type == MSG_END) {
		message_discard(m);
		call->output_ended = true;
		err = http_send_end(call->exchange);
	} else {
		err = pass_on(call, m);
	}
	if (err < 0)
		http_abort(call->exchange);
	else
		flow(call);
	http_let_go(connection);
}

// --- From the client -----------------------------------------------------------------------------

// Consumes the message, or keeps it for later.
static void send_or_keep(struct call *call, struct message *m)
{
	error_t err = channel_send(call->stream.handle, m);

	if (err == ERR_FULL) {
		call->unsent = *m;
		call->has_unsent = true;
		source_want_writable(&call->stream, true);
		http_pause_body(call->exchange, true);
	} else if (err < 0) {
		// The container's end closes the stream.
		message_discard(m);
	}
}

static void send_end(struct call *call)
{
	static const struct msg_end end;
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	if (call->stream_open && !call->has_unsent)
		send_or_keep(call, &m);
}

void transfer_take(struct call *call, struct span bytes)
{
	struct message m;

	if (!call->stream_open)
		return;
	if (payload_make(&m, bytes.data, bytes.len) < 0) {
		log_warn("there is no memory for what a client sends");
		http_abort(call->exchange);
		return;
	}
	send_or_keep(call, &m);
}

void transfer_take_end(struct call *call)
{
	call->peer_ended = true;
	send_end(call);
}

void transfer_go_on(struct call *call)
{
	if (call->is_stream || call->has_begun)
		flow(call);
}

static void on_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	(void)context;
	transfer_take(exchange->user, bytes);
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	transfer_take_end(exchange->user);
}

static void on_writable(void *context, struct http_exchange *exchange)
{
	(void)context;
	transfer_go_on(exchange->user);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	call_free(exchange->user);
	exchange->user = NULL;
}

static const struct http_handler stream_handler = {
	.body = on_body,
	.body_end = on_body_end,
	.writable = on_writable,
	.gone = on_gone,
};

static void stream_writable(struct loop *loop, struct source *source)
{
	struct call *call = source->context;

	(void)loop;
	source_want_writable(source, false);
	if (call->has_unsent) {
		call->has_unsent = false;
		send_or_keep(call, &call->unsent);
	}
	if (call->has_unsent)
		return;
	if (call->peer_ended)
		send_end(call);
	else
		http_pause_body(call->exchange, false);
}

static void stream_closed(struct loop *loop, struct source *source)
{
	struct call *call = source->context;
	struct http_connection *connection = http_hold(call->exchange);

	loop_close(loop, source);
	call->stream_open = false;
	// Before the answer, that says what is wrong. A body that has no end broke off.
	if (call->is_stream)
		http_stream_close(call->exchange);
	else if (call->has_begun && !call->output_ended)
		http_abort(call->exchange);
	else
		http_pause_body(call->exchange, false);
	http_let_go(connection);
}

static const struct source_ops stream_ops = {
	.message = stream_message,
	.writable = stream_writable,
	.closed = stream_closed,
};

// --- Begin and end -------------------------------------------------------------------------------

error_t stream_open(struct call *call)
{
	handle_t ends[2];
	error_t err = channel_create(ends);

	if (err < 0)
		return err;
	call->far = ends[1];
	err = loop_add(&call->engine->loop, &call->stream, ends[0], &stream_ops, call);
	if (err < 0) {
		handle_close(ends[0]);
		return err;
	}
	call->stream_open = true;
	source_want_messages(&call->stream, false);
	return 0;
}

const char *stream_type(const struct call *call, bool has_terminal)
{
	return has_terminal || call->minor < MULTIPLEXED_SINCE
		? "application/vnd.docker.raw-stream"
		: "application/vnd.docker.multiplexed-stream";
}

void stream_begin(struct call *call, bool has_terminal)
{
	char fields[128];
	size_t len = fmt_write(fields, sizeof(fields), "Content-Type: %s\r\n%s",
	                       stream_type(call, has_terminal),
	                       call->upgrades ? "Upgrade: tcp\r\n" : "");
	error_t err;

	call->is_stream = true;
	err = http_stream_start(call->exchange, call->upgrades ? 101 : 200,
	                        (struct span){ (const uint8_t *)fields, len }, &stream_handler,
	                        NULL);
	if (err < 0)
		http_abort(call->exchange);
	else
		flow(call);
}

void transfer_begin(struct call *call)
{
	flow(call);
}

void stream_free(struct call *call)
{
	if (call->has_unsent)
		message_discard(&call->unsent);
	if (call->stream_open)
		loop_close(&call->engine->loop, &call->stream);
	if (call->far != HANDLE_NONE)
		handle_close(call->far);
	call->stream_open = call->has_unsent = false;
	call->far = HANDLE_NONE;
}
