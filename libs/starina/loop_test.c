// SPDX-License-Identifier: MIT
#include "libs/starina/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/syscall.h"

// --- A fake kernel: one poll, and handles with a readiness and a number of queued messages each --

#define NUM_HANDLES 64
#define POLL 1000

static struct {
	bool polled;
	uint32_t interest;
	uint64_t cookie;
	uint32_t ready;
	int queued;
	bool peer_closed;
	bool closed;
	bool starved;  // the next receive finds no handle slot
} fakes[NUM_HANDLES];
static nsec_t last_deadline;
static int num_receives;  // calls of channel_recv

static uint32_t fake_ready(handle_t h)
{
	uint32_t ready = fakes[h].ready;

	if (fakes[h].queued > 0)
		ready |= READY_READABLE;
	if (fakes[h].peer_closed)
		ready |= READY_CLOSED;
	return ready & fakes[h].interest;
}

error_t poll_create(handle_t *out)
{
	*out = POLL;
	return 0;
}

error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	(void)poll;
	if (fakes[h].polled)
		return ERR_EXISTS;
	fakes[h].polled = true;
	fakes[h].interest = interest;
	fakes[h].cookie = cookie;
	return 0;
}

error_t poll_update(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	(void)poll;
	if (!fakes[h].polled)
		return ERR_NOT_FOUND;
	fakes[h].interest = interest;
	fakes[h].cookie = cookie;
	return 0;
}

error_t poll_remove(handle_t poll, handle_t h)
{
	(void)poll;
	if (!fakes[h].polled)
		return ERR_NOT_FOUND;
	fakes[h].polled = false;
	return 0;
}

error_t poll_recv(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events, struct message *m)
{
	size_t n = 0;

	(void)poll;
	last_deadline = deadline;
	for (handle_t h = 0; h < NUM_HANDLES && n < max; h++) {
		if (!fakes[h].polled || fake_ready(h) == 0)
			continue;
		events[n] =
			(struct poll_event){ .cookie = fakes[h].cookie, .ready = fake_ready(h) };
		if (n == 0 && fakes[h].queued > 0 && (fakes[h].interest & READY_READABLE) != 0 &&
		    channel_recv(h, m) == 0) {
			num_receives--;
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
	num_receives++;
	if (fakes[h].starved)
		return ERR_LIMIT;
	if (fakes[h].queued == 0)
		return fakes[h].peer_closed ? ERR_PEER_CLOSED : ERR_EMPTY;
	fakes[h].queued--;
	message_init(m, 7);
	return 0;
}

error_t handle_close(handle_t h)
{
	if (h != POLL) {
		fakes[h].closed = true;
		fakes[h].polled = false;
	}
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = 5000;
	return 0;
}

error_t log_write(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	return 0;
}

// --- A source that counts, and does on a call what the test asks for ---

struct counter {
	struct source source;
	int messages, batches, writables, signals, closes, hang_ups;
	void (*action)(struct loop *loop, struct counter *self);
	struct counter *other;
};

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

static const struct source_ops channel_ops = { .message = count_message,
	                                       .batch_end = count_batch,
	                                       .writable = count_writable,
	                                       .closed = count_close };
static const struct source_ops hang_up_ops = { .message = count_message,
	                                       .closed = count_close,
	                                       .hung_up = count_hang_up };
static const struct source_ops signal_ops = { .signalled = count_signal, .closed = count_close };

static struct loop loop;
static struct counter a, b;

static int setup(void **state)
{
	(void)state;
	memset(fakes, 0, sizeof(fakes));
	num_receives = 0;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	return loop_init(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_deinit(&loop);
	return 0;
}

static void turn(void)
{
	assert_int_equal(loop_turn(&loop, NSEC_NEVER), 0);
}

static void add(struct counter *c, handle_t h, const struct source_ops *ops)
{
	assert_int_equal(loop_add(&loop, &c->source, h, ops, c), 0);
}

static void remove_other(struct loop *l, struct counter *self)
{
	loop_remove(l, &self->other->source);
	// Its owner may free it at once.
	memset(self->other, 0xdd, sizeof(*self->other));
}

static void remove_self(struct loop *l, struct counter *self)
{
	loop_remove(l, &self->source);
}

static void close_self(struct loop *l, struct counter *self)
{
	loop_close(l, &self->source);
}

static void readd_self(struct loop *l, struct counter *self)
{
	loop_remove(l, &self->source);
	assert_int_equal(loop_add(l, &self->source, 9, &channel_ops, self), 0);
}

static void pause_self(struct loop *l, struct counter *self)
{
	(void)l;
	source_want_messages(&self->source, false);
}

// --- Tests ---

static void test_delivers_messages(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 5;
	turn();
	assert_int_equal(a.messages, 5);
	assert_int_equal(a.batches, 1);
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
	assert_int_equal(a.closes, 0);
}

// The message comes with the event, which says that there is no other: one call a turn is all.
static void test_one_message_costs_one_call(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	for (int i = 1; i <= 3; i++) {
		fakes[3].queued = 1;
		turn();
		assert_int_equal(a.messages, i);
		assert_int_equal(a.batches, i);
	}
	assert_int_equal(num_receives, 0);
	fakes[3].queued = 2;
	turn();
	assert_int_equal(a.messages, 5);
	assert_int_equal(num_receives, 2);  // the second message, and that there is no third
}

// Messages come with the first event only; what it is ready for besides is not lost.
static void test_received_and_more(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	add(&b, 4, &channel_ops);
	fakes[3].queued = 1;
	fakes[3].peer_closed = true;
	fakes[3].ready = READY_WRITABLE;
	fakes[4].queued = 1;
	source_want_writable(&a.source, true);
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.closes, 1);
	assert_int_equal(a.writables, 1);
	assert_int_equal(b.messages, 1);
}

static void test_messages_take_turns(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	add(&b, 4, &channel_ops);
	fakes[3].queued = SOURCE_MESSAGES_PER_TURN + 8;
	fakes[4].queued = 1;
	turn();
	assert_int_equal(a.messages, SOURCE_MESSAGES_PER_TURN);
	assert_int_equal(b.messages, 1);
	turn();
	assert_int_equal(a.messages, SOURCE_MESSAGES_PER_TURN + 8);
	assert_int_equal(a.batches, 2);
}

// Both are in the batch in hand; the first one's callback removes (and frees) the second.
static void test_removal_from_batch_in_hand(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	add(&b, 4, &channel_ops);
	fakes[3].queued = 1;
	fakes[4].queued = 1;
	a.action = remove_other;
	a.other = &b;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(fakes[4].queued, 1);
	assert_false(fakes[4].polled);
}

static void test_removal_of_self(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 4;
	fakes[3].peer_closed = true;
	a.action = remove_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.batches, 0);
	assert_int_equal(a.closes, 0);
	assert_false(fakes[3].closed);
	loop_remove(&loop, &a.source);  // twice is fine
}

static void test_close_of_self(void **state)
{
	(void)state;
	add(&a, 3, &signal_ops);
	fakes[3].ready = READY_READABLE | READY_CLOSED;
	a.action = close_self;
	turn();
	assert_int_equal(a.signals, 1);
	assert_int_equal(a.closes, 0);
	assert_true(fakes[3].closed);
}

// The same storage, removed and added with another handle: the rest of the turn is not the new
// one's.
static void test_readded_source(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 4;
	fakes[9].queued = 4;
	a.action = readd_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(fakes[3].queued, 3);
	assert_int_equal(fakes[9].queued, 4);
	a.action = NULL;
	turn();
	assert_int_equal(a.messages, 5);
}

static void test_closed_after_drained(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = SOURCE_MESSAGES_PER_TURN;
	fakes[3].peer_closed = true;
	turn();
	assert_int_equal(a.messages, SOURCE_MESSAGES_PER_TURN);
	assert_int_equal(a.closes, 0);
	turn();
	assert_int_equal(a.closes, 1);
}

static void test_writable_only_when_asked(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].ready = READY_WRITABLE;
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
	source_want_writable(&a.source, true);
	turn();
	assert_int_equal(a.writables, 1);
	source_want_writable(&a.source, false);
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
}

static void test_pause(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 3;
	fakes[3].peer_closed = true;
	a.action = pause_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.batches, 1);
	// Neither its messages nor its end come now: nothing to spin on.
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
	// But who waits to send is told.
	source_want_writable(&a.source, true);
	turn();
	assert_int_equal(a.writables, 1);
	assert_int_equal(a.closes, 0);
	source_want_writable(&a.source, false);
	a.action = NULL;
	source_want_messages(&a.source, true);
	turn();
	assert_int_equal(a.messages, 3);
	assert_int_equal(a.closes, 1);
}

// One that takes no messages is told that its peer is gone, and once.
static void test_hung_up(void **state)
{
	(void)state;
	add(&a, 3, &hang_up_ops);
	fakes[3].queued = 3;
	source_want_messages(&a.source, false);
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
	fakes[3].peer_closed = true;
	turn();
	assert_int_equal(a.hang_ups, 1);
	assert_int_equal(a.messages, 0);
	assert_int_equal(loop_turn(&loop, 0), ERR_TIMED_OUT);
	source_want_messages(&a.source, true);
	turn();
	assert_int_equal(a.messages, 3);
	assert_int_equal(a.closes, 1);
	assert_int_equal(a.hang_ups, 1);
}

// No handle slot for its next message: tried again a little later, without spinning.
static void test_starved(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 1;
	fakes[3].starved = true;
	turn();
	assert_int_equal(a.messages, 0);
	assert_int_equal(loop_turn(&loop, NSEC_NEVER), ERR_TIMED_OUT);
	assert_true(last_deadline < NSEC_NEVER);
	fakes[3].starved = false;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(last_deadline, NSEC_NEVER);
}

static void test_signalled_and_closed(void **state)
{
	(void)state;
	add(&a, 3, &signal_ops);
	fakes[3].ready = READY_READABLE;
	turn();
	turn();
	assert_int_equal(a.signals, 2);  // level-triggered
	fakes[3].ready = READY_CLOSED;
	turn();
	assert_int_equal(a.signals, 2);
	assert_int_equal(a.closes, 1);
}

static void stop_loop(struct loop *l, struct counter *self)
{
	(void)self;
	loop_stop(l);
}

static void test_run_until_stopped(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fakes[3].queued = 1;
	a.action = stop_loop;
	loop_run(&loop);
	assert_int_equal(a.messages, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_delivers_messages),
		TEST(test_one_message_costs_one_call),
		TEST(test_received_and_more),
		TEST(test_messages_take_turns),
		TEST(test_removal_from_batch_in_hand),
		TEST(test_removal_of_self),
		TEST(test_close_of_self),
		TEST(test_readded_source),
		TEST(test_closed_after_drained),
		TEST(test_writable_only_when_asked),
		TEST(test_pause),
		TEST(test_hung_up),
		TEST(test_starved),
		TEST(test_signalled_and_closed),
		TEST(test_run_until_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
