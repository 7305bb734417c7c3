// SPDX-License-Identifier: MIT
//
// The CPU time that a look tells, of threads that hand a hart over without a switch that is noted.
#include "kernel/object/all_test.h"
#include "kernel/object/look.h"
#include "kernel/object/test_support.h"

#define TRIPS 50u
#define STEP_NS 1000u

static struct {
	handle_t look;
	handle_t polls[2];
	handle_t ends[2];
	unsigned handed;   // sends that left the other waiting for the hart itself
	uint64_t told[2];  // the time of each thread, by number
} pair;

// The two threads have their time, together all that passes.
static void look_at_both(void)
{
	struct look_thread threads[2];
	uint64_t used;

	assert_int_equal(sys_look_read((uintptr_t)pair.look, LOOK_THREADS, self->id,
	                               (uintptr_t)threads, sizeof(threads), (uintptr_t)&used),
	                 0);
	for (size_t i = 0; i < used / sizeof(threads[0]); i++) {
		assert_true(threads[i].cpu_ns >= pair.told[i]);
		pair.told[i] = threads[i].cpu_ns;
	}
}

static void receive(int side)
{
	struct poll_event event;
	struct message m;
	size_t n;

	assert_int_equal(CALL_5(poll_wait, pair.polls[side], &event, 1, NSEC_NEVER, &n), 0);
	assert_int_equal(CALL_2(channel_recv, pair.ends[side], &m), 0);
	sched_return_to_app();
}

static void send(int side)
{
	struct message m = test_message(5, HANDLE_NONE);

	host_advance(STEP_NS);
	look_at_both();
	assert_int_equal(CALL_2(channel_send, pair.ends[side], &m), 0);
	pair.handed += harts[0].handover != NULL;
}

static void first(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TRIPS; i++) {
		send(0);
		receive(0);
	}
}

static void second(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TRIPS; i++) {
		receive(1);
		send(1);
	}
}

static void it_never_goes_back(void **state)
{
	struct look *object;

	(void)state;
	memset(&pair, 0, sizeof(pair));
	assert_int_equal(look_object_create(self->account, &object), 0);
	assert_int_equal(handle_insert(&self->handles, &object->object, RIGHT_READ, &pair.look), 0);
	object_put(&object->object);
	assert_int_equal(CALL_1(channel_create, pair.ends), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(CALL_1(poll_create, &pair.polls[i]), 0);
		assert_int_equal(CALL_4(poll_add, pair.polls[i], pair.ends[i], READY_READABLE, 7),
		                 0);
	}
	assert_int_equal(CALL_4(thread_create, first, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, second, NULL, 0, NULL), 0);
	host_run(0);
	assert_true(pair.handed >= TRIPS);
	assert_int_equal(pair.told[0] + pair.told[1], 2 * TRIPS * STEP_NS);
}

int test_look_times(void)
{
	const struct CMUnitTest tests[] = {
		test_case(it_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
