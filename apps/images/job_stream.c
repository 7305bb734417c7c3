// SPDX-License-Identifier: MIT
//
// The streams of a job's container: what becomes of the lines that it says.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void tell_all(struct job *job, struct span json)
{
	list_for_each(entry, &job->waiters)
		waiter_line(container_of(entry, struct job_waiter, entry), json, true);
}

static void say_loaded(struct job *job, const struct line *line)
{
	char text[IMAGE_NAME_MAX + 64];

	list_for_each(entry, &job->waiters) {
		struct job_waiter *waiter = container_of(entry, struct job_waiter, entry);

		for (size_t i = 0; i < line->references.count; i++) {
			fmt_write(text, sizeof(text), "Loaded image: %s\n",
			          reference_familiar(line->references.items[i]));
			waiter_say(waiter, "stream", text);
		}
		fmt_write(text, sizeof(text), "Loaded image ID: %s\n", line->id);
		if (line->references.count == 0)
			waiter_say(waiter, "stream", text);
	}
}

static void take_line(void *context, enum output_stream stream, struct span text)
{
	struct job *job = context;
	char error[OUTPUT_ERROR_MAX];
	struct line line;
	error_t err;

	if (stream == OUTPUT_STDERR) {
		fmt_write(job->stderr_line, sizeof(job->stderr_line), "%.*s", (int)text.len,
		          (const char *)text.data);
		return;
	}
	line_read(text, &line);
	if (job->kind == JOB_LOGIN && (line.kind == LINE_IMAGE || line.kind == LINE_LAYER))
		line.kind = LINE_NONE;
	switch (line.kind) {
	case LINE_PROGRESS:
		if (!job->is_quiet)
			tell_all(job, text);
		break;
	case LINE_ERROR: job_fail(job, line.error); break;
	case LINE_NONE: job_fail_and_stop(job, ERR_PROTOCOL); break;
	case LINE_LAYER:
		err = layers_take(job, &line);
		if (err < 0)
			job_fail_and_stop(job, err);
		break;
	case LINE_IMAGE:
		if (job->error[0] != '\0')
			break;
		if (ingest(job, &line, error) < 0) {
			job_fail(job, error);
			break;
		}
		job->num_images++;
		// Its record says what it needs.
		layers_unpin(job);
		if (job->kind == JOB_LOAD)
			say_loaded(job, &line);
		str_copy(job->image_id, line.id, sizeof(job->image_id));
		break;
	}
	line_deinit(&line);
}

static void stream_over(struct job *job)
{
	job->stream_open = false;
	loop_close(&job->images->loop, &job->stream);
	job_check_end(job);
}

static void stream_message(struct loop *loop, struct source *source, struct message *m)
{
	struct job *job = source->context;
	struct payload payload;
	error_t err;

	(void)loop;
	if (m->type == MSG_END) {
		message_discard(m);
		stream_over(job);
		return;
	}
	err = payload_open(m, &payload);
	if (err == 0) {
		err = output_take(job->output, payload.bytes);
		payload_release(&payload);
	}
	// Without this piece the next ones would be read amiss.
	if (err < 0) {
		job_fail_and_stop(job, err);
		stream_over(job);
	}
}

static void stream_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	input_go_on(source->context);
}

static void stream_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	stream_over(source->context);
}

static const struct source_ops stream_ops = {
	.message = stream_message,
	.writable = stream_writable,
	.closed = stream_closed,
};

error_t job_open_stream(struct job *job)
{
	handle_t ends[2];
	error_t err = channel_create(ends);

	if (err < 0)
		return err;
	job->far = ends[1];
	err = loop_add(&job->images->loop, &job->stream, ends[0], &stream_ops, job);
	if (err < 0) {
		handle_close(ends[0]);
		return err;
	}
	job->stream_open = true;
	job->output->line = take_line;
	job->output->context = job;
	return 0;
}
