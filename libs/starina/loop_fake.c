// SPDX-License-Identifier: MIT
#include "libs/starina/loop_fake.h"

#include <string.h>

#include "libs/starina/syscall.h"

// --- A fake kernel: one poll, and handles with a readiness and a number of queued messages each --

#define POLL 1000

struct fake_handle fake_handles[FAKE_NUM_HANDLES];
nsec_t fake_last_deadline;
int fake_num_receives;

static uint32_t fake_ready(handle_t h)
{
	uint32_t ready = fake_handles[h].ready;

	if (fake_handles[h].queued > 0)
		ready |= READY_READABLE;
	if (fake_handles[h].peer_closed)
		ready |= READY_CLOSED;
	return ready & fake_handles[h].interest;
}

error_t poll_create(handle_t *out)
{
	*out = POLL;
	return 0;
}

error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	(void)poll;
	if (fake_handles[h].polled)
		return ERR_EXISTS;
	fake_handles[h].polled = true;
	fake_handles[h].interest = interest;
	fake_handles[h].cookie = cookie;
	return 0;
}

error_t poll_update(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	(void)poll;
	if (!fake_handles[h].polled)
		return ERR_NOT_FOUND;
	fake_handles[h].interest = interest;
	fake_handles[h].cookie = cookie;
	return 0;
}

error_t poll_remove(handle_t poll, handle_t h)
{
	(void)poll;
	if (!fake_handles[h].polled)
		return ERR_NOT_FOUND;
	fake_handles[h].polled = false;
	return 0;
}

error_t poll_recv(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events, struct message *m)
{
	size_t n = 0;

	(void)poll;
	fake_last_deadline = deadline;
	for (handle_t h = 0; h < FAKE_NUM_HANDLES && n < max; h++) {
		if (!fake_handles[h].polled || fake_ready(h) == 0)
			continue;
		events[n] = (struct poll_event){ .cookie = fake_handles[h].cookie,
			                         .ready = fake_ready(h) };
		if (n == 0 && fake_handles[h].queued > 0 &&
		    (fake_handles[h].interest & READY_READABLE) != 0 && channel_recv(h, m) == 0) {
			fake_num_receives--;
			events[n].received = 1;
			events[n].ready = fake_ready(h);
		}
		n++;
	}
	if (n == 0)
		return ERR_TIMED_OUT;
	*num_events = n;
	return 0;
}

error_t channel_recv(handle_t h, struct message *m)
{
	fake_num_receives++;
	if (fake_handles[h].starved)
		return ERR_LIMIT;
	if (fake_handles[h].queued == 0)
		return fake_handles[h].peer_closed ? ERR_PEER_CLOSED : ERR_EMPTY;
	fake_handles[h].queued--;
	message_init(m, 7);
	return 0;
}

error_t handle_close(handle_t h)
{
	if (h != POLL) {
		fake_handles[h].closed = true;
		fake_handles[h].polled = false;
	}
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = 5000;
	return 0;
}

// --- A source that counts, and does on a call what the test asks for ---

static void count_message(struct loop *loop, struct source *source, struct message *m)
{
	struct counter *c = source->context;

	assert_int_equal(m->type, 7);
	c->messages++;
	if (c->action != NULL)
		c->action(loop, c);
}

static void count_batch(struct loop *loop, struct source *source)
{
	(void)loop;
	((struct counter *)source->context)->batches++;
}

static void count_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	((struct counter *)source->context)->writables++;
}

static void count_signal(struct loop *loop, struct source *source)
{
	struct counter *c = source->context;

	c->signals++;
	if (c->action != NULL)
		c->action(loop, c);
}

static void count_close(struct loop *loop, struct source *source)
{
	(void)loop;
	((struct counter *)source->context)->closes++;
}

static void count_hang_up(struct loop *loop, struct source *source)
{
	(void)loop;
	((struct counter *)source->context)->hang_ups++;
}

const struct source_ops channel_ops = { .message = count_message,
	                                .batch_end = count_batch,
	                                .writable = count_writable,
	                                .closed = count_close };
const struct source_ops hang_up_ops = { .message = count_message,
	                                .closed = count_close,
	                                .hung_up = count_hang_up };
const struct source_ops signal_ops = { .signalled = count_signal, .closed = count_close };

struct loop test_loop;
struct counter a, b;

int setup(void **state)
{
	(void)state;
	memset(fake_handles, 0, sizeof(fake_handles));
	fake_num_receives = 0;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	return loop_init(&test_loop);
}

int teardown(void **state)
{
	(void)state;
	loop_deinit(&test_loop);
	return 0;
}

void turn(void)
{
	assert_int_equal(loop_turn(&test_loop, NSEC_NEVER), 0);
}

void add(struct counter *c, handle_t h, const struct source_ops *ops)
{
	assert_int_equal(loop_add(&test_loop, &c->source, h, ops, c), 0);
}
