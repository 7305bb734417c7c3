// SPDX-License-Identifier: MIT
//
// Messages that are given to the thread that waits for them in poll_recv.
#include "kernel/object/all_test.h"
#include "kernel/object/channel.h"
#include "kernel/object/poll_private.h"
#include "kernel/object/poll_recv_test.h"

static struct {
	handle_t poll;
	nsec_t deadline;
	struct message *m;
	struct message message;
	struct poll_event event;
	size_t n;
	error_t error;
} waiter;

static void wait_thread(void *arg)
{
	(void)arg;
	waiter.error = RECV(waiter.poll, &waiter.event, 1, waiter.deadline, &waiter.n, waiter.m);
	sched_return_to_app();
}

static void start_waiter_for(handle_t poll, nsec_t deadline, struct message *m)
{
	memset(&waiter, 0, sizeof(waiter));
	waiter.poll = poll;
	waiter.deadline = deadline;
	waiter.m = m;
	waiter.error = 1;
	assert_int_equal(CALL_4(thread_create, wait_thread, NULL, 0, NULL), 0);
	host_run(arch_clock_now());
	assert_int_equal(waiter.error, 1);
}

static void start_waiter(handle_t poll, nsec_t deadline)
{
	start_waiter_for(poll, deadline, &waiter.message);
}

static void expect_received(uint32_t type, uint32_t ready)
{
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(waiter.n, 1);
	assert_int_equal(waiter.event.cookie, 5);
	assert_int_equal(waiter.event.received, 1);
	assert_int_equal(waiter.event.ready, ready);
	assert_int_equal(waiter.message.type, type);
	assert_memory_equal(waiter.message.data, "contents", 8);
}

static void who_waits_is_given_the_message(void **state)
{
	struct polled p = polled_create(READY_READABLE);

	(void)state;
	start_waiter(p.poll, NSEC_NEVER);
	polled_send(p.ends[1], 1, HANDLE_NONE);
	assert_int_equal(polled_queued(p.ends[0]), 0);
	// The next one finds nobody.
	polled_send(p.ends[1], 2, HANDLE_NONE);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	expect_received(1, 0);
	assert_int_equal(test_ready(p.poll, 5), READY_READABLE);
}

static void who_waits_is_given_handles(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	handle_t ends[2];
	uint64_t count;
	handle_t h;

	(void)state;
	assert_int_equal(CALL_1(event_create, &h), 0);
	assert_int_equal(CALL_2(event_signal, h, 3), 0);
	start_waiter(p.poll, NSEC_NEVER);
	polled_send(p.ends[1], 1, h);
	assert_int_equal(polled_queued(p.ends[0]), 0);
	assert_int_equal(CALL_2(event_signal, h, 1), ERR_BAD_HANDLE);
	expect_received(1, 0);
	assert_int_equal(CALL_2(event_take, waiter.message.handles[0], &count), 0);
	assert_int_equal(count, 3);
	// An end of a channel is queued first.
	assert_int_equal(CALL_1(channel_create, ends), 0);
	start_waiter(p.poll, NSEC_NEVER);
	polled_send(p.ends[1], 2, ends[0]);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	expect_received(2, 0);
	assert_int_equal(waiter.message.num_handles, 1);
}

static void a_wait_for_a_message_ends_at_its_deadline(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	nsec_t deadline = arch_clock_now() + 1000;

	(void)state;
	start_waiter(p.poll, deadline);
	host_run(deadline);
	assert_int_equal(waiter.error, ERR_TIMED_OUT);
	polled_send(p.ends[1], 1, HANDLE_NONE);
	assert_int_equal(polled_queued(p.ends[0]), 1);
}

// Its deadline came first, though it still stands in the poll's queue: the message is queued, and
// found by the thread's last look.
static void a_message_at_the_deadline_is_not_lost(void **state)
{
	struct polled p = polled_create(READY_READABLE);

	(void)state;
	start_waiter(p.poll, arch_clock_now() + 1000);
	host_advance(1000);
	polled_send(p.ends[1], 1, HANDLE_NONE);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	expect_received(1, 0);
}

// A message that cannot be written goes back to where it came from, before what was sent after it.
static void a_given_message_goes_back(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	struct message m;
	handle_t h;

	(void)state;
	for (int with_handle = 0; with_handle < 2; with_handle++) {
		assert_int_equal(CALL_1(event_create, &h), 0);
		start_waiter_for(p.poll, NSEC_NEVER, (struct message *)8);
		polled_send(p.ends[1], 1, with_handle ? h : HANDLE_NONE);
		polled_send(p.ends[1], 2, HANDLE_NONE);
		host_run(NSEC_NEVER);
		assert_int_equal(waiter.error, ERR_ADDRESS);
		assert_int_equal(polled_queued(p.ends[0]), 2);
		assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), 0);
		assert_int_equal(m.type, 1);
		assert_int_equal(m.num_handles, with_handle);
		assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), 0);
		assert_int_equal(m.type, 2);
	}
}

// The sender, another process, does not know that the receiver's table is full: the message waits
// in the queue.
static void a_given_message_waits_for_room(void **state)
{
	struct process *other;
	struct object *object;
	handle_t theirs, h, last = HANDLE_NONE;
	struct polled p;
	struct message m;

	(void)state;
	test_limits(16, 64ul * 1024 * 1024);
	p = polled_create(READY_READABLE);
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	assert_int_equal(handle_lookup(&self->handles, p.ends[1], OBJECT_CHANNEL, 0, &object), 0);
	assert_int_equal(handle_insert(&other->handles, object, RIGHT_WRITE, &theirs), 0);
	object_put(object);
	start_waiter(p.poll, NSEC_NEVER);
	while (CALL_1(event_create, &h) == 0)
		last = h;
	host_enter_process(other);
	assert_int_equal(CALL_1(event_create, &h), 0);
	polled_send(theirs, 1, h);
	host_enter_process(self);
	assert_int_equal(polled_queued(p.ends[0]), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(waiter.event.received, 0);
	assert_int_equal(waiter.event.ready, READY_READABLE);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, last), 0);
	assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), 0);
	assert_int_equal(m.type, 1);
	test_end(other);
}

// Slots behind a message's handles hold whatever the sender had there: the receiver gets none of
// it.
static void unused_slots_are_empty(void **state)
{
	struct polled p = polled_create(READY_READABLE);

	(void)state;
	for (uint32_t num = 1; num <= MESSAGE_MAX_HANDLES; num++) {
		struct message m = { .type = 7, .len = 8, .num_handles = (uint16_t)num },
			       got = { 0 };

		for (uint32_t i = 0; i < MESSAGE_MAX_HANDLES; i++) {
			m.handles[i] = 0x1234;
			if (i < num)
				assert_int_equal(CALL_1(event_create, &m.handles[i]), 0);
		}
		assert_int_equal(CALL_2(channel_send, p.ends[1], &m), 0);
		assert_int_equal(CALL_2(channel_recv, p.ends[0], &got), 0);
		for (uint32_t i = 0; i < MESSAGE_MAX_HANDLES; i++)
			assert_int_equal(got.handles[i] != HANDLE_NONE, i < num);
	}
}

// Whoever is killed while a message is on its way to it: nothing leaks, whichever was first.
static void death_and_a_message_meet(void **state)
{
	(void)state;
	for (int killed_first = 0; killed_first < 2; killed_first++) {
		struct process *other;
		struct object *object;
		struct polled p;
		handle_t theirs;

		p = polled_create(READY_READABLE);
		assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
		assert_int_equal(
			handle_lookup(&self->handles, p.ends[0], OBJECT_CHANNEL, 0, &object), 0);
		assert_int_equal(
			handle_insert(&other->handles, object, RIGHT_READ | RIGHT_POLL, &theirs),
			0);
		object_put(object);
		assert_int_equal(CALL_1(handle_close, p.ends[0]), 0);
		host_enter_process(other);
		assert_int_equal(CALL_1(poll_create, &p.poll), 0);
		assert_int_equal(CALL_4(poll_add, p.poll, theirs, READY_READABLE, 5), 0);
		start_waiter(p.poll, NSEC_NEVER);
		host_enter_process(self);
		if (killed_first)
			process_end_begin(other, PROCESS_END_KILLED, 0);
		polled_send(p.ends[1], 1, HANDLE_NONE);
		if (!killed_first)
			process_end_begin(other, PROCESS_END_KILLED, 0);
		host_run(NSEC_NEVER);
		assert_int_equal(waiter.error, killed_first ? ERR_BAD_STATE : 0);
		assert_int_equal(other->state, PROCESS_ENDED);
		object_put(&other->object);
	}
}

// From the moment that an end is on its way to somebody else, its messages are not given to who
// waits here.
static void an_end_that_leaves_gives_nothing(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	struct object *object;

	(void)state;
	start_waiter(p.poll, NSEC_NEVER);
	assert_int_equal(handle_lookup(&self->handles, p.ends[0], OBJECT_CHANNEL, 0, &object), 0);
	spin_lock(&poll_lock);
	poll_handle_leaves_locked(&self->handles, p.ends[0], object);
	spin_unlock(&poll_lock);
	object_put(object);
	polled_send(p.ends[1], 1, HANDLE_NONE);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.event.received, 0);
	assert_int_equal(waiter.event.ready, READY_READABLE);
}

// --- An end that is closed while it is polled still ---

static struct {
	struct polled polled;
	error_t error;
	bool woken;
} closed;

static void wait_for_event(void *arg)
{
	struct poll_event event;
	size_t n;

	(void)arg;
	closed.woken = CALL_5(poll_wait, closed.polled.poll, &event, 1, NSEC_NEVER, &n) == 0;
	sched_return_to_app();
}

static void send_to_closed_end(void *arg)
{
	struct message m = test_message(1, HANDLE_NONE);
	struct object *object;

	(void)arg;
	// As channel_check_reachable does when all handles of the end lie in queues, before who
	// sent the last one forgets its entry.
	assert_int_equal(
		handle_lookup(&self->handles, closed.polled.ends[0], OBJECT_CHANNEL, 0, &object),
		0);
	object_close(object);
	// The short way is open: there is a tick.
	harts[0].slice_end = arch_clock_now() + TIME_SLICE_NS;
	closed.error = CALL_2(channel_send, closed.polled.ends[1], &m);
}

static void a_closed_end_is_told_nothing(void **state)
{
	(void)state;
	closed.polled = polled_create(READY_READABLE);
	closed.error = 1;
	assert_int_equal(CALL_4(thread_create, wait_for_event, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(CALL_4(thread_create, send_to_closed_end, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(closed.error, ERR_PEER_CLOSED);
	assert_false(closed.woken);
	assert_int_equal(polled_queued(closed.polled.ends[0]), 0);
}

int test_poll_give(void)
{
	const struct CMUnitTest tests[] = {
		test_case(who_waits_is_given_the_message),
		test_case(who_waits_is_given_handles),
		test_case(a_wait_for_a_message_ends_at_its_deadline),
		test_case(a_message_at_the_deadline_is_not_lost),
		test_case(a_given_message_goes_back),
		test_case(a_given_message_waits_for_room),
		test_case(unused_slots_are_empty),
		test_case(death_and_a_message_meet),
		test_case(an_end_that_leaves_gives_nothing),
		test_case(a_closed_end_is_told_nothing),
	};

	return cmocka_run_group_tests_name("poll_recv with threads", tests, NULL, NULL);
}
