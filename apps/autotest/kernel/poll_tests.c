// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"

static void is_level_triggered(struct autotest *t)
{
	struct poll_event events[4];
	handle_t poll = HANDLE_NONE;
	handle_t event = HANDLE_NONE;
	uint64_t count = 0;
	size_t n = 0;

	expect(t, poll_create(&poll) == 0 && event_create(&event) == 0);
	expect(t, poll_add(poll, event, READY_READABLE, 77) == 0);
	expect(t, poll_add(poll, event, READY_READABLE, 78) == ERR_EXISTS);
	expect(t, poll_wait(poll, events, 4, 0, &n) == ERR_TIMED_OUT);
	expect(t, event_signal(event, 1) == 0);
	for (int i = 0; i < 3; i++)
		expect(t,
		       poll_wait(poll, events, 4, 0, &n) == 0 && n == 1 && events[0].cookie == 77 &&
		               events[0].ready == READY_READABLE);
	expect(t, event_take(event, &count) == 0);
	expect(t, poll_wait(poll, events, 4, 0, &n) == ERR_TIMED_OUT);
	expect(t, event_signal(event, 1) == 0 && poll_update(poll, event, 0, 79) == 0);
	expect(t, poll_wait(poll, events, 4, 0, &n) == ERR_TIMED_OUT);
	expect(t, poll_update(poll, event, READY_READABLE, 79) == 0);
	expect(t, poll_wait(poll, events, 4, 0, &n) == 0 && n == 1 && events[0].cookie == 79);
	expect(t, poll_remove(poll, event) == 0);
	expect(t, poll_wait(poll, events, 4, 0, &n) == ERR_TIMED_OUT);
	handle_close(event);
	handle_close(poll);
}

static void nests_but_not_in_a_circle(struct autotest *t)
{
	handle_t polls[POLL_MAX_DEPTH + 1] = { 0 };
	handle_t event = HANDLE_NONE;
	struct poll_event e;
	size_t n = 0;

	expect(t, event_create(&event) == 0);
	for (int i = 0; i <= POLL_MAX_DEPTH; i++)
		expect(t, poll_create(&polls[i]) == 0);
	for (int i = 0; i + 1 < POLL_MAX_DEPTH; i++)
		expect(t, poll_add(polls[i], polls[i + 1], READY_READABLE, 1) == 0);
	expect(t,
	       poll_add(polls[POLL_MAX_DEPTH - 1], polls[POLL_MAX_DEPTH], READY_READABLE, 1) ==
	               ERR_RANGE);
	expect(t, poll_add(polls[POLL_MAX_DEPTH - 1], polls[0], READY_READABLE, 1) == ERR_CYCLE);
	expect(t, poll_add(polls[0], polls[0], READY_READABLE, 1) == ERR_CYCLE);
	expect(t, poll_add(polls[POLL_MAX_DEPTH - 1], event, READY_READABLE, 5) == 0);
	expect(t, poll_wait(polls[0], &e, 1, 0, &n) == ERR_TIMED_OUT);
	expect(t, event_signal(event, 1) == 0);
	expect(t, poll_wait(polls[0], &e, 1, 0, &n) == 0 && n == 1);
	for (int i = 0; i <= POLL_MAX_DEPTH; i++)
		handle_close(polls[i]);
	handle_close(event);
}

static void wakes_at_a_deadline_and_by_a_timer(struct autotest *t)
{
	nsec_t start = test_now();
	struct poll_event e;
	handle_t poll = HANDLE_NONE;
	handle_t timer = HANDLE_NONE;
	size_t n = 0;

	expect(t, poll_create(&poll) == 0 && timer_create(&timer) == 0);
	expect(t, poll_wait(poll, &e, 1, start + 20 * NSEC_PER_MSEC, &n) == ERR_TIMED_OUT);
	expect(t, test_now() >= start + 20 * NSEC_PER_MSEC);
	start = test_now();
	expect(t, timer_set(timer, start + 20 * NSEC_PER_MSEC) == 0);
	expect(t, poll_add(poll, timer, READY_READABLE, 9) == 0);
	expect(t, poll_wait(poll, &e, 1, test_deadline(), &n) == 0 && n == 1 && e.cookie == 9);
	expect(t, test_now() >= start + 20 * NSEC_PER_MSEC);
	expect(t, timer_set(timer, NSEC_NEVER) == 0);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == ERR_TIMED_OUT);
	handle_close(timer);
	handle_close(poll);
}

static void tells_of_a_closed_peer_and_of_room(struct autotest *t)
{
	struct message m;
	struct poll_event e;
	handle_t ends[2] = { 0 };
	handle_t poll = HANDLE_NONE;
	size_t n = 0;

	expect(t, poll_create(&poll) == 0 && channel_create(ends) == 0);
	expect(t, poll_add(poll, ends[0], READY_WRITABLE | READY_CLOSED, 1) == 0);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == 0 && e.ready == READY_WRITABLE);
	message_init(&m, 100);
	for (int i = 0; i < CHANNEL_MAX_QUEUED; i++)
		expect(t, channel_send(ends[0], &m) == 0);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == ERR_TIMED_OUT);
	expect(t, channel_recv(ends[1], &m) == 0);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == 0 && e.ready == READY_WRITABLE);
	handle_close(ends[1]);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == 0 && (e.ready & READY_CLOSED) != 0);
	handle_close(ends[0]);
	expect(t, poll_wait(poll, &e, 1, 0, &n) == ERR_TIMED_OUT);
	handle_close(poll);
}

const struct test poll_tests[] = {
	{ "a poll is level-triggered", is_level_triggered },
	{ "polls nest, but not in a circle", nests_but_not_in_a_circle },
	{ "a poll wakes at a deadline and by a timer", wakes_at_a_deadline_and_by_a_timer },
	{ "a poll tells of a closed peer and of room", tells_of_a_closed_peer_and_of_room },
	{ 0 },
};
