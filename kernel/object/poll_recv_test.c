// SPDX-License-Identifier: MIT
//
// poll_recv, a wait that takes a message along, when nobody has to wait.
#include "kernel/object/poll_recv_test.h"

#include "kernel/object/all_test.h"
#include "kernel/object/channel.h"

// A process ends with its last thread, so that one more stays.
static void stay(void *arg)
{
	struct poll_event event;
	handle_t poll;
	size_t n;

	(void)arg;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_5(poll_wait, poll, &event, 1, NSEC_NEVER, &n), ERR_BAD_STATE);
	sched_return_to_app();
}

struct polled polled_create(uint32_t interest)
{
	struct message m = test_message(99, HANDLE_NONE);
	struct polled p;

	assert_int_equal(CALL_4(thread_create, stay, NULL, 0, NULL), 0);
	assert_int_equal(CALL_1(channel_create, p.ends), 0);
	// From now on the hart keeps messages, with and without handles: the short ways are open.
	for (int i = 0; i < 2; i++) {
		handle_t event;

		assert_int_equal(CALL_2(channel_send, p.ends[1], &m), 0);
		assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), 0);
		assert_int_equal(CALL_1(event_create, &event), 0);
		m = test_message(99, event);
	}
	assert_int_equal(CALL_1(handle_close, m.handles[0]), 0);
	assert_int_equal(CALL_1(poll_create, &p.poll), 0);
	assert_int_equal(CALL_4(poll_add, p.poll, p.ends[0], interest, 5), 0);
	return p;
}

void polled_send(handle_t end, uint32_t type, handle_t handle)
{
	struct message m = test_message(type, handle);

	m.len = 8;
	memcpy(m.data, "contents", 8);
	assert_int_equal(CALL_2(channel_send, end, &m), 0);
}

uint32_t polled_queued(handle_t end)
{
	struct object *object;
	uint32_t n;

	assert_int_equal(handle_lookup(&self->handles, end, OBJECT_CHANNEL, 0, &object), 0);
	n = channel_from_object(object)->queued;
	object_put(object);
	return n;
}

static void a_message_comes_with_its_event(void **state)
{
	struct polled p = polled_create(READY_READABLE | READY_WRITABLE | READY_CLOSED);
	struct poll_event event;
	struct message m;
	size_t n = 0;

	(void)state;
	polled_send(p.ends[1], 1, HANDLE_NONE);
	polled_send(p.ends[1], 2, HANDLE_NONE);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(n, 1);
	assert_int_equal(event.cookie, 5);
	assert_int_equal(event.received, 1);
	assert_int_equal(event.ready, READY_READABLE | READY_WRITABLE);
	assert_int_equal(m.type, 1);
	assert_int_equal(m.len, 8);
	assert_memory_equal(m.data, "contents", 8);
	assert_int_equal(CALL_1(handle_close, p.ends[1]), 0);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 1);
	assert_int_equal(event.ready, READY_CLOSED);
	assert_int_equal(m.type, 2);
	// Drained.
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 0);
	assert_int_equal(event.ready, READY_CLOSED);
	assert_int_equal(m.type, 2);
}

static void handles_come_along(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	struct poll_event event;
	handle_t ends[2];
	uint64_t count;
	handle_t h;
	struct message m;
	size_t n;

	(void)state;
	assert_int_equal(CALL_1(event_create, &h), 0);
	assert_int_equal(CALL_2(event_signal, h, 3), 0);
	polled_send(p.ends[1], 1, h);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 1);
	assert_int_equal(event.ready, 0);
	assert_int_equal(m.num_handles, 1);
	assert_int_equal(CALL_2(event_take, m.handles[0], &count), 0);
	assert_int_equal(count, 3);
	// A channel's end goes the general way.
	assert_int_equal(CALL_1(channel_create, ends), 0);
	polled_send(p.ends[1], 2, ends[0]);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 1);
	assert_int_equal(event.ready, 0);
	polled_send(ends[1], 4, HANDLE_NONE);
	assert_int_equal(CALL_2(channel_recv, m.handles[0], &m), 0);
	assert_int_equal(m.type, 4);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), ERR_TIMED_OUT);
}

static void a_full_channel_has_room_again(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	struct poll_event event;
	struct message m;
	size_t n;

	(void)state;
	assert_int_equal(CALL_4(poll_add, p.poll, p.ends[1], READY_WRITABLE, 6), 0);
	for (uint32_t i = 0; i < CHANNEL_MAX_QUEUED; i++)
		polled_send(p.ends[1], i, HANDLE_NONE);
	assert_int_equal(test_ready(p.poll, 6), 0);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.cookie, 5);
	assert_int_equal(event.received, 1);
	assert_int_equal(m.type, 0);
	assert_int_equal(test_ready(p.poll, 6), READY_WRITABLE);
}

// Only the first event brings a message.
static void one_message_a_call(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	struct polled q = polled_create(READY_READABLE);
	struct poll_event events[4];
	struct message m;
	handle_t event;
	size_t n;

	(void)state;
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(CALL_4(poll_add, p.poll, q.ends[0], READY_READABLE, 6), 0);
	assert_int_equal(CALL_4(poll_add, p.poll, event, READY_READABLE, 7), 0);
	polled_send(p.ends[1], 1, HANDLE_NONE);
	polled_send(q.ends[1], 2, HANDLE_NONE);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(RECV(p.poll, events, 4, 0, &n, &m), 0);
	assert_int_equal(n, 3);
	assert_int_equal(events[0].cookie, 5);
	assert_int_equal(events[0].received, 1);
	assert_int_equal(events[0].ready, 0);
	assert_int_equal(m.type, 1);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(events[i].received, 0);
		assert_int_equal(events[i].ready, READY_READABLE);
	}
	// They take turns: now it is the other channel's, and then that of what cannot be received.
	assert_int_equal(RECV(p.poll, events, 1, 0, &n, &m), 0);
	assert_int_equal(events[0].cookie, 6);
	assert_int_equal(events[0].received, 1);
	assert_int_equal(m.type, 2);
	assert_int_equal(RECV(p.poll, events, 1, 0, &n, &m), 0);
	assert_int_equal(events[0].cookie, 7);
	assert_int_equal(events[0].received, 0);
}

static void what_may_not_be_received_stays(void **state)
{
	struct polled p = polled_create(READY_WRITABLE);
	struct process *other;
	struct poll_event event;
	struct object *object;
	handle_t blind, theirs;
	struct message m;
	size_t n;

	(void)state;
	// No READABLE among the interests.
	polled_send(p.ends[1], 1, HANDLE_NONE);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 0);
	assert_int_equal(event.ready, READY_WRITABLE);
	assert_int_equal(CALL_2(poll_remove, p.poll, p.ends[0]), 0);
	// No right to read.
	assert_int_equal(CALL_3(handle_duplicate, p.ends[0], RIGHT_POLL | RIGHT_WRITE, &blind), 0);
	assert_int_equal(CALL_4(poll_add, p.poll, blind, READY_READABLE, 6), 0);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.cookie, 6);
	assert_int_equal(event.received, 0);
	assert_int_equal(event.ready, READY_READABLE);
	assert_int_equal(CALL_2(poll_remove, p.poll, blind), 0);
	// Another process has the poll, but not the handle.
	assert_int_equal(CALL_4(poll_add, p.poll, p.ends[0], READY_READABLE, 5), 0);
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	assert_int_equal(handle_lookup(&self->handles, p.poll, OBJECT_POLL, 0, &object), 0);
	assert_int_equal(handle_insert(&other->handles, object, RIGHT_READ, &theirs), 0);
	object_put(object);
	host_enter_process(other);
	assert_int_equal(RECV(theirs, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 0);
	assert_int_equal(event.ready, READY_READABLE);
	host_enter_process(self);
	test_end(other);
	assert_int_equal(polled_queued(p.ends[0]), 1);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 1);
	assert_int_equal(m.type, 1);
}

static void bad_arguments_lose_nothing(void **state)
{
	struct polled p = polled_create(READY_READABLE);
	handle_t no_read;
	struct poll_event event;
	struct message m;
	handle_t h;
	size_t n;

	(void)state;
	assert_int_equal(CALL_1(event_create, &h), 0);
	for (int with_handle = 0; with_handle < 2; with_handle++) {
		polled_send(p.ends[1], 1, with_handle ? h : HANDLE_NONE);
		assert_int_equal(RECV(p.poll, &event, 1, 0, &n, NULL), ERR_ADDRESS);
		assert_int_equal(RECV(p.poll, &event, 1, 0, &n, 8), ERR_ADDRESS);
		assert_int_equal(RECV(p.poll, 8, 1, 0, &n, &m), ERR_ADDRESS);
		assert_int_equal(RECV(p.poll, &event, 1, 0, 8, &m), ERR_ADDRESS);
		assert_int_equal(RECV(p.poll, &event, 0, 0, &n, &m), ERR_INVALID);
		assert_int_equal(RECV(p.poll, &event, POLL_MAX_BATCH + 1, 0, &n, &m), ERR_INVALID);
		assert_int_equal(RECV(p.ends[0], &event, 1, 0, &n, &m), ERR_WRONG_TYPE);
		assert_int_equal(RECV(4711, &event, 1, 0, &n, &m), ERR_BAD_HANDLE);
		assert_int_equal(CALL_3(handle_duplicate, p.poll, RIGHT_WRITE, &no_read), 0);
		assert_int_equal(RECV(no_read, &event, 1, 0, &n, &m), ERR_ACCESS);
		assert_int_equal(polled_queued(p.ends[0]), 1);
		assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
		assert_int_equal(event.received, 1);
		assert_int_equal(m.num_handles, with_handle);
		assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), ERR_TIMED_OUT);
	}
}

static void a_full_table_leaves_the_message(void **state)
{
	struct poll_event event;
	struct polled p;
	struct message m;
	handle_t h, last = HANDLE_NONE;
	size_t n;

	(void)state;
	test_limits(16, 64ul * 1024 * 1024);
	p = polled_create(READY_READABLE);
	assert_int_equal(CALL_1(event_create, &h), 0);
	polled_send(p.ends[1], 1, h);
	while (CALL_1(event_create, &h) == 0)
		last = h;
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 0);
	assert_int_equal(event.ready, READY_READABLE);
	assert_int_equal(CALL_2(channel_recv, p.ends[0], &m), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, last), 0);
	assert_int_equal(RECV(p.poll, &event, 1, 0, &n, &m), 0);
	assert_int_equal(event.received, 1);
	assert_int_equal(m.num_handles, 1);
}

int test_poll_recv(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_message_comes_with_its_event),  test_case(handles_come_along),
		test_case(a_full_channel_has_room_again),   test_case(one_message_a_call),
		test_case(what_may_not_be_received_stays),  test_case(bad_arguments_lose_nothing),
		test_case(a_full_table_leaves_the_message),
	};

	return cmocka_run_group_tests_name("poll_recv", tests, NULL, NULL);
}
