// SPDX-License-Identifier: MIT
//
// GET terminal: a WebSocket that is a Linux program's terminal. Binary messages are its bytes, both
// ways; a text message of the client's is {"resize":[rows,cols]}, the server's last one is
// {"exit":N}.
#include "apps/httpd/api/api.h"
#include "apps/httpd/api/words.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define SAID_MAX (64u * 1024)

struct terminal {
	struct command_run run;
	struct httpd *httpd;
	struct websocket *ws;
	struct source out;  // of the program
	struct source in;
	bool is_open;  // `out`
	bool takes_input;
	bool has_ended;
	int status;
	char error[192];
	bool has_unsent;
	struct message unsent;  // input that the stream had no room for
};

// --- From the program ----------------------------------------------------------------------------

static void flow(struct terminal *t)
{
	if (t->is_open)
		source_want_messages(&t->out, websocket_can_send(t->ws));
}

// Says how it ended, once all that it wrote is said.
static void end_if_done(struct terminal *t)
{
	struct json_writer w = { 0 };
	const char *text;

	if (!t->has_ended || t->is_open)
		return;
	write_open(&w, NULL, "{");
	write_signed(&w, "exit", t->status);
	if (t->error[0] != '\0')
		write_text(&w, "error", t->error);
	write_close(&w, "}");
	text = json_writer_text(&w);
	if (text != NULL &&
	    websocket_send(t->ws, true, (struct span){ (const uint8_t *)text, w.len }) == 0)
		websocket_close(t->ws, WEBSOCKET_NORMAL, "");
	else
		websocket_close(t->ws, WEBSOCKET_FAILED, "");
	json_writer_deinit(&w);
}

static void stream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct terminal *t = source->context;
	struct http_connection *connection = websocket_hold(t->ws);
	struct payload payload;

	(void)loop;
	if (m->type == MSG_DATA && payload_open(m, &payload) == 0) {
		if (websocket_send(t->ws, false, payload.bytes) != 0)
			websocket_close(t->ws, WEBSOCKET_FAILED, "out of memory");
		payload_release(&payload);
	} else {
		message_discard(m);
	}
	flow(t);
	http_let_go(connection);
}

static void stream_closed(struct loop *loop, struct source *source)
{
	struct terminal *t = source->context;
	struct http_connection *connection = websocket_hold(t->ws);

	loop_close(loop, source);
	t->is_open = false;
	end_if_done(t);
	http_let_go(connection);
}

// --- To the program ------------------------------------------------------------------------------

// Sends what waits; until then the client is not read.
static void input_flush(struct terminal *t)
{
	error_t err = t->takes_input ? channel_send(t->in.handle, &t->unsent) : ERR_PEER_CLOSED;

	if (err == ERR_FULL) {
		source_want_writable(&t->in, true);
		websocket_pause(t->ws, true);
		return;
	}
	if (err != 0)
		message_discard(&t->unsent);
	t->has_unsent = false;
	if (t->takes_input)
		source_want_writable(&t->in, false);
	websocket_pause(t->ws, false);
}

static void stream_writable(struct loop *loop, struct source *source)
{
	struct terminal *t = source->context;
	struct http_connection *connection = websocket_hold(t->ws);

	(void)loop;
	if (t->has_unsent)
		input_flush(t);
	http_let_go(connection);
}

static void in_closed(struct loop *loop, struct source *source)
{
	struct terminal *t = source->context;
	struct http_connection *connection = websocket_hold(t->ws);

	loop_close(loop, source);
	t->takes_input = false;
	if (t->has_unsent)
		input_flush(t);
	http_let_go(connection);
}

static void in_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static const struct source_ops in_ops = { .message = in_message,
	                                  .writable = stream_writable,
	                                  .closed = in_closed };
static const struct source_ops out_ops = { .message = stream_message, .closed = stream_closed };

// {"resize":[rows,cols]}
static bool resize_take(struct terminal *t, struct span text)
{
	struct json_reader r = json_reader_make(text);
	uint64_t size[2] = { 0, 0 };
	size_t count = 0;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (!span_is(key, "resize")) {
			json_skip(&r);
			continue;
		}
		json_enter_array(&r);
		while (json_next_element(&r)) {
			uint64_t value = json_take_u64(&r);

			if (count < 2)
				size[count] = value;
			count++;
		}
	}
	if (json_reader_status(&r) != 0 || !json_at_end(&r) || count != 2 || size[0] == 0 ||
	    size[1] == 0 || size[0] > 1000 || size[1] > 1000)
		return false;
	command_run_resize(&t->run, (uint16_t)size[0], (uint16_t)size[1]);
	return true;
}

static void ws_message(void *context, struct websocket *ws, bool is_text, struct span bytes)
{
	struct terminal *t = context;

	if (is_text) {
		if (!resize_take(t, bytes))
			websocket_close(ws, WEBSOCKET_REFUSED, "say {\"resize\":[rows,cols]}");
		return;
	}
	if (bytes.len == 0 || !t->takes_input)
		return;
	if (payload_make(&t->unsent, bytes.data, bytes.len) != 0) {
		websocket_close(ws, WEBSOCKET_FAILED, "out of memory");
		return;
	}
	t->has_unsent = true;
	input_flush(t);
}

static void ws_writable(void *context, struct websocket *ws)
{
	(void)ws;
	flow(context);
}

static void ws_gone(void *context, struct websocket *ws)
{
	struct terminal *t = context;

	(void)ws;
	command_run_stop(&t->run);
	if (t->is_open)
		loop_close(&t->httpd->loop, &t->out);
	if (t->takes_input)
		loop_close(&t->httpd->loop, &t->in);
	if (t->has_unsent)
		message_discard(&t->unsent);
	heap_free(t);
}

static const struct websocket_handler ws_handler = { .message = ws_message,
	                                             .writable = ws_writable,
	                                             .gone = ws_gone };

// --- Its life ------------------------------------------------------------------------------------

static void run_started(struct command_run *run, const handle_t *streams, size_t count)
{
	struct terminal *t = container_of(run, struct terminal, run);
	struct http_connection *connection = websocket_hold(t->ws);

	for (size_t i = 0; i < count; i++) {
		if (i == 0 && loop_add(&t->httpd->loop, &t->in, streams[0], &in_ops, t) == 0)
			t->takes_input = true;
		else if (i == 1 && loop_add(&t->httpd->loop, &t->out, streams[1], &out_ops, t) == 0)
			t->is_open = true;
		else
			handle_close(streams[i]);
	}
	websocket_pause(t->ws, false);
	http_let_go(connection);
}

static void run_ended(struct command_run *run, int status, const char *error)
{
	struct terminal *t = container_of(run, struct terminal, run);
	struct http_connection *connection = websocket_hold(t->ws);

	t->has_ended = true;
	t->status = status;
	str_copy(t->error, error, sizeof(t->error));
	end_if_done(t);
	http_let_go(connection);
}

static const struct command_run_ops run_ops = { .started = run_started, .ended = run_ended };

API_START(terminal_get)
{
	struct httpd *httpd = context;
	struct command_words words = { 0 };
	struct terminal *t;
	error_t err;

	if (!api_wants_websocket(exchange, head))
		return;
	err = words_read_query(&words, match->query);
	if (err != 0) {
		api_failed(
			exchange, err,
			"terminal takes argv=WORD (again and again), image, cwd, rows, cols, memory");
		words_free(&words);
		return;
	}
	words.flags = COMMANDS_TERMINAL;
	t = heap_alloc(sizeof(*t));
	if (t == NULL) {
		words_free(&words);
		http_abort(exchange);
		return;
	}
	t->httpd = httpd;
	t->run.ops = &run_ops;
	err = command_run_begin(httpd, &t->run, &words);
	words_free(&words);
	if (err != 0) {
		api_failed(exchange, err, "the terminal cannot be opened");
		heap_free(t);
		return;
	}
	err = websocket_start(exchange, websocket_key(head), API_PROTOCOL, SAID_MAX, &ws_handler, t,
	                      &t->ws);
	if (err != 0)
		ws_gone(t, NULL);
	else
		websocket_pause(t->ws, true);
}
