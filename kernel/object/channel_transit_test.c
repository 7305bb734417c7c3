// SPDX-License-Identifier: MIT
//
// Channels whose ends lie in queues, in chains and circles.
#include "kernel/object/all_test.h"
#include "kernel/object/channel_message.h"
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

// Each channel, both ends, is queued in the next one.
static void a_chain_of_100000_channels_goes(void **state)
{
	handle_t previous[2];
	uint64_t objects;

	(void)state;
	test_limits(64, 1ul << 30);
	objects = object_count();
	make(previous);
	for (int i = 0; i < 100000; i++) {
		struct message m = test_message(1, previous[0]);
		handle_t next[2];

		make(next);
		m.handles[1] = previous[1];
		m.num_handles = 2;
		assert_int_equal(CALL_2(channel_send, next[0], &m), 0);
		memcpy(previous, next, sizeof(previous));
	}
	assert_int_equal(object_count(), objects + 2 * 100001);
	assert_int_equal(CALL_1(handle_close, previous[0]), 0);
	assert_int_equal(CALL_1(handle_close, previous[1]), 0);
	assert_int_equal(object_count(), objects);
}

static void two_channels_queued_on_each_other_go(void **state)
{
	uint64_t objects = object_count();
	handle_t a[2];
	handle_t b[2];
	struct message m;

	(void)state;
	make(a);
	make(b);
	assert_int_equal(send(a[0], 1, b[1]), 0);
	assert_int_equal(send(b[0], 1, a[1]), 0);
	// Nobody can ever receive what is sent here.
	assert_int_equal(send(a[0], 1, HANDLE_NONE), ERR_PEER_CLOSED);
	assert_int_equal(CALL_2(channel_recv, b[0], &m), ERR_PEER_CLOSED);
	assert_int_equal(CALL_1(handle_close, a[0]), 0);
	assert_int_equal(CALL_1(handle_close, b[0]), 0);
	assert_int_equal(object_count(), objects);
}

// The cycle has a way out, a second handle of one end, until that is closed.
static void a_cycle_with_a_way_out_lives_until_it_is_shut(void **state)
{
	uint64_t objects = object_count();
	handle_t a[2];
	handle_t b[2];
	handle_t c[2];
	handle_t out;
	struct message m;

	(void)state;
	make(a);
	make(b);
	make(c);
	assert_int_equal(CALL_3(handle_duplicate, a[1], RIGHTS_SAME, &out), 0);
	assert_int_equal(send(a[0], 1, b[1]), 0);
	assert_int_equal(send(b[0], 1, c[1]), 0);
	assert_int_equal(send(c[0], 1, a[1]), 0);
	assert_int_equal(send(a[0], 2, HANDLE_NONE), 0);
	assert_int_equal(send(c[0], 2, HANDLE_NONE), 0);
	assert_int_equal(CALL_2(channel_recv, out, &m), 0);
	// b's end is with us now: what is in it can be received, and put back.
	assert_int_equal(send(a[0], 1, m.handles[0]), 0);
	assert_int_equal(CALL_1(handle_close, a[0]), 0);
	assert_int_equal(CALL_1(handle_close, b[0]), 0);
	assert_int_equal(CALL_1(handle_close, c[0]), 0);
	assert_int_equal(object_count(), objects + 6 - 3);
	assert_int_equal(CALL_1(handle_close, out), 0);
	assert_int_equal(object_count(), objects);
}

// A ring of many: each end lies in the queue of the next, the last send closes the ring.
static void a_ring_goes(void **state)
{
	enum { N = 200 };
	static handle_t ends[N][2];
	uint64_t objects = object_count();

	(void)state;
	for (int i = 0; i < N; i++)
		make(ends[i]);
	for (int i = 0; i < N; i++)
		assert_int_equal(send(ends[(i + 1) % N][0], 1, ends[i][1]), 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(CALL_1(handle_close, ends[i][0]), 0);
	assert_int_equal(object_count(), objects);
}

// Two handles of one end, one in a queue that is then dropped, one in a cycle.
static void a_cycle_left_by_a_dropped_queue_goes(void **state)
{
	uint64_t objects = object_count();
	handle_t a[2];
	handle_t b[2];
	handle_t z[2];
	handle_t copy;

	(void)state;
	make(a);
	make(b);
	make(z);
	assert_int_equal(CALL_3(handle_duplicate, a[1], RIGHTS_SAME, &copy), 0);
	assert_int_equal(send(z[0], 1, copy), 0);
	assert_int_equal(send(a[0], 1, b[1]), 0);
	assert_int_equal(send(b[0], 1, a[1]), 0);
	assert_int_equal(CALL_1(handle_close, a[0]), 0);
	assert_int_equal(CALL_1(handle_close, b[0]), 0);
	assert_int_equal(object_count(), objects + 6 - 2);
	assert_int_equal(CALL_1(handle_close, z[1]), 0);
	assert_int_equal(CALL_1(handle_close, z[0]), 0);
	assert_int_equal(object_count(), objects);
}

// A slot's generations come around: what has the handle's number by then is another object.
static void what_took_a_handles_place_is_not_taken_back(void **state)
{
	struct handle_slot *slots = self->handles.slots;
	struct channel_message *received;
	struct message message;
	handle_t ends[2];
	handle_t sent[2];
	handle_t came;
	handle_t other;
	uint32_t index;
	bool more;

	(void)state;
	make(ends);
	make(sent);
	assert_int_equal(send(ends[0], 1, sent[0]), 0);
	assert_int_equal(channel_recv_on(&self->handles, ends[1], &received, &more), 0);
	came = received->header.handles[0];
	assert_int_equal(CALL_1(handle_close, came), 0);
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_LAZY, &other), 0);
	index = (uint32_t)came & HANDLE_INDEX_MASK;
	assert_int_equal((uint32_t)other & HANDLE_INDEX_MASK, index);
	slots[index].generation = (uint16_t)((uint32_t)came >> HANDLE_INDEX_BITS);
	assert_int_equal(channel_unrecv_on(&self->handles, ends[1], received), ERR_ADDRESS);
	assert_int_equal(CALL_2(channel_recv, ends[1], &message), 0);
	assert_int_equal(message.num_handles, 0);
	assert_int_equal(CALL_1(handle_close, came), 0);
}

int test_channel_transit(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_chain_of_100000_channels_goes),
		test_case(two_channels_queued_on_each_other_go),
		test_case(a_cycle_with_a_way_out_lives_until_it_is_shut),
		test_case(a_ring_goes),
		test_case(a_cycle_left_by_a_dropped_queue_goes),
		test_case(what_took_a_handles_place_is_not_taken_back),
	};

	return cmocka_run_group_tests_name("channels in queues", tests, NULL, NULL);
}
