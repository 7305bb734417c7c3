// SPDX-License-Identifier: MIT
//
// What looks have to do with time: the CPU time that they tell, of threads that hand a hart over
// without a switch that is noted; and their own, which others may interrupt.
#include "kernel/debug/log_ring.h"
#include "kernel/object/all_test.h"
#include "kernel/object/event.h"
#include "kernel/object/look.h"
#include "kernel/object/test_support.h"
#include "kernel/object/trace.h"

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

static void hold_look(void)
{
	struct look *object;

	memset(&pair, 0, sizeof(pair));
	assert_int_equal(look_object_create(self->account, &object), 0);
	assert_int_equal(handle_insert(&self->handles, &object->object, RIGHT_READ | RIGHT_CONTROL,
	                               &pair.look),
	                 0);
	object_put(&object->object);
}

static void time_never_goes_back(void **state)
{
	(void)state;
	hold_look();
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

// --- Long looks ---

static unsigned interrupts;

static void count_interrupt(void)
{
	interrupts++;
	assert_false(spin_is_held(&self->lock) || spin_is_held(&self->handles.lock));
}

// How often others may interrupt a look.
static unsigned interrupts_of(uint64_t kind, uint64_t argument)
{
	static uint8_t room[256 * 1024];
	uint64_t used;

	interrupts = 0;
	host_pending = count_interrupt;
	assert_int_equal(sys_look_read((uintptr_t)pair.look, kind, argument, (uintptr_t)room,
	                               sizeof(room), (uintptr_t)&used),
	                 0);
	host_pending = NULL;
	return interrupts;
}

static void long_looks_are_interrupted(void **state)
{
	handle_t handle;

	(void)state;
	hold_look();
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(CALL_1(event_create, &handle), 0);
	assert_true(interrupts_of(LOOK_HANDLES, self->id) >= 200 / 64);
	// Slots without a record take their time, too.
	assert_true(interrupts_of(LOOK_CHANNELS, 0) >= 200 / 64);
	for (unsigned i = 0; i < 100; i++)
		log_ring_add("test", LOG_INFO, "a line", 6, 0);
	assert_true(interrupts_of(LOOK_LOG, 0) >= 100 / 16);
	assert_int_equal(CALL_2(look_watch, pair.look, LOOK_TRACE_EVENTS), 0);
	for (unsigned i = 0; i < 100; i++)
		trace_note(&harts[0], LOOK_FAULT, i, i);
	assert_true(interrupts_of(LOOK_TRACE, 0) >= 100 / 16);
}

static void end_caller(void)
{
	interrupts++;
	(void)process_end_begin(self, PROCESS_END_KILLED, 0);
}

static void look_at_handles(void *arg)
{
	static struct look_handle records[256];
	uint64_t used;

	*(error_t *)arg = sys_look_read((uintptr_t)pair.look, LOOK_HANDLES, self->id,
	                                (uintptr_t)records, sizeof(records), (uintptr_t)&used);
	sched_return_to_app();
}

static void a_look_ends_with_its_process(void **state)
{
	static error_t result;
	handle_t handle;

	(void)state;
	hold_look();
	result = 0;
	interrupts = 0;
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(CALL_1(event_create, &handle), 0);
	assert_int_equal(CALL_4(thread_create, look_at_handles, &result, 0, NULL), 0);
	host_pending = end_caller;
	host_run(NSEC_NEVER);
	host_pending = NULL;
	assert_int_equal(result, ERR_BAD_STATE);
	assert_int_equal(interrupts, 1);
}

// --- What threads wait for ---

static struct spinlock guest_lock;
static struct wait_queue guest_queue;

// As a vCPU's thread does whose guest waits for an interrupt.
static void wait_for_guest(void *arg)
{
	(void)arg;
	spin_lock(&guest_lock);
	arch_current_thread()->wake.table = &thread_waits_for_guest;
	(void)wait_queue_wait(&guest_queue, &guest_lock, NSEC_NEVER);
	sched_return_to_app();
}

static void a_guest_is_waited_for(void **state)
{
	struct look_thread thread;
	uint64_t used;

	(void)state;
	hold_look();
	spinlock_init(&guest_lock, LOCK_RANK_VCPU);
	wait_queue_init(&guest_queue);
	assert_int_equal(CALL_4(thread_create, wait_for_guest, NULL, 0, NULL), 0);
	host_run(0);
	assert_int_equal(sys_look_read((uintptr_t)pair.look, LOOK_THREADS, self->id,
	                               (uintptr_t)&thread, sizeof(thread), (uintptr_t)&used),
	                 0);
	assert_int_equal(thread.state, LOOK_THREAD_WAITING);
	assert_int_equal(thread.waits, LOOK_WAIT_GUEST);
}

int test_look_times(void)
{
	const struct CMUnitTest tests[] = {
		test_case(time_never_goes_back),
		test_case(long_looks_are_interrupted),
		test_case(a_look_ends_with_its_process),
		test_case(a_guest_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
