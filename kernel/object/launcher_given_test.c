// SPDX-License-Identifier: MIT
//
// What processes that are made are given, what they provide, and what is kept of them.
#include "kernel/object/launcher_test.h"

#include "kernel/object/all_test.h"

static void handles_move_into_it(void **state)
{
	handle_t process = made("made");
	handle_t ends[2];
	handle_t poll;
	handle_t given = HANDLE_NONE;
	struct message m = test_message(5, HANDLE_NONE);

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, ends[0], READY_READABLE, 1), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], 64), ERR_ADDRESS);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), 0);
	assert_int_not_equal(given, HANDLE_NONE);
	assert_int_equal(CALL_1(handle_close, ends[0]), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(channel_send, ends[1], &m), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), ERR_BAD_HANDLE);
	assert_int_equal(CALL_3(handle_duplicate, ends[1], RIGHT_WRITE, &ends[0]), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), ERR_ACCESS);
	assert_int_equal(CALL_1(handle_close, ends[0]), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(CALL_2(channel_send, ends[1], &m), ERR_PEER_CLOSED);
}

static void it_provides(void **state)
{
	handle_t process = made("made");
	handle_t connector;
	handle_t weak;
	handle_t given;
	handle_t client;

	(void)state;
	assert_int_equal(CALL_4(service_create, test_holder, "made", 0, &connector), ERR_INVALID);
	assert_int_equal(CALL_4(service_create, test_holder, "made", 4, &connector), 0);
	assert_int_equal(CALL_2(service_connect, connector, &client), ERR_NOT_READY);
	assert_int_equal(CALL_3(handle_duplicate, connector, RIGHT_READ, &weak), 0);
	assert_int_equal(CALL_3(service_provide, weak, process, &given), ERR_ACCESS);
	assert_int_equal(CALL_3(service_provide, connector, process, &given), 0);
	assert_int_equal(CALL_3(service_provide, connector, process, &given), ERR_BAD_STATE);
	assert_int_equal(CALL_2(service_connect, weak, &client), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(CALL_2(service_connect, weak, &client), ERR_NOT_READY);
	// Another one takes it over.
	process = made("made");
	assert_int_equal(CALL_3(service_provide, connector, process, &given), 0);
	assert_int_equal(CALL_1(handle_close, connector), 0);
	assert_int_equal(CALL_1(handle_close, weak), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void it_needs_the_right(void **state)
{
	struct process_options options = { .name = "made" };
	handle_t process = made("mine");
	handle_t weak;
	handle_t out = 0;

	(void)state;
	assert_int_equal(CALL_3(process_create, process, &options, &out), ERR_WRONG_TYPE);
	assert_int_equal(CALL_3(process_create, 77, &options, &out), ERR_BAD_HANDLE);
	assert_int_equal(CALL_3(handle_duplicate, test_holder, RIGHT_READ, &weak), 0);
	assert_int_equal(CALL_3(process_create, weak, &options, &out), ERR_ACCESS);
	assert_int_equal(CALL_4(service_create, weak, "made", 4, &out), ERR_ACCESS);
	assert_int_equal(CALL_3(launcher_keep, weak, 0, HANDLE_NONE), ERR_ACCESS);
	assert_int_equal(CALL_4(launcher_connector, weak, "nobody", 6, &out), ERR_NOT_FOUND);
	assert_int_equal(CALL_3(handle_duplicate, process, RIGHT_READ, &weak), 0);
	assert_int_equal(made_map(weak, HANDLE_NONE, TEXT, PROT_READ), ERR_ACCESS);
	assert_int_equal(made_begin(weak, HANDLE_NONE), ERR_ACCESS);
	assert_int_equal(CALL_3(process_grant, weak, test_holder, &out), ERR_ACCESS);
	// The right itself stays where it is.
	assert_int_equal(CALL_3(process_grant, process, test_holder, &out), ERR_ACCESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(out, 0);
}

static void what_is_not_started_ends_with_the_holder(void **state)
{
	handle_t unstarted = made("unstarted");
	handle_t started = made("started");
	handle_t given;

	(void)state;
	// That it has a handle to itself does not keep it.
	assert_int_equal(CALL_3(handle_duplicate, unstarted, RIGHTS_SAME, &given), 0);
	assert_int_equal(CALL_3(process_grant, unstarted, given, &given), 0);
	// And with its own last handle.
	assert_int_equal(CALL_1(handle_close, made("unnamed")), 0);
	host_run(arch_clock_now());
	assert_false(process_name_is_taken("unnamed"));
	host_program = made_waits;
	assert_int_equal(made_begin(started, HANDLE_NONE), 0);
	assert_int_equal(CALL_1(handle_close, test_holder), 0);
	host_run(arch_clock_now());
	assert_int_equal(made_info(unstarted).state, PROCESS_ENDED);
	assert_int_equal(made_info(started).state, PROCESS_RUNNING);
	assert_int_equal(CALL_1(process_kill, started), 0);
}

static void what_is_kept_is_found_again(void **state)
{
	handle_t process = made("made");
	handle_t folio = made_program();
	handle_t found;

	(void)state;
	assert_int_equal(CALL_3(launcher_kept, test_holder, 1, &found), ERR_NOT_FOUND);
	assert_int_equal(CALL_3(launcher_kept, test_holder, LAUNCHER_MAX_KEPT, &found), ERR_RANGE);
	assert_int_equal(CALL_3(launcher_keep, test_holder, LAUNCHER_MAX_KEPT, folio), ERR_RANGE);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 1, test_holder), ERR_WRONG_TYPE);
	host_program = made_waits;
	assert_int_equal(made_begin(process, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 1, process), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 2, folio), 0);
	// The app ends, and comes again.
	test_limits(64, 1 << 20);
	launcher_hold();
	assert_int_equal(CALL_3(launcher_kept, test_holder, 1, &process), 0);
	assert_int_equal(made_info(process).state, PROCESS_RUNNING);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(CALL_3(launcher_kept, test_holder, 2, &found), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 2, found), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 1, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 2, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_kept, test_holder, 2, &found), ERR_NOT_FOUND);
}

// Each handle that is found is one more.
static void a_folio_that_is_kept_is_read_only(void **state)
{
	handle_t process = made("made");
	handle_t folio;
	handle_t found;
	handle_t again;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &bytes), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 1, folio), 0);
	assert_int_equal(CALL_3(launcher_kept, test_holder, 1, &found), 0);
	assert_int_equal(CALL_3(launcher_kept, test_holder, 1, &again), 0);
	assert_int_equal(CALL_3(folio_map, found, PROT_READ | PROT_WRITE, &bytes), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, again, PROT_READ | PROT_WRITE, &bytes), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, found, PROT_READ, &bytes), 0);
	assert_int_equal(made_map(process, again, 0x30000, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(CALL_3(launcher_keep, test_holder, 1, HANDLE_NONE), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

int test_launchers_giving(void)
{
	const struct CMUnitTest tests[] = {
		launcher_test_case(handles_move_into_it),
		launcher_test_case(it_provides),
		launcher_test_case(it_needs_the_right),
		launcher_test_case(what_is_not_started_ends_with_the_holder),
		launcher_test_case(what_is_kept_is_found_again),
		launcher_test_case(a_folio_that_is_kept_is_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
