// SPDX-License-Identifier: MIT
#include "kernel/object/poll.h"

#include "kernel/object/all_test.h"
#include "kernel/object/test_support.h"

static handle_t new_poll(void)
{
	handle_t poll;

	assert_int_equal(CALL_1(poll_create, &poll), 0);
	return poll;
}

static handle_t new_event(void)
{
	handle_t event;

	assert_int_equal(CALL_1(event_create, &event), 0);
	return event;
}

static void readiness_is_level_triggered_and_filtered(void **state)
{
	handle_t poll = new_poll();
	handle_t event = new_event();
	uint64_t count;

	(void)state;
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 7), 0);
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 8), ERR_EXISTS);
	assert_int_equal(CALL_4(poll_add, poll, event, 8, 8), ERR_INVALID);
	assert_int_equal(test_ready(poll, 7), 0);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(test_ready(poll, 7), READY_READABLE);
	assert_int_equal(test_ready(poll, 7), READY_READABLE);
	assert_int_equal(CALL_4(poll_update, poll, event, READY_WRITABLE, 7), 0);
	assert_int_equal(test_ready(poll, 7), 0);
	assert_int_equal(CALL_4(poll_update, poll, event, READY_READABLE, 9), 0);
	assert_int_equal(test_ready(poll, 9), READY_READABLE);
	assert_int_equal(CALL_2(event_take, event, &count), 0);
	assert_int_equal(test_ready(poll, 9), 0);
	assert_int_equal(CALL_2(poll_remove, poll, event), 0);
	assert_int_equal(CALL_2(poll_remove, poll, event), ERR_NOT_FOUND);
	assert_int_equal(CALL_4(poll_update, poll, event, READY_READABLE, 1), ERR_NOT_FOUND);
}

static void an_object_that_is_ready_when_added_is_reported(void **state)
{
	handle_t poll = new_poll();
	handle_t event = new_event();

	(void)state;
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 7), 0);
	assert_int_equal(test_ready(poll, 7), READY_READABLE);
	assert_int_equal(CALL_2(poll_remove, poll, event), 0);
	assert_int_equal(test_ready(poll, 7), 0);
}

static void entries_go_with_their_handle(void **state)
{
	handle_t poll = new_poll();
	handle_t event = new_event();
	handle_t copy;
	handle_t ends[2];
	struct message m;

	(void)state;
	assert_int_equal(CALL_3(handle_duplicate, event, RIGHTS_SAME, &copy), 0);
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 1), 0);
	assert_int_equal(CALL_4(poll_add, poll, copy, READY_READABLE, 2), 0);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(CALL_1(handle_close, event), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	assert_int_equal(test_ready(poll, 2), READY_READABLE);
	// Sent away: gone, too.
	assert_int_equal(CALL_1(channel_create, ends), 0);
	m = test_message(1, copy);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(test_ready(poll, 2), 0);
}

static void ready_entries_take_turns(void **state)
{
	enum { N = 10 };
	handle_t poll = new_poll();
	struct poll_event events[3];
	unsigned seen[N] = { 0 };
	size_t n;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		handle_t event = new_event();

		assert_int_equal(CALL_2(event_signal, event, 1), 0);
		assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, i), 0);
	}
	for (int round = 0; round < 10; round++) {
		assert_int_equal(CALL_5(poll_wait, poll, events, 3, 0, &n), 0);
		assert_int_equal(n, 3);
		for (size_t i = 0; i < n; i++)
			seen[events[i].cookie]++;
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(seen[i], 3);
}

static void polls_nest_four_deep_and_never_in_a_circle(void **state)
{
	handle_t polls[POLL_MAX_DEPTH + 1];
	handle_t event = new_event();
	uint64_t count;

	(void)state;
	for (int i = 0; i <= POLL_MAX_DEPTH; i++)
		polls[i] = new_poll();
	for (int i = 0; i + 1 < POLL_MAX_DEPTH; i++)
		assert_int_equal(CALL_4(poll_add, polls[i], polls[i + 1], READY_READABLE, 1), 0);
	assert_int_equal(CALL_4(poll_add, polls[POLL_MAX_DEPTH - 1], polls[POLL_MAX_DEPTH],
	                        READY_READABLE, 1),
	                 ERR_RANGE);
	assert_int_equal(CALL_4(poll_add, polls[POLL_MAX_DEPTH], polls[0], READY_READABLE, 1),
	                 ERR_RANGE);
	assert_int_equal(CALL_4(poll_add, polls[POLL_MAX_DEPTH - 1], polls[0], READY_READABLE, 1),
	                 ERR_CYCLE);
	assert_int_equal(CALL_4(poll_add, polls[2], polls[0], READY_READABLE, 1), ERR_CYCLE);
	assert_int_equal(CALL_4(poll_add, polls[0], polls[0], READY_READABLE, 1), ERR_CYCLE);

	assert_int_equal(CALL_4(poll_add, polls[POLL_MAX_DEPTH - 1], event, READY_READABLE, 5), 0);
	assert_int_equal(test_ready(polls[0], 1), 0);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(test_ready(polls[0], 1), READY_READABLE);
	assert_int_equal(CALL_2(event_take, event, &count), 0);
	assert_int_equal(test_ready(polls[0], 1), 0);
	// Once it is taken apart, there is room for others.
	assert_int_equal(CALL_2(poll_remove, polls[2], polls[3]), 0);
	assert_int_equal(CALL_4(poll_add, polls[2], polls[4], READY_READABLE, 1), 0);
}

// --- Threads that wait ---

static struct {
	handle_t poll;
	handle_t event;
	nsec_t deadline;
	error_t error;
	uint64_t cookie;
	nsec_t woken_at;
	bool back_in_app;
} waiter;

static void wait_thread(void *arg)
{
	struct poll_event event = { 0 };
	size_t n = 0;

	(void)arg;
	waiter.error = CALL_5(poll_wait, waiter.poll, &event, 1, waiter.deadline, &n);
	waiter.cookie = event.cookie;
	waiter.woken_at = arch_clock_now();
	sched_return_to_app();
	waiter.back_in_app = true;
}

static void start_waiter(handle_t poll, handle_t event, nsec_t deadline)
{
	memset(&waiter, 0, sizeof(waiter));
	waiter.poll = poll;
	waiter.event = event;
	waiter.deadline = deadline;
	waiter.error = 1;
	assert_int_equal(CALL_4(thread_create, wait_thread, NULL, 0, NULL), 0);
}

static void a_wait_ends_with_the_event(void **state)
{
	handle_t poll = new_poll();
	handle_t event = new_event();

	(void)state;
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 3), 0);
	start_waiter(poll, event, NSEC_NEVER);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 1);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(waiter.cookie, 3);
	assert_true(waiter.back_in_app);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	handle_t poll = new_poll();
	nsec_t deadline = arch_clock_now() + 12345;

	(void)state;
	start_waiter(poll, HANDLE_NONE, deadline);
	host_run(deadline - 1);
	assert_int_equal(waiter.error, 1);
	assert_int_equal(host_timer(), deadline);
	host_run(deadline);
	assert_int_equal(waiter.error, ERR_TIMED_OUT);
	assert_int_equal(waiter.woken_at, deadline);
	assert_int_equal(host_timer(), NSEC_NEVER);
}

static void a_wait_ends_when_an_entry_is_added_that_is_ready(void **state)
{
	handle_t poll = new_poll();
	handle_t event = new_event();

	(void)state;
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	start_waiter(poll, event, NSEC_NEVER);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 1);
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 4), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(waiter.cookie, 4);
}

// The waiter holds the poll even if its last handle goes.
static void a_poll_may_be_closed_under_a_waiter(void **state)
{
	handle_t poll = new_poll();
	nsec_t deadline = arch_clock_now() + 1000;

	(void)state;
	start_waiter(poll, HANDLE_NONE, deadline);
	host_run(deadline - 1);
	assert_int_equal(CALL_1(handle_close, poll), 0);
	host_run(deadline);
	assert_int_equal(waiter.error, ERR_TIMED_OUT);
}

static void a_blocked_thread_of_a_dying_process_stops_at_the_boundary(void **state)
{
	struct process *other;

	(void)state;
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	host_enter_process(other);
	start_waiter(new_poll(), HANDLE_NONE, NSEC_NEVER);
	host_run(NSEC_NEVER);
	host_enter_process(self);
	assert_int_equal(waiter.error, 1);
	test_end(other);
	assert_int_equal(waiter.error, ERR_BAD_STATE);
	assert_false(waiter.back_in_app);
}

static void die_and_wait(void *arg)
{
	(void)process_end_begin(process_current(), PROCESS_END_KILLED, 0);
	wait_thread(arg);
}

// The end came before the thread could be woken: it must not go to sleep.
static void a_wait_that_begins_in_a_dying_process_ends_at_once(void **state)
{
	struct process *other;

	(void)state;
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	host_enter_process(other);
	memset(&waiter, 0, sizeof(waiter));
	waiter.poll = new_poll();
	waiter.deadline = NSEC_NEVER;
	assert_int_equal(CALL_4(thread_create, die_and_wait, NULL, 0, NULL), 0);
	host_enter_process(self);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, ERR_BAD_STATE);
	assert_false(waiter.back_in_app);
	assert_int_equal(other->state, PROCESS_ENDED);
	object_put(&other->object);
}

static unsigned notified;

static void note(struct poll_listener *listener)
{
	(void)listener;
	notified++;
}

static void a_listener_hears_of_each_change(void **state)
{
	struct poll_listener listener = { .notify = note };
	handle_t poll = new_poll();
	handle_t event = new_event();
	struct object *object;
	uint64_t count;

	(void)state;
	notified = 0;
	list_init(&listener.entry);
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 4), 0);
	assert_int_equal(handle_lookup(&self->handles, poll, OBJECT_POLL, 0, &object), 0);
	assert_false(poll_listen(poll_from_object(object), &listener));
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(notified, 1);
	assert_true(poll_is_ready(poll_from_object(object)));
	assert_int_equal(CALL_2(event_take, event, &count), 0);
	assert_false(poll_is_ready(poll_from_object(object)));
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(notified, 2);
	poll_unlisten(&listener);
	object_put(object);
}

// --- The hand-over of the hart ---

#define TRIPS 200u

static struct {
	handle_t ends[2];
	handle_t polls[2];
	unsigned trips;      // answers that the first got
	unsigned handed;     // sends that left the other waiting for the hart itself
	unsigned bystander;  // turns of a third thread
	unsigned spoiled;    // the bystander's turns when the first was interrupted
	unsigned jumped;     // times that the second ran before the bystander nevertheless
	bool interrupt;      // the first is interrupted by ticks
	bool done;
} pair;

static void pair_wait(int side)
{
	struct poll_event event;
	size_t n;

	assert_int_equal(CALL_5(poll_wait, pair.polls[side], &event, 1, NSEC_NEVER, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(event.cookie, 7);
	assert_int_equal(event.ready, READY_READABLE);
	sched_return_to_app();
}

static void pair_first(void *arg)
{
	struct message m = { .type = 5, .len = 8 };

	(void)arg;
	while (pair.trips < TRIPS) {
		memcpy(m.data, &pair.trips, sizeof(pair.trips));
		assert_int_equal(CALL_2(channel_send, pair.ends[0], &m), 0);
		pair.handed += harts[0].handover != NULL;
		if (pair.interrupt) {
			// Two ticks: the second one ends the slice.
			host_advance(TIME_SLICE_NS);
			host_advance(TIME_SLICE_NS);
			pair.spoiled = pair.bystander;
			sched_return_to_app();
		}
		pair_wait(0);
		assert_int_equal(CALL_2(channel_recv, pair.ends[0], &m), 0);
		assert_memory_equal(m.data, &pair.trips, sizeof(pair.trips));
		assert_int_equal(CALL_2(channel_recv, pair.ends[0], &m), ERR_EMPTY);
		pair.trips++;
	}
	pair.done = true;
	m.type = 6;
	assert_int_equal(CALL_2(channel_send, pair.ends[0], &m), 0);
}

static void pair_second(void *arg)
{
	struct message m;

	(void)arg;
	do {
		pair_wait(1);
		pair.jumped += pair.interrupt && pair.bystander == pair.spoiled;
		assert_int_equal(CALL_2(channel_recv, pair.ends[1], &m), 0);
		assert_int_equal(CALL_2(channel_send, pair.ends[1], &m), 0);
	} while (m.type != 6);
}

static void bystander(void *arg)
{
	(void)arg;
	while (!pair.done) {
		pair.bystander++;
		assert_int_equal(CALL_1(thread_yield, 0), 0);
	}
}

static void run_pair(void (*third)(void *arg), bool interrupt)
{
	memset(&pair, 0, sizeof(pair));
	pair.interrupt = interrupt;
	assert_int_equal(CALL_1(channel_create, pair.ends), 0);
	for (int i = 0; i < 2; i++) {
		pair.polls[i] = new_poll();
		assert_int_equal(CALL_4(poll_add, pair.polls[i], pair.ends[i], READY_READABLE, 7),
		                 0);
	}
	assert_int_equal(CALL_4(thread_create, pair_second, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, pair_first, NULL, 0, NULL), 0);
	if (third != NULL)
		assert_int_equal(CALL_4(thread_create, third, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(pair.trips, TRIPS);
	assert_null(harts[0].handover);
}

static void two_threads_hand_the_hart_to_and_fro(void **state)
{
	(void)state;
	run_pair(NULL, false);
	assert_true(pair.handed >= TRIPS - 1);
}

static void a_third_thread_gets_its_turn_at_the_tick(void **state)
{
	(void)state;
	run_pair(bystander, true);
	assert_true(pair.bystander >= TRIPS);
	assert_true(pair.jumped <= 1);
}

// An entry that stays in the ready list though it is not ready must still wake who waits, and is
// not reported.
static void an_entry_seen_not_ready_still_wakes(void **state)
{
	struct message m = test_message(1, HANDLE_NONE);
	handle_t poll = new_poll();
	handle_t ends[2];

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_4(poll_add, poll, ends[0], READY_READABLE | READY_CLOSED, 3), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(CALL_2(channel_send, ends[1], &m), 0);
		assert_int_equal(test_ready(poll, 3), READY_READABLE);
		assert_int_equal(CALL_2(channel_recv, ends[0], &m), 0);
		assert_int_equal(test_ready(poll, 3), 0);
	}
	start_waiter(poll, HANDLE_NONE, NSEC_NEVER);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 1);
	assert_int_equal(CALL_2(channel_send, ends[1], &m), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(waiter.cookie, 3);
}

int test_polls(void)
{
	const struct CMUnitTest tests[] = {
		test_case(readiness_is_level_triggered_and_filtered),
		test_case(an_object_that_is_ready_when_added_is_reported),
		test_case(entries_go_with_their_handle),
		test_case(ready_entries_take_turns),
		test_case(polls_nest_four_deep_and_never_in_a_circle),
		test_case(a_wait_ends_with_the_event),
		test_case(a_wait_ends_at_its_deadline),
		test_case(a_wait_ends_when_an_entry_is_added_that_is_ready),
		test_case(a_poll_may_be_closed_under_a_waiter),
		test_case(a_blocked_thread_of_a_dying_process_stops_at_the_boundary),
		test_case(a_wait_that_begins_in_a_dying_process_ends_at_once),
		test_case(a_listener_hears_of_each_change),
		test_case(two_threads_hand_the_hart_to_and_fro),
		test_case(a_third_thread_gets_its_turn_at_the_tick),
		test_case(an_entry_seen_not_ready_still_wakes),
	};

	return cmocka_run_group_tests_name("polls", tests, NULL, NULL);
}
