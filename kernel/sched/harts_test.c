// SPDX-License-Identifier: MIT
//
// Several harts at once, each a host thread: wake-ups, handed over threads, stolen ones, kicks,
// messages that are given, and processes that end meanwhile. Nothing here has a tick, so a wake-up
// that is lost is lost for good.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_threads.h"
#include "kernel/debug/panic.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"

#define NUM_HARTS 4u
#define MAX_THREADS 12u

const struct app_image app_images[1];
const size_t num_app_images = 0;
static const struct app_image everything = { .data_start = (uint8_t *)PAGE_SIZE,
	                                     .bss_end = (uint8_t *)UINTPTR_MAX };
static struct process *self;
static uint32_t num_done;  // atomic

// A call, and the way back to the app.
#define CALL(name, a, b, c, d, e, f)                                                           \
	call_return(sys_##name((uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), (uintptr_t)(d), \
	                       (uintptr_t)(e), (uintptr_t)(f)))

static error_t call_return(error_t error)
{
	sched_return_to_app();
	return error;
}

static int setup(void **state)
{
	(void)state;
	host_init();
	num_done = 0;
	return process_create("test", &everything, 1024, 64ul << 20, &self);
}

static int teardown(void **state)
{
	(void)state;
	process_end_begin(self, PROCESS_END_KILLED, 0);
	host_run(NSEC_NEVER);
	assert_int_equal(self->state, PROCESS_ENDED);
	object_put(&self->object);
	return 0;
}

static void start_thread(void (*entry)(void *arg), void *arg)
{
	struct thread *thread;

	assert_int_equal(thread_create_app(self, entry, arg, PAGE_SIZE, &thread), 0);
	sched_wake(thread);
}

// All threads that were started end with this: it keeps the process alive.
static void done(void)
{
	struct poll_event event;
	handle_t poll;
	size_t n;

	__atomic_fetch_add(&num_done, 1, __ATOMIC_RELAXED);
	kassert(CALL(poll_create, &poll, 0, 0, 0, 0, 0) == 0);
	(void)CALL(poll_wait, poll, &event, 1, NSEC_NEVER, &n, 0);
}

// --- Rings of threads that pass messages on ---

#define RING_THREADS MAX_THREADS
#define LAPS 300u
#define TOKENS 3u

static struct station {
	handle_t poll;
	handle_t in;   // polled by it
	handle_t out;  // the other end of the next one's `in`
	uint32_t received;
	bool blind;  // waits in poll_wait, and is told
} stations[RING_THREADS];

static void take_token(struct station *station, struct message *m)
{
	struct poll_event event = { 0 };
	size_t n = 0;

	do {
		if (station->blind) {
			kassert(CALL(poll_wait, station->poll, &event, 1, NSEC_NEVER, &n, 0) == 0);
			event.received = CALL(channel_recv, station->in, m, 0, 0, 0, 0) == 0;
		} else {
			kassert(CALL(poll_recv, station->poll, &event, 1, NSEC_NEVER, &n, m) == 0);
		}
	} while (event.received == 0);
	station->received++;
}

static void pass_tokens(void *arg)
{
	struct station *station = arg;
	struct message m;

	while (station->received < LAPS * TOKENS) {
		take_token(station, &m);
		// Some carry a handle.
		if (m.type % 5 == 0 && m.num_handles == 0) {
			m.num_handles = 1;
			kassert(CALL(event_create, &m.handles[0], 0, 0, 0, 0, 0) == 0);
		} else if (m.num_handles > 0 && m.type % 7 == 0) {
			kassert(CALL(handle_close, m.handles[0], 0, 0, 0, 0, 0) == 0);
			m.num_handles = 0;
		}
		m.type++;
		kassert(CALL(channel_send, station->out, &m, 0, 0, 0, 0) == 0);
	}
	done();
}

static void messages_go_around(void **state)
{
	struct message m = { .len = 8 };

	(void)state;
	memset(stations, 0, sizeof(stations));
	host_enter_process(self);
	for (uint32_t i = 0; i < RING_THREADS; i++) {
		handle_t ends[2];

		assert_int_equal(sys_channel_create((uintptr_t)ends, 0, 0, 0, 0, 0), 0);
		stations[i].in = ends[0];
		stations[(i + RING_THREADS - 1) % RING_THREADS].out = ends[1];
		assert_int_equal(sys_poll_create((uintptr_t)&stations[i].poll, 0, 0, 0, 0, 0), 0);
		assert_int_equal(sys_poll_add((uintptr_t)stations[i].poll, (uintptr_t)ends[0],
		                              READY_READABLE, 5, 0, 0),
		                 0);
		stations[i].blind = i % 3 == 2;
	}
	for (uint32_t i = 0; i < TOKENS; i++)
		assert_int_equal(
			sys_channel_send((uintptr_t)stations[i * 3].out, (uintptr_t)&m, 0, 0, 0, 0),
			0);
	for (uint32_t i = 0; i < RING_THREADS; i++)
		start_thread(pass_tokens, &stations[i]);
	host_enter_process(NULL);
	host_run_harts(NUM_HARTS);
	assert_int_equal(num_done, RING_THREADS);
}

// --- As many busy threads as harts: each has its own ---

#define MEETINGS 100u

static struct {
	handle_t polls[NUM_HARTS];
	handle_t in[NUM_HARTS];
	handle_t out[NUM_HARTS];
	uint32_t count;  // atomic: those who have come, or rounds
	bool missed;     // atomic: a thread had no hart, and a hart no thread
} meeting;

static bool missed(void)
{
	return __atomic_load_n(&meeting.missed, __ATOMIC_RELAXED);
}

// Computes until the count is there, for which other threads need other harts.
static void wait_for_count(uint32_t count)
{
	uint32_t asleep = 0;

	while (__atomic_load_n(&meeting.count, __ATOMIC_RELAXED) < count && !missed()) {
		asleep = host_some_hart_sleeps() ? asleep + 1 : 0;
		if (asleep > 0)
			host_thread_pause();
		// Only a hart that nobody will wake sleeps through that many looks.
		if (asleep == 50000)
			__atomic_store_n(&meeting.missed, true, __ATOMIC_RELAXED);
	}
}

static void count_up(void)
{
	__atomic_fetch_add(&meeting.count, 1, __ATOMIC_RELAXED);
}

static void call_other(uint32_t i)
{
	struct message m = { 0 };

	kassert(CALL(channel_send, meeting.out[i], &m, 0, 0, 0, 0) == 0);
}

static void wait_for_call(uint32_t i)
{
	struct poll_event event;
	struct message m;
	size_t n;

	kassert(CALL(poll_recv, meeting.polls[i], &event, 1, NSEC_NEVER, &n, &m) == 0);
}

static void meet_others(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	for (uint32_t round = 0; round < MEETINGS && !missed(); round++) {
		// One of them calls the others, another one each time.
		if (i == round % NUM_HARTS) {
			for (uint32_t k = 0; k < NUM_HARTS; k++) {
				if (k != i)
					call_other(k);
			}
		} else {
			wait_for_call(i);
		}
		count_up();
		wait_for_count((round + 1) * NUM_HARTS);
	}
	done();
}

static void make_meeting(void)
{
	memset(&meeting, 0, sizeof(meeting));
	host_enter_process(self);
	for (uint32_t i = 0; i < NUM_HARTS; i++) {
		handle_t ends[2];

		assert_int_equal(sys_channel_create((uintptr_t)ends, 0, 0, 0, 0, 0), 0);
		meeting.in[i] = ends[0];
		meeting.out[i] = ends[1];
		assert_int_equal(sys_poll_create((uintptr_t)&meeting.polls[i], 0, 0, 0, 0, 0), 0);
		assert_int_equal(sys_poll_add((uintptr_t)meeting.polls[i], (uintptr_t)ends[0],
		                              READY_READABLE, 5, 0, 0),
		                 0);
	}
	host_enter_process(NULL);
}

static void busy_threads_have_harts_of_their_own(void **state)
{
	(void)state;
	make_meeting();
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		start_thread(meet_others, (void *)(uintptr_t)i);
	host_run_harts(NUM_HARTS);
	assert_false(meeting.missed);
	assert_int_equal(num_done, NUM_HARTS);
}

// --- A thread that is woken while another hart is about to sleep ---

#define ROUNDS 4000u
#define LAST_DELAY 500u
// What each round adds to the count.
enum { BLOCKER_LEAVES = 1, WOKEN_RUNS, ROUND = WOKEN_RUNS };

// Keeps its hart. The other hart's thread blocks, and a while later, a different one each round,
// the third thread is woken here, to which only the other hart can turn.
static void wake_late(void *arg)
{
	(void)arg;
	for (uint32_t round = 0; round < ROUNDS && !missed(); round++) {
		wait_for_count(round * ROUND + BLOCKER_LEAVES);
		for (uint32_t delay = round * 37 % LAST_DELAY; delay > 0; delay--)
			(void)missed();
		call_other(1);
		wait_for_count((round + 1) * ROUND);
	}
	done();
}

static void block(void *arg)
{
	(void)arg;
	for (uint32_t round = 0; round < ROUNDS && !missed(); round++) {
		count_up();
		wait_for_call(0);
	}
	done();
}

static void be_woken(void *arg)
{
	(void)arg;
	for (uint32_t round = 0; round < ROUNDS && !missed(); round++) {
		wait_for_call(1);
		count_up();
		call_other(0);
	}
	done();
}

static void a_hart_looks_again_before_it_sleeps(void **state)
{
	(void)state;
	make_meeting();
	start_thread(be_woken, NULL);
	start_thread(block, NULL);
	start_thread(wake_late, NULL);
	host_run_harts(2);
	assert_false(meeting.missed);
	assert_int_equal(num_done, 3);
}

// --- Processes that end while they begin ---

#define KILLERS 6u
#define KILLS 60u

static void return_at_once(void *arg)
{
	(void)arg;
}

static void kill_processes(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < KILLS; i++) {
		struct poll_event event;
		struct process *other;
		struct thread *threads[2];
		handle_t process;
		handle_t poll;
		size_t n;

		kassert(process_create("other", &everything, 64, 1 << 20, &other) == 0);
		for (uint32_t k = 0; k < 2; k++)
			kassert(thread_create_app(other, return_at_once, NULL, PAGE_SIZE,
			                          &threads[k]) == 0);
		kassert(handle_insert(&self->handles, &other->object, RIGHTS_ALL, &process) == 0);
		object_put(&other->object);
		kassert(CALL(poll_create, &poll, 0, 0, 0, 0, 0) == 0);
		kassert(CALL(poll_add, poll, process, READY_CLOSED, 3, 0, 0) == 0);
		for (uint32_t k = 0; k < 2; k++)
			sched_wake(threads[k]);
		(void)CALL(process_kill, process, 0, 0, 0, 0, 0);
		kassert(CALL(poll_wait, poll, &event, 1, NSEC_NEVER, &n, 0) == 0);
		kassert(CALL(handle_close, poll, 0, 0, 0, 0, 0) == 0);
		kassert(CALL(handle_close, process, 0, 0, 0, 0, 0) == 0);
	}
	done();
}

static void killed_processes_end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KILLERS; i++)
		start_thread(kill_processes, NULL);
	host_run_harts(NUM_HARTS);
	assert_int_equal(num_done, KILLERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_go_around, setup, teardown),
		cmocka_unit_test_setup_teardown(busy_threads_have_harts_of_their_own, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_hart_looks_again_before_it_sleeps, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(killed_processes_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
