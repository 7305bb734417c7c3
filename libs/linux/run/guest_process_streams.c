// SPDX-License-Identifier: MIT
//
// The streams of an added process, in frames with windows.

#include "libs/base/string.h"
#include "libs/linux/run/guest_process_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

void guest_process_streams_init(struct guest_process *p)
{
	p->input_window = CONTROL_WINDOW;
	for (uint32_t i = 0; i < 2; i++)
		p->outputs[i].window = CONTROL_WINDOW;
}

void guest_process_streams_deinit(struct guest_process *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		heap_free(p->outputs[i].held);
		p->outputs[i].held = NULL;
	}
}

// --- Output --------------------------------------------------------------------------------------

static struct guest_process_output *output_of(struct guest_process *p, enum guest_stream stream)
{
	return &p->outputs[stream == GUEST_STDOUT ? 0 : 1];
}

static enum guest_stream stream_of(const struct guest_process *p,
                                   const struct guest_process_output *output)
{
	return output == &p->outputs[0] ? GUEST_STDOUT : GUEST_STDERR;
}

// Tells bootd of half a window at a time, so that few frames do.
static void tell_used(struct guest_process *p, struct guest_process_output *output)
{
	struct control_window body = { .stream = (uint32_t)stream_of(p, output),
		                       .bytes = (uint32_t)output->used };

	if (output->used < CONTROL_WINDOW / 2)
		return;
	output->window += output->used;
	output->used = 0;
	guest_process_send(p, CONTROL_STREAM_WINDOW, span_make(&body, sizeof(body)),
	                   span_make(NULL, 0));
}

// Offers bytes to the app. Returns how many of them are done with.
static size_t offer(struct guest_process *p, struct guest_process_output *output, struct span bytes)
{
	size_t taken;

	if (output->closed || p->destroyed || bytes.len == 0)
		return bytes.len;
	taken = p->ops->output(p->context, stream_of(p, output), bytes);
	assert(taken <= bytes.len);
	return taken;
}

// Keeps bytes for later. The windows let no more come than there is room for. Returns how many are
// done with instead.
static size_t hold(struct guest_process *p, struct guest_process_output *output, struct span bytes)
{
	if (output->held == NULL)
		output->held = heap_alloc(CONTROL_WINDOW);
	if (output->held == NULL) {
		guest_process_fail(p, "killed: there is no memory for its output");
		return bytes.len;
	}
	if (output->start > 0 && output->len > 0)
		memmove(output->held, output->held + output->start, output->len);
	output->start = 0;
	assert(bytes.len <= CONTROL_WINDOW - output->len);
	memcpy(output->held + output->len, bytes.data, bytes.len);
	output->len += bytes.len;
	return 0;
}

error_t guest_process_output_take(struct guest_process *p, struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	uint32_t stream = reader_le32(&r);
	struct guest_process_output *output;
	size_t taken = 0;

	if (reader_status(&r) < 0 || (stream != CONTROL_STDOUT && stream != CONTROL_STDERR))
		return ERR_PROTOCOL;
	output = output_of(p, stream == CONTROL_STDOUT ? GUEST_STDOUT : GUEST_STDERR);
	if (r.rest.len == 0 || r.rest.len > output->window)
		return ERR_PROTOCOL;
	output->window -= r.rest.len;
	if (output->len == 0)
		taken = offer(p, output, r.rest);
	if (taken < r.rest.len)
		taken += hold(p, output, span_make(r.rest.data + taken, r.rest.len - taken));
	output->used += taken;
	tell_used(p, output);
	return 0;
}

static void offer_held(struct guest_process *p, struct guest_process_output *output)
{
	size_t taken = output->len > 0
		? offer(p, output, span_make(output->held + output->start, output->len))
		: 0;

	output->start += taken;
	output->len -= taken;
	output->used += taken;
	tell_used(p, output);
}

void guest_process_output_resume(struct guest_process *p, enum guest_stream stream)
{
	if (p->state == GUEST_PROCESS_ENDED)
		return;
	offer_held(p, output_of(p, stream));
	if (p->state == GUEST_PROCESS_EXITED)
		guest_container_settle_later(p->c);
}

bool guest_process_output_is_taken(const struct guest_process *p)
{
	return p->outputs[0].len == 0 && p->outputs[1].len == 0;
}

void guest_process_output_drop(struct guest_process *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		p->outputs[i].closed = true;
		offer_held(p, &p->outputs[i]);
	}
}

void guest_process_output_close(struct guest_process *p, enum guest_stream stream)
{
	struct guest_process_output *output = output_of(p, stream);
	struct control_stream body = { .stream = (uint32_t)stream };

	if (p->state == GUEST_PROCESS_ENDED || output->closed)
		return;
	output->closed = true;
	guest_process_output_resume(p, stream);
	guest_process_send(p, CONTROL_STREAM_END, span_make(&body, sizeof(body)),
	                   span_make(NULL, 0));
}

// --- Input ---------------------------------------------------------------------------------------

size_t guest_process_stdin_write(struct guest_process *p, struct span bytes)
{
	struct control_stream body = { .stream = CONTROL_STDIN };
	size_t done = 0;

	if (p->state >= GUEST_PROCESS_EXITED || p->input_closed)
		return bytes.len;  // nobody will read it
	while (done < bytes.len && p->input_window > 0 && p->state < GUEST_PROCESS_EXITED) {
		size_t n = bytes.len - done < p->input_window ? bytes.len - done : p->input_window;

		if (n > CONTROL_MAX_DATA)
			n = CONTROL_MAX_DATA;
		p->input_window -= n;
		guest_process_send(p, CONTROL_STREAM_DATA, span_make(&body, sizeof(body)),
		                   span_make(bytes.data + done, n));
		done += n;
	}
	p->input_wanted = done < bytes.len;
	return done;
}

void guest_process_stdin_close(struct guest_process *p)
{
	struct control_stream body = { .stream = CONTROL_STDIN };

	if (p->input_closed)
		return;
	p->input_closed = true;
	guest_process_send(p, CONTROL_STREAM_END, span_make(&body, sizeof(body)),
	                   span_make(NULL, 0));
}

error_t guest_process_input_widen(struct guest_process *p, struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_window window;

	reader_copy(&r, &window, sizeof(window));
	if (reader_status(&r) < 0 || window.stream != CONTROL_STDIN ||
	    window.bytes > CONTROL_WINDOW - p->input_window)
		return ERR_PROTOCOL;
	p->input_window += window.bytes;
	if (!p->input_wanted || p->input_window == 0)
		return 0;
	p->input_wanted = false;
	if (!p->destroyed && p->ops->input_ready != NULL)
		p->ops->input_ready(p->context);
	return 0;
}
