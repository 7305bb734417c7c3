// SPDX-License-Identifier: MIT
//
// The clients that wait for a job: what they are told, and what they send.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Of a message of ours.
#define PIECE_MAX 16384u

void waiter_free(struct job_waiter *waiter)
{
	list_remove(&waiter->entry);
	loop_close(&waiter->images->loop, &waiter->source);
	json_writer_deinit(&waiter->out);
	heap_free(waiter);
}

// --- To the client -------------------------------------------------------------------------------

// Returns whether all of it went out.
static bool flush(struct job_waiter *waiter)
{
	error_t err = 0;

	while (waiter->sent < waiter->out.len && err == 0) {
		size_t len = waiter->out.len - waiter->sent;
		struct message m;

		len = len < PIECE_MAX ? len : PIECE_MAX;
		err = payload_make(&m, waiter->out.text + waiter->sent, len);
		if (err == 0) {
			err = channel_send(waiter->source.handle, &m);
			if (err < 0)
				message_discard(&m);
		}
		if (err == 0)
			waiter->sent += len;
	}
	if (waiter->sent == waiter->out.len) {
		json_writer_deinit(&waiter->out);
		waiter->out = (struct json_writer){ 0 };
		waiter->sent = 0;
	}
	return err == 0;
}

static void send_on(struct job_waiter *waiter)
{
	static const struct msg_end end;
	bool done = flush(waiter);
	struct message m;
	error_t err;

	if (done && waiter->is_over && !waiter->ended) {
		err = message_encode_end(&m, &end, NULL, 0);
		assert(err == 0);
		// The other end has gone, or there is room soon.
		waiter->ended = channel_send(waiter->source.handle, &m) == 0;
		done = waiter->ended;
	}
	source_want_writable(&waiter->source, !done);
}

static void accept(struct job_waiter *waiter)
{
	if (!waiter->accepted)
		reply_empty(waiter->client, waiter->id, CONTAINERS_ACCEPTED, 0);
	waiter->accepted = true;
}

void waiter_line(struct job_waiter *waiter, struct span json, bool is_progress)
{
	if (is_progress && waiter->out.len - waiter->sent > WAITER_BYTES_MAX)
		return;
	accept(waiter);
	json_write_span(&waiter->out, json);
	json_write_raw(&waiter->out, "\r\n");
	send_on(waiter);
}

void waiter_say(struct job_waiter *waiter, const char *key, const char *text)
{
	struct json_writer w = { 0 };
	const char *json;

	json_write_raw(&w, "{\"");
	json_write_raw(&w, key);
	json_write_raw(&w, "\":");
	json_write_string(&w, text);
	json_write_raw(&w, "}");
	json = json_writer_text(&w);
	if (json != NULL)
		waiter_line(waiter, (struct span){ (const uint8_t *)json, w.len }, false);
	json_writer_deinit(&w);
}

void waiter_finish(struct job_waiter *waiter, const char *error, uint32_t status)
{
	// A load says in its stream what is wrong, always: clients look nowhere else.
	bool has_status = waiter->job == NULL || waiter->job->kind != JOB_LOAD;
	struct json_writer w = { 0 };
	const char *json;

	waiter->job = NULL;
	list_remove(&waiter->entry);
	if (error[0] != '\0' && !waiter->accepted && has_status) {
		reply_error(waiter->client, waiter->id, status, "%s", error);
		waiter_free(waiter);
		return;
	}
	if (error[0] != '\0') {
		json_write_raw(&w, "{\"errorDetail\":{\"message\":");
		json_write_string(&w, error);
		json_write_raw(&w, "},\"error\":");
		json_write_string(&w, error);
		json_write_raw(&w, "}");
		json = json_writer_text(&w);
		if (json != NULL)
			waiter_line(waiter, (struct span){ (const uint8_t *)json, w.len }, false);
		json_writer_deinit(&w);
	}
	accept(waiter);
	waiter->is_over = true;
	send_on(waiter);
}

// --- From the client -----------------------------------------------------------------------------

static void waiter_message(struct loop *loop, struct source *source, struct message *m)
{
	struct job_waiter *waiter = source->context;
	struct job *job = waiter->job;

	(void)loop;
	// Only what is loaded has a body; and nothing is wanted when it is over.
	if (job == NULL || job->login != NULL || job->input_ended ||
	    (m->type != MSG_DATA && m->type != MSG_END)) {
		message_discard(m);
		return;
	}
	idle_heard(job);
	job->input_ended = m->type == MSG_END;
	if (!input_send(job, m))
		source_want_messages(source, false);
}

static void waiter_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	send_on(source->context);
}

static void waiter_gone(struct loop *loop, struct source *source)
{
	struct job_waiter *waiter = source->context;
	struct job *job = waiter->job;

	(void)loop;
	waiter_free(waiter);
	if (job != NULL)
		job_left(job);
}

// What it has sent of a container's files is read to its end. It sends nothing before it is told
// that its job has begun.
static void waiter_hung_up(struct loop *loop, struct source *source)
{
	const struct job_waiter *waiter = source->context;

	if (waiter->job == NULL || waiter->job->kind != JOB_COMMIT || waiter->job->number == 0)
		waiter_gone(loop, source);
}

static const struct source_ops waiter_ops = {
	.message = waiter_message,
	.writable = waiter_writable,
	.closed = waiter_gone,
	.hung_up = waiter_hung_up,
};

struct job_waiter *waiter_make(struct request *request, struct job *job)
{
	struct job_waiter *waiter = heap_alloc(sizeof(*waiter));

	if (waiter == NULL || request->channel == HANDLE_NONE ||
	    loop_add(&request->images->loop, &waiter->source, request->channel, &waiter_ops,
	             waiter) < 0) {
		heap_free(waiter);
		request_refuse(request, 500, "out of memory");
		return NULL;
	}
	request->channel = HANDLE_NONE;
	// Before its job begins there is nobody who would read its body.
	source_want_messages(&waiter->source, job->stream_open);
	waiter->images = request->images;
	waiter->job = job;
	waiter->client = request->client;
	waiter->id = request->id;
	list_push_back(&job->waiters, &waiter->entry);
	return waiter;
}
