// SPDX-License-Identifier: MIT
//
// poll_recv in the running system: messages that are given to who waits, on one hart and across
// harts.
#include "apps/autotest/autotest.h"
#include "libs/base/string.h"

#define NUM_MESSAGES 20000u
#define NUM_TRIPS 5000u
#define NUM_ROUNDS 64u
// Not mapped anywhere.
#define NOWHERE ((struct message *)(uintptr_t)0xffffffbf00000000ul)

static handle_t ends[2];
static handle_t poll;
static uint32_t num_messages;
static uint32_t num_received;

static void set_up(struct autotest *t, uint32_t interest)
{
	num_received = 0;
	poll = HANDLE_NONE;
	expect(t, channel_create(ends) == 0 && poll_create(&poll) == 0);
	expect(t, poll_add(poll, ends[0], interest, 5) == 0);
}

static void tear_down(void)
{
	handle_close(ends[0]);
	handle_close(ends[1]);
	handle_close(poll);
}

static void wait_for_end(struct autotest *t, handle_t thread)
{
	expect(t, handle_wait(thread, READY_CLOSED, test_deadline()) == 0);
	handle_close(thread);
}

// Retries until the receiver has made room.
static void send_number(uint32_t number, handle_t handle)
{
	struct message m;
	error_t err;

	message_init(&m, number);
	m.len = sizeof(number);
	memcpy(m.data, &number, sizeof(number));
	if (handle != HANDLE_NONE) {
		m.handles[0] = handle;
		m.num_handles = 1;
	}
	while ((err = channel_send(ends[1], &m)) == ERR_FULL)
		thread_yield();
	assert(err == 0);
}

// Each message in its turn; returns false at the first that is not.
static bool take_numbers(void)
{
	while (num_received < num_messages) {
		struct poll_event event;
		struct message m;
		size_t n;

		if (poll_recv(poll, &event, 1, test_deadline(), &n, &m) != 0 || n != 1 ||
		    event.cookie != 5)
			return false;
		if (event.received == 0 && channel_recv(ends[0], &m) != 0)
			return false;
		if (m.type != num_received || m.len != sizeof(uint32_t) ||
		    memcmp(m.data, &num_received, m.len) != 0)
			return false;
		if (m.num_handles > 0 &&
		    (event_signal(m.handles[0], 1) != 0 || handle_close(m.handles[0]) != 0))
			return false;
		num_received++;
	}
	return true;
}

static void send_numbers(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < num_messages; i++) {
		handle_t event = HANDLE_NONE;

		if (i % 7 == 0)
			assert(event_create(&event) == 0);
		send_number(i, event);
		// Pauses of all kinds, so that the receiver is met waiting, waking and running.
		if (i % 5 == 0)
			thread_yield();
		for (volatile uint32_t pause = 0; pause < i % 97; pause++)
			;
	}
	thread_exit();
}

static void messages_keep_their_order(struct autotest *t)
{
	handle_t thread = HANDLE_NONE;

	set_up(t, READY_READABLE);
	num_messages = test_rounds(t, NUM_MESSAGES);
	expect(t, thread_create(send_numbers, NULL, 0, &thread) == 0);
	expect(t, take_numbers());
	wait_for_end(t, thread);
	tear_down();
}

// --- Questions and answers ---

static void answer(void *arg)
{
	struct poll_event event;
	struct message m;
	handle_t mine;
	size_t n;

	(void)arg;
	assert(poll_create(&mine) == 0 &&
	       poll_add(mine, ends[1], READY_READABLE | READY_CLOSED, 1) == 0);
	do {
		assert(poll_recv(mine, &event, 1, NSEC_NEVER, &n, &m) == 0 && event.received == 1);
		m.type++;
		assert(channel_send(ends[1], &m) == 0);
	} while (m.type < 2 * NUM_TRIPS);
	handle_close(mine);
	thread_exit();
}

static void two_threads_answer_each_other(struct autotest *t)
{
	struct poll_event event = { 0 };
	handle_t thread = HANDLE_NONE;
	struct message m;
	size_t n = 0;

	set_up(t, READY_READABLE);
	message_init(&m, 0);
	expect(t, event_create(&m.handles[0]) == 0);
	m.num_handles = 1;
	expect(t, thread_create(answer, NULL, 0, &thread) == 0);
	for (uint32_t i = 0; i < NUM_TRIPS && !t->failed; i++) {
		uint32_t asked = m.type++;

		expect(t, channel_send(ends[0], &m) == 0);
		expect(t, poll_recv(poll, &event, 1, test_deadline(), &n, &m) == 0);
		expect(t,
		       event.received == 1 && event.ready == 0 && m.type == asked + 2 &&
		               m.num_handles == 1);
	}
	expect(t, event_signal(m.handles[0], 1) == 0);
	handle_close(m.handles[0]);
	wait_for_end(t, thread);
	tear_down();
}

// --- In step with another thread ---

static volatile uint32_t begun;
static volatile uint32_t ended;

static void begin(uint32_t round)
{
	begun = round;
}

static void wait_until_begun(uint32_t round)
{
	while (begun < round)
		thread_yield();
}

static void wait_until_ended(uint32_t round)
{
	while (ended < round)
		thread_yield();
}

static handle_t start_in_step(struct autotest *t, void (*entry)(void *arg))
{
	handle_t thread = HANDLE_NONE;

	begun = 0;
	ended = 0;
	expect(t, thread_create(entry, NULL, 0, &thread) == 0);
	return thread;
}

// --- Bad memory ---

static void receive_nowhere(void *arg)
{
	(void)arg;
	for (uint32_t round = 1; round <= NUM_ROUNDS; round++) {
		struct poll_event event;
		size_t n;

		wait_until_begun(round);
		assert(poll_recv(poll, &event, 1, test_deadline(), &n, NOWHERE) == ERR_ADDRESS);
		ended = round;
	}
	thread_exit();
}

// Whether it waits or not, a receiver whose memory is bad leaves the message where it was.
static void a_receive_to_bad_memory_loses_nothing(struct autotest *t)
{
	struct poll_event event = { 0 };
	handle_t thread;
	struct message m;
	size_t n;

	set_up(t, READY_READABLE);
	thread = start_in_step(t, receive_nowhere);
	for (uint32_t i = 1; i <= NUM_ROUNDS && !t->failed; i++) {
		handle_t h = HANDLE_NONE;

		if (i % 2 == 0)
			expect(t, event_create(&h) == 0);
		begin(i);
		if (i % 4 < 2)
			thread_yield();
		send_number(i, h);
		send_number(i + 1, HANDLE_NONE);
		wait_until_ended(i);
		expect(t, poll_recv(poll, &event, 1, test_deadline(), &n, &m) == 0);
		expect(t,
		       event.received == 1 && event.ready == READY_READABLE && m.type == i &&
		               m.num_handles == (i % 2 == 0));
		if (m.num_handles > 0)
			handle_close(m.handles[0]);
		expect(t, poll_recv(poll, &event, 1, test_deadline(), &n, &m) == 0);
		expect(t, event.received == 1 && event.ready == 0 && m.type == i + 1);
	}
	if (!t->failed)
		wait_for_end(t, thread);
	tear_down();
}

// --- The end of the channel ---

static void send_and_close(void *arg)
{
	(void)arg;
	for (uint32_t round = 1; round <= NUM_ROUNDS; round++) {
		wait_until_begun(round);
		for (uint32_t i = 0; i < 3; i++)
			send_number(i, HANDLE_NONE);
		handle_close(ends[1]);
		ended = round;
	}
	thread_exit();
}

static void what_was_sent_comes_before_the_end(struct autotest *t)
{
	handle_t thread = start_in_step(t, send_and_close);

	for (uint32_t round = 1; round <= NUM_ROUNDS && !t->failed; round++) {
		struct poll_event event = { 0 };
		uint32_t got = 0;
		struct message m;
		size_t n;

		set_up(t, READY_READABLE | READY_CLOSED);
		begin(round);
		for (;;) {
			expect(t, poll_recv(poll, &event, 1, test_deadline(), &n, &m) == 0);
			if (event.received == 0)
				break;
			expect(t, m.type == got);
			got++;
		}
		expect(t,
		       got == 3 && event.ready == READY_CLOSED &&
		               channel_recv(ends[0], &m) == ERR_PEER_CLOSED);
		wait_until_ended(round);
		handle_close(ends[0]);
		handle_close(poll);
	}
	if (!t->failed)
		wait_for_end(t, thread);
}

const struct test recv_tests[] = {
	{ "messages keep their order, however they are received", messages_keep_their_order },
	{ "two threads answer each other", two_threads_answer_each_other },
	{ "a receive to bad memory loses nothing", a_receive_to_bad_memory_loses_nothing },
	{ "what was sent comes before the channel's end", what_was_sent_comes_before_the_end },
	{ 0 },
};
