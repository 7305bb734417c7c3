// SPDX-License-Identifier: MIT
#include "kernel/object/channel_message.h"
#include "kernel/object/all_test.h"
#include "kernel/object/test_support.h"

static void make(handle_t ends[2])
{
	assert_int_equal(CALL_1(channel_create, ends), 0);
}

static error_t send(handle_t end, uint32_t type, handle_t handle)
{
	struct message m = test_message(type, handle);

	return CALL_2(channel_send, end, &m);
}

static void messages_keep_order_and_contents(void **state)
{
	struct message m = { .type = 7, .len = MESSAGE_MAX_DATA };
	struct message got;
	handle_t ends[2];

	(void)state;
	make(ends);
	for (unsigned i = 0; i < MESSAGE_MAX_DATA; i++)
		m.data[i] = (uint8_t)(i * 3);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	m.len = 1;
	m.type = 8;
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	memset(&got, 0xaa, sizeof(got));
	assert_int_equal(CALL_2(channel_recv, ends[1], &got), 0);
	assert_int_equal(got.type, 7);
	assert_int_equal(got.len, MESSAGE_MAX_DATA);
	assert_memory_equal(got.data, m.data, MESSAGE_MAX_DATA);
	assert_int_equal(CALL_2(channel_recv, ends[1], &got), 0);
	assert_int_equal(got.type, 8);
	assert_int_equal(got.len, 1);
	assert_int_equal(CALL_2(channel_recv, ends[1], &got), ERR_EMPTY);
	assert_int_equal(CALL_2(channel_recv, ends[0], &got), ERR_EMPTY);
}

static void bad_messages_are_refused(void **state)
{
	struct message m = test_message(1, HANDLE_NONE);
	handle_t ends[2];

	(void)state;
	make(ends);
	m.len = MESSAGE_MAX_DATA + 1;
	assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_INVALID);
	m.len = 0;
	m.num_handles = MESSAGE_MAX_HANDLES + 1;
	assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_INVALID);
	assert_int_equal(CALL_2(channel_send, ends[0], 24), ERR_ADDRESS);
	assert_int_equal(send(ends[0], 1, 12345), ERR_BAD_HANDLE);
}

static void a_full_channel_refuses_and_tells_of_room(void **state)
{
	handle_t ends[2];
	handle_t event;
	handle_t poll;
	struct message m;

	(void)state;
	make(ends);
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, ends[0], READY_WRITABLE, 5), 0);
	for (unsigned i = 0; i < CHANNEL_MAX_QUEUED; i++) {
		assert_int_equal(test_ready(poll, 5), READY_WRITABLE);
		assert_int_equal(send(ends[0], i, HANDLE_NONE), 0);
	}
	assert_int_equal(test_ready(poll, 5), 0);
	// The handle stays the sender's.
	assert_int_equal(send(ends[0], 1, event), ERR_FULL);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	// WRITABLE means that one more fits, and one does.
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(test_ready(poll, 5), READY_WRITABLE);
	assert_int_equal(send(ends[0], 1, event), 0);
	assert_int_equal(CALL_2(event_signal, event, 1), ERR_BAD_HANDLE);
	assert_int_equal(send(ends[0], 1, HANDLE_NONE), ERR_FULL);
}

static void a_closed_end_lets_its_peer_drain(void **state)
{
	handle_t ends[2];
	struct message m;

	(void)state;
	make(ends);
	assert_int_equal(send(ends[0], 1, HANDLE_NONE), 0);
	assert_int_equal(send(ends[0], 2, HANDLE_NONE), 0);
	assert_int_equal(send(ends[1], 3, HANDLE_NONE), 0);
	assert_int_equal(CALL_1(handle_close, ends[0]), 0);
	assert_int_equal(send(ends[1], 4, HANDLE_NONE), ERR_PEER_CLOSED);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.type, 1);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), ERR_PEER_CLOSED);
}

static void handles_travel(void **state)
{
	handle_t ends[2];
	handle_t event;
	handle_t reader;
	struct message m;
	uint64_t count;

	(void)state;
	make(ends);
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(CALL_3(handle_duplicate, event, RIGHT_READ, &reader), 0);
	assert_int_equal(send(ends[0], 1, reader), ERR_ACCESS);
	assert_int_equal(CALL_1(handle_close, reader), 0);
	assert_int_equal(CALL_3(handle_duplicate, event, RIGHT_READ | RIGHT_TRANSFER, &reader), 0);
	m = test_message(9, reader);
	m.handles[1] = reader;
	m.num_handles = 2;
	assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_INVALID);
	assert_int_equal(CALL_2(event_signal, event, 4), 0);
	assert_int_equal(send(ends[0], 9, reader), 0);
	assert_int_equal(CALL_2(event_take, reader, &count), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.num_handles, 1);
	assert_int_equal(CALL_2(event_signal, m.handles[0], 1), ERR_ACCESS);
	assert_int_equal(CALL_2(event_take, m.handles[0], &count), 0);
	assert_int_equal(count, 4);
}

static void a_channel_cannot_carry_its_own_ends(void **state)
{
	handle_t ends[2];
	handle_t copy;

	(void)state;
	make(ends);
	assert_int_equal(CALL_3(handle_duplicate, ends[1], RIGHTS_SAME, &copy), 0);
	assert_int_equal(send(ends[0], 1, ends[0]), ERR_INVALID);
	assert_int_equal(send(ends[0], 1, ends[1]), ERR_INVALID);
	assert_int_equal(send(ends[0], 1, copy), ERR_INVALID);
}

static void a_full_table_leaves_the_message_queued(void **state)
{
	handle_t ends[2];
	handle_t event;
	handle_t filler = HANDLE_NONE;
	handle_t last;
	struct message m;

	(void)state;
	test_limits(16, 1 << 20);
	make(ends);
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(send(ends[0], 6, event), 0);
	while (CALL_1(event_create, &last) == 0)
		filler = last;
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, filler), 0);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.type, 6);
	assert_int_equal(CALL_2(event_signal, m.handles[0], 1), 0);
}

static void a_receive_to_a_bad_pointer_loses_nothing(void **state)
{
	handle_t ends[2];
	handle_t other[2];
	struct message m;
	uint64_t handles;

	(void)state;
	make(ends);
	make(other);
	assert_int_equal(send(ends[0], 6, other[0]), 0);
	assert_int_equal(send(ends[0], 7, HANDLE_NONE), 0);
	handles = handle_count();
	assert_int_equal(CALL_2(channel_recv, ends[1], 64), ERR_ADDRESS);
	assert_int_equal(handle_count(), handles);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.type, 6);
	assert_int_equal(send(m.handles[0], 1, HANDLE_NONE), 0);
	assert_int_equal(CALL_2(channel_recv, other[1], &m), 0);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.type, 7);
}

// A second thread may guess the handle and poll it before the receive fails.
static void a_receive_taken_back_leaves_no_poll_entry(void **state)
{
	struct message m;
	struct channel_message *message;
	handle_t ends[2], poll, event;
	bool more;

	(void)state;
	make(ends);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_1(event_create, &event), 0);
	m = test_message(5, event);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(channel_recv_on(&self->handles, ends[1], &message, &more), 0);
	event = message->header.handles[0];
	assert_int_equal(CALL_4(poll_add, poll, event, READY_READABLE, 9), 0);
	assert_int_equal(channel_unrecv_on(&self->handles, ends[1], message), ERR_ADDRESS);

	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(CALL_2(event_signal, m.handles[0], 1), 0);
	assert_int_equal(test_ready(poll, 9), 0);
	assert_int_equal(CALL_1(handle_close, m.handles[0]), 0);
}

// A second thread may send the receiving end away meanwhile, even over an end whose peer has just
// been received.
static void a_receive_that_cannot_be_taken_back_is_dropped(void **state)
{
	uint64_t objects = object_count();
	struct channel_message *message;
	handle_t a[2], b[2];
	bool more;

	(void)state;
	make(a);
	make(b);
	assert_int_equal(send(a[0], 1, b[1]), 0);
	assert_int_equal(channel_recv_on(&self->handles, a[1], &message, &more), 0);
	assert_int_equal(send(b[0], 1, a[1]), 0);
	assert_int_equal(channel_unrecv_on(&self->handles, a[1], message), ERR_ADDRESS);
	assert_int_equal(send(a[0], 1, HANDLE_NONE), ERR_PEER_CLOSED);
	assert_int_equal(CALL_1(handle_close, a[0]), 0);
	assert_int_equal(CALL_1(handle_close, b[0]), 0);
	assert_int_equal(object_count(), objects);
}

static void queued_bytes_are_limited(void **state)
{
	struct message m = { .type = 1, .len = MESSAGE_MAX_DATA };
	error_t error = 0;
	unsigned channels = 0;
	handle_t ends[2];

	(void)state;
	test_limits(60000, 4096);
	while (error == 0) {
		error = CALL_1(channel_create, ends);
		channels++;
		for (int i = 0; error == 0 && i < CHANNEL_MAX_QUEUED; i++)
			error = CALL_2(channel_send, ends[0], &m);
	}
	assert_int_equal(error, ERR_LIMIT);
	assert_true(self->account->kernel_used <= KERNEL_MEMORY_MIN + 1);
	assert_in_range(channels, 20, KERNEL_MEMORY_MIN / (CHANNEL_MAX_QUEUED * MESSAGE_MAX_DATA));
	// What is received is given back.
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
}

static void no_memory_for_a_message_changes_nothing(void **state)
{
	handle_t ends[2];
	handle_t event;
	struct message m;

	(void)state;
	make(ends);
	assert_int_equal(CALL_1(event_create, &event), 0);
	host_fail_kmalloc(1);
	assert_int_equal(send(ends[0], 1, event), ERR_NO_MEMORY);
	host_fail_kmalloc(0);
	assert_int_equal(CALL_2(event_signal, event, 1), 0);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), ERR_EMPTY);
}

// A sender's messages outlive it, and are charged to it until they are gone.
static void messages_outlive_their_sender(void **state)
{
	struct process *other;
	struct message m = test_message(3, HANDLE_NONE);
	struct object *object;
	handle_t ends[2];
	handle_t theirs;

	(void)state;
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	make(ends);
	assert_int_equal(handle_lookup(&self->handles, ends[0], OBJECT_CHANNEL, 0, &object), 0);
	assert_int_equal(handle_insert(&other->handles, object, RIGHT_WRITE, &theirs), 0);
	object_put(object);
	assert_int_equal(CALL_1(handle_close, ends[0]), 0);
	host_enter_process(other);
	assert_int_equal(CALL_2(channel_send, theirs, &m), 0);
	host_enter_process(self);
	test_end(other);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	assert_int_equal(m.type, 3);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), ERR_PEER_CLOSED);
}

// Messages are used again by the hart: nothing of the one before shows, and handles of one that
// nobody read are dropped once.
static void kept_messages_carry_nothing_over(void **state)
{
	struct message m = test_message(1, HANDLE_NONE);
	struct message got;
	handle_t events[MESSAGE_MAX_HANDLES];
	handle_t ends[2];
	uint64_t count;

	(void)state;
	make(ends);
	for (unsigned round = 0; round < 3; round++) {
		m.len = MESSAGE_MAX_DATA;
		m.num_handles = MESSAGE_MAX_HANDLES;
		memset(m.data, (int)round + 1, sizeof(m.data));
		for (unsigned i = 0; i < MESSAGE_MAX_HANDLES; i++) {
			assert_int_equal(CALL_1(event_create, &events[i]), 0);
			assert_int_equal(CALL_2(event_signal, events[i], i + 1), 0);
			m.handles[i] = events[i];
		}
		// Refused as a whole when one is wrong: the others stay.
		m.handles[3] = m.handles[0];
		assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_INVALID);
		m.handles[3] = ends[0];
		assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_INVALID);
		m.handles[3] = 4711;
		assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_BAD_HANDLE);
		m.handles[3] = events[3];
		assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
		assert_int_equal(CALL_2(event_signal, events[3], 1), ERR_BAD_HANDLE);
		assert_int_equal(send(ends[0], 9, HANDLE_NONE), 0);

		memset(&got, 0xaa, sizeof(got));
		assert_int_equal(CALL_2(channel_recv, ends[1], &got), 0);
		assert_int_equal(got.num_handles, MESSAGE_MAX_HANDLES);
		assert_memory_equal(got.data, m.data, MESSAGE_MAX_DATA);
		for (unsigned i = 0; i < MESSAGE_MAX_HANDLES; i++) {
			assert_int_equal(CALL_2(event_take, got.handles[i], &count), 0);
			assert_int_equal(count, i + 1);
			assert_int_equal(CALL_1(handle_close, got.handles[i]), 0);
		}
		memset(&got, 0xaa, sizeof(got));
		assert_int_equal(CALL_2(channel_recv, ends[1], &got), 0);
		assert_int_equal(got.type, 9);
		assert_int_equal(got.len, 0);
		assert_int_equal(got.num_handles, 0);
		assert_int_equal(got.handles[0], HANDLE_NONE);
		assert_int_equal(got.data[0], 0xaa);
	}
	assert_int_equal(CALL_1(event_create, &events[0]), 0);
	assert_int_equal(send(ends[0], 1, events[0]), 0);
	assert_int_equal(CALL_1(handle_close, ends[1]), 0);
	assert_int_equal(send(ends[0], 1, HANDLE_NONE), ERR_PEER_CLOSED);
}

int test_channels(void)
{
	const struct CMUnitTest tests[] = {
		test_case(messages_keep_order_and_contents),
		test_case(bad_messages_are_refused),
		test_case(a_full_channel_refuses_and_tells_of_room),
		test_case(a_closed_end_lets_its_peer_drain),
		test_case(handles_travel),
		test_case(a_channel_cannot_carry_its_own_ends),
		test_case(a_full_table_leaves_the_message_queued),
		test_case(a_receive_to_a_bad_pointer_loses_nothing),
		test_case(a_receive_taken_back_leaves_no_poll_entry),
		test_case(a_receive_that_cannot_be_taken_back_is_dropped),
		test_case(queued_bytes_are_limited),
		test_case(no_memory_for_a_message_changes_nothing),
		test_case(messages_outlive_their_sender),
		test_case(kept_messages_carry_nothing_over),
	};

	return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
