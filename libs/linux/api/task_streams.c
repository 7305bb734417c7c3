// SPDX-License-Identifier: MIT
//
// stdin, stdout and stderr of a task: nowhere, the app's log, kept in memory, or channels of the
// app's.

#include "libs/base/string.h"
#include "libs/linux/api/task.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of one message: large enough to be cheap, small enough that a full queue is not a burden.
#define PIECE_MAX (32ul * 1024)
// How long output waits for memory that is out: nothing tells when there is some again.
#define RETRY_DELAY (10 * NSEC_PER_MSEC)

// --- Output --------------------------------------------------------------------------------------

static void flush_line(struct task_output *output)
{
	if (output->line_len > 0)
		log_info("%.*s", (int)output->line_len, output->line);
	output->line_len = 0;
}

static void log_bytes(struct task_output *output, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] != '\n')
			output->line[output->line_len++] = (char)bytes.data[i];
		if (bytes.data[i] == '\n' || output->line_len == sizeof(output->line))
			flush_line(output);
	}
}

bool task_collect_reserve(struct span *collected, size_t *capacity, size_t len)
{
	size_t wanted = *capacity;
	uint8_t *data;

	if (collected->len + len < wanted)
		return true;
	wanted = 2 * (collected->len + len) + 256;
	data = heap_alloc(wanted);
	if (data == NULL)
		return false;
	if (collected->len > 0)
		memcpy(data, collected->data, collected->len);
	heap_free((void *)(uintptr_t)collected->data);
	collected->data = data;
	*capacity = wanted;
	return true;
}

static void collect(struct task_output *output, struct span bytes)
{
	size_t room = COMMAND_COLLECT_MAX - output->collected.len;
	size_t len = bytes.len < room ? bytes.len : room;

	if (!task_collect_reserve(&output->collected, &output->capacity, len)) {
		task_fail(output->task, COMMAND_STATUS_KILLED,
		          "killed: there is no memory for its output");
		return;
	}
	memcpy((uint8_t *)(uintptr_t)output->collected.data + output->collected.len, bytes.data,
	       len);
	output->collected.len += len;
	if (len < bytes.len && !output->drops)
		task_fail(output->task, COMMAND_STATUS_KILLED,
		          "killed: it wrote more than %u bytes", COMMAND_COLLECT_MAX);
}

static void pipe_close(struct task_output *output)
{
	struct loop *loop = output->task->runtime->supply.loop;

	if (!output->pipe_open)
		return;
	output->pipe_open = false;
	loop_close(loop, &output->pipe);
	loop_close(loop, &output->retry);
}

static void output_gone(struct task_output *output)
{
	struct task *task = output->task;

	if (!output->pipe_open)
		return;
	pipe_close(output);
	if (task->container == NULL)
		return;
	guest_container_output_close(task->container, output->stream);
	guest_container_output_resume(task->container, output->stream);
}

// Memory is out: what is left is sent again in a while.
static void retry_later(struct task_output *output)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(output->retry.handle, now + RETRY_DELAY);
	assert(err == 0);
}

static size_t send_bytes(struct task_output *output, struct span bytes)
{
	size_t done = 0;

	while (output->pipe_open && done < bytes.len) {
		size_t n = bytes.len - done < PIECE_MAX ? bytes.len - done : PIECE_MAX;
		struct message m;
		error_t err = payload_make(&m, bytes.data + done, n);

		if (err == 0) {
			err = channel_send(output->pipe.handle, &m);
			if (err < 0)
				message_discard(&m);
		}
		if (err == ERR_FULL) {
			source_want_writable(&output->pipe, true);
			return done;
		}
		if (err == ERR_NO_MEMORY || err == ERR_LIMIT) {
			retry_later(output);
			return done;
		}
		if (err < 0)
			return bytes.len;  // `closed` comes: nobody reads it
		done += n;
	}
	return bytes.len;
}

size_t task_output_write(struct task_output *output, struct span bytes)
{
	switch (output->stdio) {
	case COMMAND_INHERIT: log_bytes(output, bytes); return bytes.len;
	case COMMAND_COLLECT: collect(output, bytes); return bytes.len;
	case COMMAND_PIPED: return send_bytes(output, bytes);
	default: return bytes.len;
	}
}

static void resume(struct task_output *output)
{
	if (output->task->container != NULL)
		guest_container_output_resume(output->task->container, output->stream);
}

static void output_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	source_want_writable(source, false);
	resume(source->context);
}

static void retry_signalled(struct loop *loop, struct source *source)
{
	error_t err = timer_set(source->handle, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	resume(source->context);
}

static const struct source_ops retry_ops = { .signalled = retry_signalled };

static void output_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	output_gone(source->context);
}

static void output_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);  // the app has nothing to say here
}

static const struct source_ops output_ops = { .message = output_message,
	                                      .writable = output_writable,
	                                      .closed = output_closed };

// --- Input ---------------------------------------------------------------------------------------

static void input_message(struct loop *loop, struct source *source, struct message *m)
{
	struct task *task = source->context;
	struct task_input *in = &task->in;

	(void)loop;
	if (m->type == MSG_END)
		in->ended = true;
	if (m->type != MSG_DATA) {
		message_discard(m);
	} else {
		in->message = *m;
		in->done = 0;
		if (payload_open(&in->message, &in->payload) < 0)
			return;
		source_want_messages(source, false);
	}
	task_input_pump(task);
}

static void input_closed(struct loop *loop, struct source *source)
{
	struct task *task = source->context;

	loop_close(loop, source);
	task->in.pipe_open = false;
	task->in.ended = true;
	task_input_pump(task);
}

static const struct source_ops input_ops = { .message = input_message, .closed = input_closed };

void task_input_pump(struct task *task)
{
	struct task_input *in = &task->in;
	struct span bytes = in->stdio == COMMAND_PIPED ? in->payload.bytes : in->bytes;

	if (task->container == NULL)
		return;
	if (in->done < bytes.len) {
		struct span rest = { .data = bytes.data + in->done, .len = bytes.len - in->done };

		in->done += guest_container_stdin_write(task->container, rest);
		if (in->done < bytes.len)
			return;  // input_ready comes
	}
	if (in->stdio == COMMAND_PIPED && bytes.len > 0) {
		payload_release(&in->payload);
		in->payload = (struct payload){ 0 };
		in->done = 0;
		if (in->pipe_open)
			source_want_messages(&in->pipe, true);
	}
	if (in->stdio != COMMAND_PIPED || in->ended)
		guest_container_stdin_close(task->container);
}

// --- All of them ---------------------------------------------------------------------------------

// A channel: ours in the loop, the other one the app's.
static error_t open_pipe(struct task *task, struct source *source, const struct source_ops *ops,
                         void *context, handle_t *app_end)
{
	handle_t ends[2];
	error_t err = channel_create(ends);

	if (err < 0)
		return err;
	err = loop_add(task->runtime->supply.loop, source, ends[0], ops, context);
	if (err < 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return err;
	}
	*app_end = ends[1];
	return 0;
}

static error_t open_retry(struct task_output *output)
{
	handle_t timer;
	error_t err = timer_create(&timer);

	if (err < 0)
		return err;
	err = loop_add(output->task->runtime->supply.loop, &output->retry, timer, &retry_ops,
	               output);
	if (err < 0)
		handle_close(timer);
	return err;
}

static error_t open_output(struct task_output *output)
{
	struct loop *loop = output->task->runtime->supply.loop;
	error_t err;

	if (output->stdio != COMMAND_PIPED)
		return 0;
	err = open_retry(output);
	if (err < 0)
		return err;
	err = open_pipe(output->task, &output->pipe, &output_ops, output, &output->app_end);
	if (err < 0)
		loop_close(loop, &output->retry);
	output->pipe_open = err == 0;
	return err;
}

error_t task_streams_open(struct task *task)
{
	error_t err = open_output(&task->out);

	if (err == 0)
		err = open_output(&task->err);
	if (err == 0 && task->in.stdio == COMMAND_PIPED) {
		err = open_pipe(task, &task->in.pipe, &input_ops, task, &task->in.app_end);
		task->in.pipe_open = err == 0;
	}
	return err;
}

handle_t task_take_end(handle_t *end)
{
	handle_t taken = *end;

	*end = HANDLE_NONE;
	return taken;
}

void task_streams_close(struct task *task)
{
	struct task_output *outputs[] = { &task->out, &task->err };

	for (size_t i = 0; i < 2; i++) {
		flush_line(outputs[i]);
		pipe_close(outputs[i]);  // what is queued stays readable for the app
	}
	if (task->in.pipe_open)
		loop_close(task->runtime->supply.loop, &task->in.pipe);
	task->in.pipe_open = false;
	payload_release(&task->in.payload);
	task->in.payload = (struct payload){ 0 };
}

void task_streams_free(struct task *task)
{
	handle_t *ends[] = { &task->out.app_end, &task->err.app_end, &task->in.app_end };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (*ends[i] != HANDLE_NONE)
			handle_close(*ends[i]);
		*ends[i] = HANDLE_NONE;
	}
	heap_free((void *)(uintptr_t)task->out.collected.data);
	heap_free((void *)(uintptr_t)task->err.collected.data);
	heap_free((void *)(uintptr_t)task->in.bytes.data);
}
