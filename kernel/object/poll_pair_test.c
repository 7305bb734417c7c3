// SPDX-License-Identifier: MIT
//
// Two threads that send to each other and wait in poll_recv.
#include "kernel/object/all_test.h"
#include "kernel/object/channel.h"
#include "kernel/object/poll_private.h"
#include "kernel/object/poll_recv_test.h"

// --- One sends, one receives ---

#define TRIPS 2000u

static struct {
	struct polled polled;
	unsigned sent, received;
	unsigned seed;
} order;

static unsigned random_below(unsigned n)
{
	order.seed = order.seed * 1103515245u + 12345u;
	return (order.seed >> 16) % n;
}

static void order_sender(void *arg)
{
	(void)arg;
	while (order.sent < TRIPS) {
		unsigned burst = 1 + random_below(4);

		for (unsigned i = 0;
		     i < burst && polled_queued(order.polled.ends[0]) < CHANNEL_MAX_QUEUED; i++) {
			handle_t h = HANDLE_NONE;

			if (random_below(3) == 0)
				assert_int_equal(CALL_1(event_create, &h), 0);
			polled_send(order.polled.ends[1], order.sent++, h);
		}
		if (random_below(2) == 0)
			assert_int_equal(CALL_1(thread_yield, 0), 0);
		sched_return_to_app();
	}
}

static void order_receiver(void *arg)
{
	const struct polled *p = &order.polled;

	(void)arg;
	while (order.received < TRIPS) {
		struct poll_event event = { 0 };
		struct message m;
		size_t n;

		if (random_below(4) == 0)
			assert_int_equal(CALL_5(poll_wait, p->poll, &event, 1, NSEC_NEVER, &n), 0);
		else
			assert_int_equal(RECV(p->poll, &event, 1, NSEC_NEVER, &n, &m), 0);
		if (event.received == 0)
			assert_int_equal(CALL_2(channel_recv, p->ends[0], &m), 0);
		assert_int_equal(m.type, order.received);
		if (m.num_handles > 0)
			assert_int_equal(CALL_1(handle_close, m.handles[0]), 0);
		order.received++;
		if (random_below(8) == 0)
			assert_int_equal(CALL_1(thread_yield, 0), 0);
		sched_return_to_app();
	}
}

static void messages_keep_their_order_however_they_come(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		memset(&order, 0, sizeof(order));
		order.seed = seed;
		order.polled = polled_create(READY_READABLE);
		assert_int_equal(CALL_4(thread_create, order_receiver, NULL, 0, NULL), 0);
		assert_int_equal(CALL_4(thread_create, order_sender, NULL, 0, NULL), 0);
		host_run(NSEC_NEVER);
		assert_true(order.sent >= TRIPS);
		assert_int_equal(order.received, TRIPS);
	}
}

// --- Two that answer each other: the hart is handed over, with the message ---

static struct {
	struct polled sides[2];  // the first one's own end is in its poll; so is the second one's
	unsigned trips, handed;
	bool blind;  // the second one polls by a handle that it may not receive by
} pair;

static void pair_receive(int side, struct message *m)
{
	struct poll_event event = { 0 };
	size_t n;

	assert_int_equal(RECV(pair.sides[side].poll, &event, 1, NSEC_NEVER, &n, m), 0);
	assert_int_equal(event.cookie, 5);
	if (side == 1 && pair.blind) {
		assert_int_equal(event.received, 0);
		assert_int_equal(event.ready, READY_READABLE);
		assert_int_equal(CALL_2(channel_recv, pair.sides[0].ends[1], m), 0);
	} else {
		assert_int_equal(event.received, 1);
		assert_int_equal(event.ready, 0);
	}
	sched_return_to_app();
}

static void pair_first(void *arg)
{
	struct message m = { .len = 8 };

	(void)arg;
	while (pair.trips < TRIPS) {
		m.type = pair.trips;
		m.num_handles = pair.trips / 8 % 2;
		if (m.num_handles > 0)
			assert_int_equal(CALL_1(event_create, &m.handles[0]), 0);
		assert_int_equal(CALL_2(channel_send, pair.sides[0].ends[0], &m), 0);
		pair.handed += harts[0].handover != NULL &&
			polled_queued(pair.sides[0].ends[1]) == 0;
		pair_receive(0, &m);
		assert_int_equal(m.type, pair.trips + 1);
		assert_int_equal(m.num_handles, pair.trips / 8 % 2);
		if (m.num_handles > 0)
			assert_int_equal(CALL_1(handle_close, m.handles[0]), 0);
		pair.trips++;
	}
	m.type = 0xffff;
	m.num_handles = 0;
	assert_int_equal(CALL_2(channel_send, pair.sides[0].ends[0], &m), 0);
}

static void pair_second(void *arg)
{
	struct message m;

	(void)arg;
	for (;;) {
		pair_receive(1, &m);
		if (m.type == 0xffff)
			break;
		m.type++;
		assert_int_equal(CALL_2(channel_send, pair.sides[0].ends[1], &m), 0);
	}
}

static void run_pair(bool blind)
{
	handle_t polled;

	memset(&pair, 0, sizeof(pair));
	pair.blind = blind;
	pair.sides[0] = polled_create(READY_READABLE);
	assert_int_equal(CALL_1(poll_create, &pair.sides[1].poll), 0);
	polled = pair.sides[0].ends[1];
	if (blind)
		assert_int_equal(CALL_3(handle_duplicate, polled, RIGHT_POLL, &polled), 0);
	assert_int_equal(
		CALL_4(poll_add, pair.sides[1].poll, polled, READY_READABLE | READY_CLOSED, 5), 0);
	assert_int_equal(CALL_4(thread_create, pair_second, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, pair_first, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(pair.trips, TRIPS);
}

static void two_threads_hand_messages_to_and_fro(void **state)
{
	(void)state;
	run_pair(false);
	assert_true(pair.handed >= TRIPS - 4);
}

// Whoever may not receive is told of the message, by the short way too.
static void who_may_not_receive_is_told(void **state)
{
	(void)state;
	run_pair(true);
	assert_int_equal(pair.handed, 0);
}

int test_poll_pairs(void)
{
	const struct CMUnitTest tests[] = {
		test_case(messages_keep_their_order_however_they_come),
		test_case(two_threads_hand_messages_to_and_fro),
		test_case(who_may_not_receive_is_told),
	};

	return cmocka_run_group_tests_name("poll_recv of two threads", tests, NULL, NULL);
}
