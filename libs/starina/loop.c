// SPDX-License-Identifier: MIT
//
// An entry's cookie in the poll is the address of its source. That is safe because a source leaves
// the poll, the batch in hand and `current` before loop_remove returns, and no later wait brings
// its cookie back.
#include "libs/starina/loop.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// A source whose next message found no free handle slot is tried again this much later.
#define STARVED_RETRY_NS (10 * NSEC_PER_MSEC)

error_t loop_init(struct loop *loop)
{
	*loop = (struct loop){ 0 };
	list_init(&loop->sources);
	return poll_create(&loop->poll);
}

void loop_deinit(struct loop *loop)
{
	struct list *entry;

	while ((entry = list_pop_front(&loop->sources)) != NULL)
		container_of(entry, struct source, entry)->loop = NULL;
	loop->batch_len = 0;
	loop->current = NULL;
	handle_close(loop->poll);
	loop->poll = HANDLE_NONE;
}

static uint32_t source_interest(const struct source *source)
{
	const struct source_ops *ops = source->ops;
	bool takes = (ops->message != NULL || ops->signalled != NULL) && !source->paused &&
		!source->starved;
	uint32_t interest = 0;

	if (takes)
		interest |= READY_READABLE;
	if (source->wants_writable && ops->writable != NULL)
		interest |= READY_WRITABLE;
	// Of a channel that is not being drained CLOSED would come again and again; but a sender
	// has to know.
	if (ops->closed != NULL && (takes || ops->message == NULL))
		interest |= READY_CLOSED;
	if ((interest & READY_WRITABLE) != 0 ||
	    (ops->hung_up != NULL && source->paused && !source->hung_up))
		interest |= READY_CLOSED;
	return interest;
}

static void source_update(struct source *source)
{
	uint32_t interest = source_interest(source);
	error_t err;

	if (source->loop == NULL || interest == source->interest)
		return;
	err = poll_update(source->loop->poll, source->handle, interest, (uintptr_t)source);
	// The handle may have been closed or sent away: the poll has forgotten it then.
	if (err == 0)
		source->interest = interest;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	error_t err;

	*source = (struct source){ .handle = handle, .ops = ops, .context = context };
	source->interest = source_interest(source);
	err = poll_add(loop->poll, handle, source->interest, (uintptr_t)source);
	if (err != 0) {
		source->handle = HANDLE_NONE;
		return err;
	}
	source->loop = loop;
	list_push_back(&loop->sources, &source->entry);
	return 0;
}

void loop_remove(struct loop *loop, struct source *source)
{
	if (source->loop == NULL)
		return;
	assert(source->loop == loop);
	// Fails when the handle was closed or sent away: then it is out of the poll already.
	error_t ignored = poll_remove(loop->poll, source->handle);

	(void)ignored;
	for (size_t i = loop->batch_next; i < loop->batch_len; i++) {
		if (loop->batch[i].cookie == (uintptr_t)source)
			loop->batch[i].cookie = 0;
	}
	if (loop->current == source)
		loop->current = NULL;
	if (source->starved)
		loop->num_starved--;
	list_remove(&source->entry);
	source->loop = NULL;
}

void loop_close(struct loop *loop, struct source *source)
{
	loop_remove(loop, source);
	if (source->handle != HANDLE_NONE)
		handle_close(source->handle);
	source->handle = HANDLE_NONE;
}

void source_want_writable(struct source *source, bool want)
{
	source->wants_writable = want;
	source_update(source);
}

void source_want_messages(struct source *source, bool want)
{
	source->paused = !want;
	source_update(source);
}

static void source_starve(struct loop *loop, struct source *source)
{
	if (loop->num_starved == 0)
		log_warn("no free handle slot for a message: raise handle_limit in the app's spec");
	source->starved = true;
	loop->num_starved++;
	source_update(source);
}

static void loop_feed_starved(struct loop *loop)
{
	list_for_each(entry, &loop->sources) {
		struct source *source = container_of(entry, struct source, entry);

		if (!source->starved)
			continue;
		source->starved = false;
		source_update(source);
	}
	loop->num_starved = 0;
}

// Takes messages until there are none, the turn is over, or a callback removed or paused the
// source. The first one may have come with the event, which then also says whether there are more.
// Returns the last channel_recv's error, 0 when there may be more.
static error_t source_take_messages(struct loop *loop, struct source *source,
                                    const struct poll_event *event, struct message *m)
{
	bool more = (event->ready & (READY_READABLE | READY_CLOSED)) != 0;

	for (int i = 0; i < SOURCE_MESSAGES_PER_TURN; i++) {
		error_t err = ERR_EMPTY;

		if (i == 0 && event->received != 0)
			err = 0;
		else if (more)
			err = channel_recv(source->handle, m);
		if (err == 0) {
			source->ops->message(loop, source, m);
			if (loop->current == source && !source->paused)
				continue;
		}
		if (i > 0 || err == 0) {
			if (loop->current == source && source->ops->batch_end != NULL)
				source->ops->batch_end(loop, source);
		}
		return err;
	}
	if (source->ops->batch_end != NULL)
		source->ops->batch_end(loop, source);
	return 0;
}

static void source_dispatch_channel(struct loop *loop, struct source *source,
                                    const struct poll_event *event, struct message *m)
{
	error_t err = source_take_messages(loop, source, event, m);

	if (loop->current != source)
		return;
	if (err == ERR_PEER_CLOSED && source->ops->closed != NULL)
		source->ops->closed(loop, source);
	else if (err == ERR_LIMIT)
		source_starve(loop, source);
}

// `m` is the event's message, when it was received, and room for more.
static void source_dispatch(struct loop *loop, const struct poll_event *event, struct message *m)
{
	struct source *source = (struct source *)(uintptr_t)event->cookie;
	uint32_t ready = event->ready;
	bool takes = !source->paused && !source->starved;

	loop->current = source;
	assert(event->received == 0 || source->ops->message != NULL);
	if (source->ops->message != NULL) {
		if (event->received != 0 ||
		    (takes && (ready & (READY_READABLE | READY_CLOSED)) != 0))
			source_dispatch_channel(loop, source, event, m);
	} else if (takes && (ready & READY_READABLE) != 0 && source->ops->signalled != NULL) {
		source->ops->signalled(loop, source);
	}
	if (loop->current != source)
		return;
	if (source->ops->writable != NULL && source->wants_writable &&
	    ((ready & READY_WRITABLE) != 0 || (!takes && (ready & READY_CLOSED) != 0)))
		source->ops->writable(loop, source);
	if (loop->current != source)
		return;
	if (!takes && (ready & READY_CLOSED) != 0 && source->ops->hung_up != NULL &&
	    !source->hung_up) {
		source->hung_up = true;
		source_update(source);
		source->ops->hung_up(loop, source);
		return;
	}
	if (source->ops->message == NULL && (ready & READY_CLOSED) != 0 &&
	    source->ops->closed != NULL)
		source->ops->closed(loop, source);
}

error_t loop_turn(struct loop *loop, nsec_t deadline)
{
	struct message m;
	error_t err;

	assert(loop->batch_len == 0);
	if (loop->num_starved > 0) {
		nsec_t now = 0;

		if (clock_get(CLOCK_MONOTONIC, &now) == 0 && deadline > now + STARVED_RETRY_NS)
			deadline = now + STARVED_RETRY_NS;
	}
	err = poll_recv(loop->poll, loop->batch, sizeof(loop->batch) / sizeof(loop->batch[0]),
	                deadline, &loop->batch_len, &m);
	if (err != 0)
		loop->batch_len = 0;
	if (loop->num_starved > 0)
		loop_feed_starved(loop);
	if (err != 0)
		return err;
	for (loop->batch_next = 0; loop->batch_next < loop->batch_len;) {
		const struct poll_event event = loop->batch[loop->batch_next++];

		if (event.cookie != 0)
			source_dispatch(loop, &event, &m);
	}
	loop->batch_len = 0;
	loop->batch_next = 0;
	loop->current = NULL;
	return 0;
}

void loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		error_t err = loop_turn(loop, NSEC_NEVER);

		assert(err == 0);
	}
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
