// SPDX-License-Identifier: MIT
#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/test_support.h"

static struct process *other;
static unsigned ran;
static unsigned ended;  // 1: and nobody else knew yet

// Calls happen with the other process as the caller.
static void as_other(void)
{
	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	host_enter_process(other);
	ran = 0;
}

static void count_and_exit(void *arg)
{
	(void)arg;
	ran++;
	CALL_1(process_exit, 42);
}

static void yield_forever(void *arg)
{
	(void)arg;
	for (;;) {
		ran++;
		(void)CALL_1(thread_yield, 0);
		sched_return_to_app();
	}
}

static void block_forever(void *arg)
{
	struct poll_event event;
	size_t n;

	(void)CALL_5(poll_wait, (uintptr_t)arg, &event, 1, NSEC_NEVER, &n);
	sched_return_to_app();
}

static void return_at_once(void *arg)
{
	(void)arg;
	ran++;
}

static void fault(void *arg)
{
	(void)arg;
	ran++;
	process_fault("load from an unmapped address", 0x1234, 0x5678, 0, 0);
}

static void an_exit_ends_all_threads(void **state)
{
	struct process_info info;

	(void)state;
	as_other();
	assert_int_equal(CALL_4(thread_create, yield_forever, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, yield_forever, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, count_and_exit, NULL, 0, NULL), 0);
	process_get_info(other, &info);
	assert_int_equal(info.threads, 3);
	assert_int_equal(info.state, PROCESS_RUNNING);
	host_enter_process(self);
	host_run(NSEC_NEVER);
	assert_true(ran >= 3);
	process_get_info(other, &info);
	assert_int_equal(info.threads, 0);
	assert_int_equal(info.handles, 0);
	assert_int_equal(info.memory, 0);
	assert_int_equal(info.state, PROCESS_ENDED);
	assert_int_equal(info.end, PROCESS_END_EXIT);
	assert_int_equal(info.status, 42);
	object_put(&other->object);
}

static void the_last_threads_end_is_the_process_end(void **state)
{
	handle_t thread;
	handle_t poll;

	(void)state;
	as_other();
	assert_int_equal(CALL_4(thread_create, return_at_once, NULL, 0, &thread), 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, thread, READY_CLOSED, 3), 0);
	host_enter_process(self);
	host_run(NSEC_NEVER);
	assert_int_equal(ran, 1);
	assert_int_equal(other->state, PROCESS_ENDED);
	object_put(&other->object);
}

static void a_thread_handle_tells_of_the_end(void **state)
{
	handle_t thread;
	handle_t poll;
	handle_t other_poll;

	(void)state;
	ran = 0;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_1(poll_create, &other_poll), 0);
	// Another one keeps the process alive.
	assert_int_equal(CALL_4(thread_create, block_forever, (uintptr_t)other_poll, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, return_at_once, NULL, 0, &thread), 0);
	assert_int_equal(CALL_4(poll_add, poll, thread, READY_CLOSED, 3), 0);
	assert_int_equal(test_ready(poll, 3), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(test_ready(poll, 3), READY_CLOSED);
}

static void a_fault_is_logged_and_ends_only_its_app(void **state)
{
	struct process_info info;
	handle_t ends[2];
	struct object *object;
	handle_t theirs;

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(handle_lookup(&self->handles, ends[0], OBJECT_CHANNEL, 0, &object), 0);
	as_other();
	assert_int_equal(handle_insert(&other->handles, object, RIGHTS_ALL, &theirs), 0);
	object_put(object);
	assert_int_equal(CALL_4(thread_create, fault, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, yield_forever, NULL, 0, NULL), 0);
	host_enter_process(self);
	assert_int_equal(CALL_1(handle_close, ends[0]), 0);
	host_run(NSEC_NEVER);
	process_get_info(other, &info);
	assert_int_equal(info.end, PROCESS_END_FAULT);
	assert_non_null(strstr(
		host_log(), "other: load from an unmapped address at address 0x1234, pc 0x5678"));
	assert_non_null(strstr(host_log(), "other backtrace"));
	// Its peer sees it.
	struct message m;
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), ERR_PEER_CLOSED);
	object_put(&other->object);
}

static void note_end(struct process *process)
{
	ended = process->object.ops->readiness(&process->object) == 0 ? 1 : 2;
}

static void a_process_may_be_killed_once(void **state)
{
	handle_t process;
	handle_t reader;
	handle_t poll;
	struct process_info info;

	(void)state;
	as_other();
	assert_int_equal(CALL_4(thread_create, yield_forever, NULL, 0, NULL), 0);
	host_enter_process(self);
	assert_int_equal(handle_insert(&self->handles, &other->object, RIGHTS_ALL, &process), 0);
	assert_int_equal(CALL_3(handle_duplicate, process, RIGHT_READ | RIGHT_POLL, &reader), 0);
	object_put(&other->object);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, reader, READY_CLOSED, 3), 0);
	assert_int_equal(CALL_1(process_kill, reader), ERR_ACCESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(CALL_1(process_kill, process), ERR_BAD_STATE);
	assert_int_equal(test_ready(poll, 3), 0);
	other->ended = note_end;
	ended = 0;
	host_run(NSEC_NEVER);
	// Who waited for the end may start the app again at once.
	assert_int_equal(ended, 1);
	assert_int_equal(test_ready(poll, 3), READY_CLOSED);
	assert_int_equal(CALL_2(process_info, reader, &info), 0);
	assert_int_equal(info.end, PROCESS_END_KILLED);
	// It never ran: it was killed before its first turn.
	assert_int_equal(ran, 0);
	assert_string_equal(info.name, "other");
}

// Starts a process, kills it before its first turn, and waits for its end.
static void kill_and_wait(void)
{
	struct poll_event event;
	struct thread *thread;
	handle_t process;
	handle_t poll;
	size_t n = 0;

	assert_int_equal(process_create("other", &everything, 64, 1 << 20, &other), 0);
	assert_int_equal(thread_create_app(other, return_at_once, NULL, PAGE_SIZE, &thread), 0);
	assert_int_equal(handle_insert(&self->handles, &other->object, RIGHTS_ALL, &process), 0);
	object_put(&other->object);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, process, READY_CLOSED, 3), 0);
	sched_wake(thread);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(CALL_5(poll_wait, poll, &event, 1, NSEC_NEVER, &n), 0);
	assert_int_equal(event.ready, READY_CLOSED);
	assert_int_equal(CALL_1(handle_close, poll), 0);
	assert_int_equal(CALL_1(handle_close, process), 0);
}

static unsigned kills;

static void kill_several(void *arg)
{
	(void)arg;
	for (; kills < 10; kills++)
		kill_and_wait();
}

// The waiter's hart finds the dead thread as the next one to run, and so the worker has work when
// the hart seems to have none.
static void a_process_killed_before_its_first_turn_ends(void **state)
{
	(void)state;
	ran = 0;
	kills = 0;
	assert_int_equal(CALL_4(thread_create, kill_several, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(kills, 10);
	assert_int_equal(ran, 0);
}

static void threads_are_limited(void **state)
{
	handle_t untouched = 77;
	unsigned n = 0;
	error_t error;

	(void)state;
	do {
		error = CALL_4(thread_create, return_at_once, NULL, PAGE_SIZE, NULL);
		n++;
	} while (error == 0 && n < 1000);
	assert_int_equal(error, ERR_LIMIT);
	assert_int_equal(CALL_4(thread_create, return_at_once, NULL, PAGE_SIZE, &untouched),
	                 ERR_LIMIT);
	assert_int_equal(untouched, 77);
	assert_int_equal(n, PROCESS_MAX_THREADS + 1);
	assert_int_equal(CALL_4(thread_create, NULL, NULL, 0, NULL), ERR_ADDRESS);
	assert_int_equal(CALL_4(thread_create, return_at_once, NULL, 0, 16), ERR_ADDRESS);
}

static void debug_builds_know_whose_memory_it_is(void **state)
{
	static uint8_t data[64];
	static const uint8_t rodata[64];
	struct app_image image = { .data_start = data,
		                   .data_end = data + 16,
		                   .bss_end = data + sizeof(data),
		                   .rodata_start = rodata,
		                   .rodata_end = rodata + sizeof(rodata) };
	struct folio *folio;
	uintptr_t at;
	handle_t handle;
	struct process *process;

	(void)state;
	assert_int_equal(process_create("narrow", &image, 64, 1 << 20, &process), 0);
	assert_true(process_owns(process, (uintptr_t)data, sizeof(data), true));
	assert_false(process_owns(process, (uintptr_t)data, sizeof(data) + 1, true));
	assert_false(process_owns(process, (uintptr_t)data + 1, SIZE_MAX, true));
	assert_true(process_owns(process, (uintptr_t)rodata, sizeof(rodata), false));
	assert_false(process_owns(process, (uintptr_t)rodata, sizeof(rodata), true));
	assert_true(process_owns(process, (uintptr_t)process->env, 8, false));
	assert_int_equal(folio_object_create(PAGE_SIZE, 0, process->account, &folio), 0);
	assert_int_equal(handle_insert(&process->handles, &folio->object, RIGHTS_ALL, &handle), 0);
	object_put(&folio->object);
	assert_int_equal(folio_object_map(folio, &at), 0);
	assert_false(process_owns(process, at, 16, false));
	host_enter_process(process);
	assert_int_equal(CALL_3(folio_map, handle, PROT_READ, data), 0);
	host_enter_process(self);
	assert_true(process_owns(process, at, PAGE_SIZE, false));
	assert_false(process_owns(process, at, PAGE_SIZE, true));
	test_end(process);
}

int test_processes(void)
{
	const struct CMUnitTest tests[] = {
		test_case(an_exit_ends_all_threads),
		test_case(the_last_threads_end_is_the_process_end),
		test_case(a_thread_handle_tells_of_the_end),
		test_case(a_fault_is_logged_and_ends_only_its_app),
		test_case(a_process_may_be_killed_once),
		test_case(a_process_killed_before_its_first_turn_ends),
		test_case(threads_are_limited),
		test_case(debug_builds_know_whose_memory_it_is),
	};

	return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
