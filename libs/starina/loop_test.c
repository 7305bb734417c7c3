// SPDX-License-Identifier: MIT
#include "libs/starina/loop_fake.h"

#include <string.h>

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
	fake_handles[3].queued = 5;
	turn();
	assert_int_equal(a.messages, 5);
	assert_int_equal(a.batches, 1);
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
	assert_int_equal(a.closes, 0);
}

// The message comes with the event, which says that there is no other: one call a turn is all.
static void test_one_message_costs_one_call(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	for (int i = 1; i <= 3; i++) {
		fake_handles[3].queued = 1;
		turn();
		assert_int_equal(a.messages, i);
		assert_int_equal(a.batches, i);
	}
	assert_int_equal(fake_num_receives, 0);
	fake_handles[3].queued = 2;
	turn();
	assert_int_equal(a.messages, 5);
	assert_int_equal(fake_num_receives, 2);  // the second message, and that there is no third
}

// Messages come with the first event only; what it is ready for besides is not lost.
static void test_received_and_more(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	add(&b, 4, &channel_ops);
	fake_handles[3].queued = 1;
	fake_handles[3].peer_closed = true;
	fake_handles[3].ready = READY_WRITABLE;
	fake_handles[4].queued = 1;
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
	fake_handles[3].queued = SOURCE_MESSAGES_PER_TURN + 8;
	fake_handles[4].queued = 1;
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
	fake_handles[3].queued = 1;
	fake_handles[4].queued = 1;
	a.action = remove_other;
	a.other = &b;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(fake_handles[4].queued, 1);
	assert_false(fake_handles[4].polled);
}

static void test_removal_of_self(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fake_handles[3].queued = 4;
	fake_handles[3].peer_closed = true;
	a.action = remove_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.batches, 0);
	assert_int_equal(a.closes, 0);
	assert_false(fake_handles[3].closed);
	loop_remove(&test_loop, &a.source);  // twice is fine
}

static void test_close_of_self(void **state)
{
	(void)state;
	add(&a, 3, &signal_ops);
	fake_handles[3].ready = READY_READABLE | READY_CLOSED;
	a.action = close_self;
	turn();
	assert_int_equal(a.signals, 1);
	assert_int_equal(a.closes, 0);
	assert_true(fake_handles[3].closed);
}

// The same storage, removed and added with another handle: the rest of the turn is not the new
// one's.
static void test_readded_source(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fake_handles[3].queued = 4;
	fake_handles[9].queued = 4;
	a.action = readd_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(fake_handles[3].queued, 3);
	assert_int_equal(fake_handles[9].queued, 4);
	a.action = NULL;
	turn();
	assert_int_equal(a.messages, 5);
}

static void test_closed_after_drained(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fake_handles[3].queued = SOURCE_MESSAGES_PER_TURN;
	fake_handles[3].peer_closed = true;
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
	fake_handles[3].ready = READY_WRITABLE;
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
	source_want_writable(&a.source, true);
	turn();
	assert_int_equal(a.writables, 1);
	source_want_writable(&a.source, false);
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
}

static void test_pause(void **state)
{
	(void)state;
	add(&a, 3, &channel_ops);
	fake_handles[3].queued = 3;
	fake_handles[3].peer_closed = true;
	a.action = pause_self;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.batches, 1);
	// Neither its messages nor its end come now: nothing to spin on.
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
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
	fake_handles[3].queued = 3;
	source_want_messages(&a.source, false);
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
	fake_handles[3].peer_closed = true;
	turn();
	assert_int_equal(a.hang_ups, 1);
	assert_int_equal(a.messages, 0);
	assert_int_equal(loop_turn(&test_loop, 0), ERR_TIMED_OUT);
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
	fake_handles[3].queued = 1;
	fake_handles[3].starved = true;
	turn();
	assert_int_equal(a.messages, 0);
	assert_int_equal(loop_turn(&test_loop, NSEC_NEVER), ERR_TIMED_OUT);
	assert_true(fake_last_deadline < NSEC_NEVER);
	fake_handles[3].starved = false;
	turn();
	assert_int_equal(a.messages, 1);
	assert_int_equal(fake_last_deadline, NSEC_NEVER);
}

static void test_signalled_and_closed(void **state)
{
	(void)state;
	add(&a, 3, &signal_ops);
	fake_handles[3].ready = READY_READABLE;
	turn();
	turn();
	assert_int_equal(a.signals, 2);  // level-triggered
	fake_handles[3].ready = READY_CLOSED;
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
	fake_handles[3].queued = 1;
	a.action = stop_loop;
	loop_run(&test_loop);
	assert_int_equal(a.messages, 1);
}

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
