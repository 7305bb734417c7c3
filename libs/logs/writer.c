// SPDX-License-Identifier: MIT
//
// What is taken, kept and dropped. writer_files.c does what is asked of the disk.
#include "libs/logs/writer.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/logs/internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define RETRY_DELAY NSEC_PER_SEC

static nsec_t now(void)
{
	nsec_t time = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &time);

	assert(err == 0);
	return time;
}

// What comes next came at this time.
static void stamp(struct log_writer *w)
{
	nsec_t time = 0;

	if (clock_get(CLOCK_WALL, &time) < 0)
		time = 0;
	date_write(time, w->date);
}

static void timer_arm(struct log_writer *w)
{
	error_t err =
		timer_set(w->timer, w->give_up_at < w->write_at ? w->give_up_at : w->write_at);

	assert(err == 0);
}

// --- Records -------------------------------------------------------------------------------------

static struct log_buffer *filling(struct log_writer *w)
{
	return &w->buffers[1 - w->going];
}

static bool has_room(struct log_writer *w)
{
	return LOG_BUFFER - filling(w)->len >= LOG_RECORD_MAX;
}

static void add(struct log_writer *w, enum log_stream stream, bool whole, struct span text)
{
	struct log_buffer *buffer = filling(w);
	struct writer out =
		writer_make(buffer->bytes + buffer->len, sizeof(buffer->bytes) - buffer->len);
	struct log_record record = { .stream = stream, .whole = whole, .text = text };

	log_record_write(&out, &record, w->date);
	assert(writer_status(&out) == 0);
	buffer->len += out.len;
}

// The line ends, or goes on in the next record. There is room for it, unless it is dropped.
static void line_end(struct log_writer *w, enum log_stream stream, bool whole)
{
	struct log_rest *line = &w->lines[stream - 1];

	if (has_room(w))
		add(w, stream, whole, (struct span){ line->bytes, line->len });
	else
		w->dropped += line->len + (whole ? 1 : 0);
	line->len = 0;
}

// The log says what it does not have.
static void note(struct log_writer *w)
{
	char text[128];
	size_t len;

	if (w->dropped == 0 || w->drops || !has_room(w))
		return;
	len = fmt_write(text, sizeof(text),
	                "[starina: %llu bytes of output are not in this log: %s]",
	                (unsigned long long)w->dropped, error_text(w->reason));
	stamp(w);
	add(w, LOG_STDERR, true, (struct span){ (const uint8_t *)text, len });
	w->dropped = 0;
}

// --- Taking --------------------------------------------------------------------------------------

// Whether a record may come. One that does not fit is dropped, or waits.
static bool may_take(struct log_writer *w)
{
	if (!has_room(w))
		log_writer_go(w);
	return has_room(w) || w->drops;
}

size_t log_writer_take(struct log_writer *w, enum log_stream stream, struct span bytes)
{
	struct log_rest *line = &w->lines[stream - 1];
	size_t taken = 0;

	stamp(w);
	while (taken < bytes.len && may_take(w)) {
		const uint8_t *from = bytes.data + taken, *end;
		size_t room = LOG_TEXT_MAX - line->len, len = bytes.len - taken;

		len = len < room ? len : room;
		end = memchr(from, '\n', len);
		if (end != NULL)
			len = (size_t)(end - from);
		memcpy(line->bytes + line->len, from, len);
		line->len += len;
		taken += len + (end != NULL ? 1 : 0);
		if (end != NULL || line->len == LOG_TEXT_MAX)
			line_end(w, stream, end != NULL);
	}
	if (taken < bytes.len && !w->held) {
		w->held = true;
		w->give_up_at = now() + LOG_PATIENCE;
		timer_arm(w);
	}
	log_writer_go(w);
	return taken;
}

static void let_go(struct log_writer *w)
{
	if (!w->held)
		return;
	w->held = false;
	if (!w->finishing)
		w->give_up_at = NSEC_NEVER;
	timer_arm(w);
	w->ops->room(w->context);
}

// --- Writing -------------------------------------------------------------------------------------

static void finish_lines(struct log_writer *w)
{
	for (unsigned i = 0; i < 2; i++)
		if (w->lines[i].len > 0 && has_room(w))
			line_end(w, i == 0 ? LOG_STDOUT : LOG_STDERR, false);
}

static void over(struct log_writer *w)
{
	if (w->finished)
		return;
	w->finished = true;
	w->give_up_at = w->write_at = NSEC_NEVER;
	timer_arm(w);
	if (w->drops)
		log_warn("the log of a container lacks its end: %s", error_text(w->reason));
	w->ops->finished(w->context);
}

// Little is put off until some time after the last write: more comes with it then.
static bool puts_off(struct log_writer *w, nsec_t time)
{
	if (w->finishing || w->done < w->buffers[w->going].len ||
	    filling(w)->len >= LOG_BUFFER / 2 || time >= w->next_at)
		return false;
	if (filling(w)->len > 0 && w->write_at != w->next_at) {
		w->write_at = w->next_at;
		timer_arm(w);
	}
	return true;
}

void log_writer_go(struct log_writer *w)
{
	struct log_buffer *buffer;
	nsec_t time;

	if (w->busy || w->broken || w->finished)
		return;
	time = now();
	if ((w->drops && time < w->try_at) || puts_off(w, time))
		return;
	if (w->finishing)
		finish_lines(w);
	note(w);
	if (w->done == w->buffers[w->going].len) {
		w->buffers[w->going].len = 0;
		w->done = 0;
		w->going = 1 - w->going;
		note(w);
	}
	buffer = &w->buffers[w->going];
	w->in_record = w->done > 0 && buffer->bytes[w->done - 1] != '\n';
	if (w->done < buffer->len) {
		w->next_at = time + LOG_PAUSE;
		log_writer_write(w,
		                 (struct span){ buffer->bytes + w->done, buffer->len - w->done });
	} else if (w->finishing) {
		over(w);
	}
}

void log_writer_done(struct log_writer *w, size_t count)
{
	w->done += count;
	w->size += count;
	w->total += count;
	w->deaths = 0;
	w->drops = false;
	log_writer_go(w);
	w->ops->written(w->context);
	let_go(w);
}

void log_writer_failed(struct log_writer *w, error_t error)
{
	if (!w->drops)
		log_warn("the output of a container is not logged: %s", error_text(error));
	w->drops = true;
	w->reason = error;
	w->try_at = now() + RETRY_DELAY;
	if (w->finishing)
		over(w);
	let_go(w);
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct log_writer *w = source->context;

	nsec_t time = now();
	bool gives_up = time >= w->give_up_at;

	(void)loop;
	if (gives_up)
		w->give_up_at = NSEC_NEVER;
	if (time >= w->write_at)
		w->write_at = NSEC_NEVER;
	timer_arm(w);
	if (gives_up)
		log_writer_failed(w, ERR_TIMED_OUT);
	log_writer_go(w);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

// --- Begin and end -------------------------------------------------------------------------------

error_t log_writer_start(struct log_writer *w, struct loop *loop, handle_t connector,
                         const char *uri, const char *folder, uint64_t max_bytes,
                         uint32_t max_files, const struct log_writer_ops *ops, void *context)
{
	error_t err = timer_create(&w->timer);

	if (err < 0)
		return err;
	err = loop_add(loop, &w->timer_source, w->timer, &timer_ops, w);
	if (err < 0) {
		handle_close(w->timer);
		return err;
	}
	w->give_up_at = w->write_at = NSEC_NEVER;
	w->ops = ops;
	w->context = context;
	w->loop = loop;
	w->connector = connector;
	w->uri = uri;
	w->max_bytes = max_bytes;
	w->max_files = max_files > 0 ? max_files : 1;
	str_copy(w->folder, folder, sizeof(w->folder));
	return 0;
}

void log_writer_finish(struct log_writer *w)
{
	w->finishing = true;
	stamp(w);
	// The last try.
	w->try_at = 0;
	w->give_up_at = now() + LOG_PATIENCE;
	timer_arm(w);
	log_writer_go(w);
}

void log_writer_stop(struct log_writer *w)
{
	if (w->loop == NULL)
		return;
	log_writer_disconnect(w);
	loop_close(w->loop, &w->timer_source);
	w->loop = NULL;
}
