// SPDX-License-Identifier: MIT
//
// POST commands: a Linux program, and what it writes, as it comes: a line of JSON each.
#include "apps/httpd/api/api.h"
#include "apps/httpd/api/words.h"
#include "libs/base/base64.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define BODY_MAX (256u * 1024)
#define PIECE 6144u  // bytes of a line, a multiple of 3
#define STREAMS 2    // stdout, stderr

struct command_job {
	struct api_job job;
	struct command_run run;
	struct source streams[STREAMS];
	bool is_open[STREAMS];
	bool begun;  // the answer
	bool has_ended;
	int status;
	char error[192];
	char *input;  // heap: what the program reads
};

// --- The answer ----------------------------------------------------------------------------------

static void answer_begin(struct command_job *c)
{
	static const char fields[] = API_FIELDS "Content-Type: application/x-ndjson\r\n";

	if (c->begun)
		return;
	c->begun = true;
	if (http_respond_fields(c->job.exchange, 200,
	                        (struct span){ (const uint8_t *)fields, sizeof(fields) - 1 }, false,
	                        0) != 0)
		http_abort(c->job.exchange);
}

static void line_send(struct command_job *c, struct json_writer *w)
{
	const char *text;

	write_close(w, "}\n");
	text = json_writer_text(w);
	if (text == NULL || http_send(c->job.exchange, text, w->len) != 0)
		http_abort(c->job.exchange);
	json_writer_deinit(w);
}

// Ends the answer once all was said.
static void end_if_done(struct command_job *c)
{
	struct json_writer w = { 0 };

	if (!c->has_ended || c->is_open[0] || c->is_open[1])
		return;
	answer_begin(c);
	write_open(&w, NULL, "{");
	write_signed(&w, "exit", c->status);
	if (c->error[0] != '\0')
		write_text(&w, "error", c->error);
	line_send(c, &w);
	if (http_send_end(c->job.exchange) != 0)
		http_abort(c->job.exchange);
}

static void output_send(struct command_job *c, const char *stream, struct span bytes)
{
	char text[BASE64_SIZE(PIECE)];

	while (bytes.len > 0) {
		size_t len = bytes.len < PIECE ? bytes.len : PIECE;
		struct json_writer w = { 0 };

		base64_encode((struct span){ bytes.data, len }, text);
		write_open(&w, NULL, "{");
		write_text(&w, "stream", stream);
		write_text(&w, "data", text);
		line_send(c, &w);
		bytes = (struct span){ bytes.data + len, bytes.len - len };
	}
}

// --- The streams ---------------------------------------------------------------------------------

static void flow(struct command_job *c)
{
	for (int i = 0; i < STREAMS; i++) {
		if (c->is_open[i])
			source_want_messages(&c->streams[i], http_can_send(c->job.exchange));
	}
}

static void stream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct command_job *c = source->context;
	struct http_connection *connection = http_hold(c->job.exchange);
	struct payload payload;

	(void)loop;
	if (m->type == MSG_DATA && payload_open(m, &payload) == 0) {
		output_send(c, source == &c->streams[0] ? "stdout" : "stderr", payload.bytes);
		payload_release(&payload);
	} else {
		message_discard(m);
	}
	flow(c);
	http_let_go(connection);
}

static void stream_closed(struct loop *loop, struct source *source)
{
	struct command_job *c = source->context;
	struct http_connection *connection = http_hold(c->job.exchange);

	loop_close(loop, source);
	c->is_open[source - c->streams] = false;
	end_if_done(c);
	http_let_go(connection);
}

static const struct source_ops stream_ops = { .message = stream_message, .closed = stream_closed };

// What the program reads, and its end.
static void input_send(const struct command_job *c, handle_t channel)
{
	struct message m;

	if (c->input != NULL && payload_make(&m, c->input, strlen(c->input)) == 0 &&
	    channel_send(channel, &m) != 0)
		message_discard(&m);
	handle_close(channel);
}

static void run_started(struct command_run *run, const handle_t *streams, size_t count)
{
	struct command_job *c = container_of(run, struct command_job, run);
	struct http_connection *connection = http_hold(c->job.exchange);

	answer_begin(c);
	for (size_t i = 0; i < count; i++) {
		if (i == 0)
			input_send(c, streams[0]);
		else if (i <= STREAMS &&
		         loop_add(&c->job.httpd->loop, &c->streams[i - 1], streams[i], &stream_ops,
		                  c) == 0)
			c->is_open[i - 1] = true;
		else
			handle_close(streams[i]);
	}
	http_let_go(connection);
}

static void run_ended(struct command_run *run, int status, const char *error)
{
	struct command_job *c = container_of(run, struct command_job, run);
	struct http_connection *connection = http_hold(c->job.exchange);

	c->has_ended = true;
	c->status = status;
	str_copy(c->error, error, sizeof(c->error));
	end_if_done(c);
	http_let_go(connection);
}

static const struct command_run_ops run_ops = { .started = run_started, .ended = run_ended };

// --- The request ---------------------------------------------------------------------------------

static void job_body_end(struct api_job *job)
{
	struct command_job *c = (struct command_job *)job;
	struct command_words words;
	error_t err = words_read_json(&words, http_body(job->exchange), &c->input);

	if (err != 0) {
		api_failed(job->exchange, err,
		           "the body is {\"argv\":[words],\"env\":[\"NAME=VALUE\"],\"cwd\":\"\","
		           "\"image\":\"\",\"memory\":bytes,\"stdin\":\"\"}");
	} else {
		err = command_run_begin(job->httpd, &c->run, &words);
		if (err != 0)
			api_failed(job->exchange, err, "the command cannot be run");
	}
	words_free(&words);
}

static void job_writable(struct api_job *job)
{
	flow((struct command_job *)job);
}

static void job_gone(struct api_job *job)
{
	struct command_job *c = (struct command_job *)job;

	command_run_stop(&c->run);
	for (int i = 0; i < STREAMS; i++) {
		if (c->is_open[i])
			loop_close(&job->httpd->loop, &c->streams[i]);
	}
	heap_free(c->input);
}

static const struct api_job_ops job_ops = { .body_end = job_body_end,
	                                    .writable = job_writable,
	                                    .gone = job_gone,
	                                    .lasts = true };

API_START(commands_post)
{
	struct command_job *c = api_job_create(context, exchange, sizeof(*c), &job_ops);

	(void)head;
	(void)match;
	if (c == NULL)
		return;
	list_init(&c->run.entry);
	c->run.ops = &run_ops;
	http_collect_body(exchange, BODY_MAX);
}
