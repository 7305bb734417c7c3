// SPDX-License-Identifier: MIT
#include "kernel/object/all_test.h"
#include "kernel/object/event.h"
#include "kernel/object/test_support.h"

static void a_stale_handle_is_refused(void **state)
{
	handle_t first;
	handle_t second;

	(void)state;
	assert_int_equal(CALL_1(event_create, &first), 0);
	assert_true(first > 0);
	assert_int_equal(CALL_1(handle_close, first), 0);
	assert_int_equal(CALL_1(handle_close, first), ERR_BAD_HANDLE);
	// The slot is used again, under another name.
	assert_int_equal(CALL_1(event_create, &second), 0);
	assert_int_equal(first & 0xffff, second & 0xffff);
	assert_int_not_equal(first, second);
	assert_int_equal(CALL_2(event_signal, first, 1), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(event_signal, second, 1), 0);
	assert_int_equal(CALL_2(event_signal, 0, 1), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(event_signal, -1, 1), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(event_signal, 0x7fffffff, 1), ERR_BAD_HANDLE);
}

static void generations_wrap_without_making_handle_none(void **state)
{
	handle_t handle;

	(void)state;
	for (int i = 0; i < 70000; i++) {
		assert_int_equal(CALL_1(event_create, &handle), 0);
		assert_true(handle > 0xffff);
		assert_int_equal(CALL_1(handle_close, handle), 0);
	}
}

static void rights_and_types_are_checked(void **state)
{
	handle_t event;
	handle_t reader;
	handle_t poll;
	uint64_t count;

	(void)state;
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_3(handle_duplicate, event, RIGHT_READ, &reader), 0);
	assert_int_equal(CALL_2(event_signal, reader, 1), ERR_ACCESS);
	assert_int_equal(CALL_2(event_signal, poll, 1), ERR_WRONG_TYPE);
	assert_int_equal(CALL_4(poll_add, poll, reader, READY_READABLE, 1), ERR_ACCESS);
	assert_int_equal(CALL_3(handle_duplicate, reader, RIGHT_READ, &reader), ERR_ACCESS);
	assert_int_equal(CALL_3(handle_duplicate, event, RIGHT_CONTROL, &reader), ERR_ACCESS);
	assert_int_equal(CALL_2(event_signal, event, 3), 0);
	assert_int_equal(CALL_2(event_take, reader, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(CALL_2(event_take, reader, &count), ERR_EMPTY);
}

static void an_event_sticks_at_its_maximum(void **state)
{
	handle_t event;
	uint64_t count;

	(void)state;
	assert_int_equal(CALL_1(event_create, &event), 0);
	assert_int_equal(CALL_2(event_signal, event, UINT64_MAX - 1), 0);
	assert_int_equal(CALL_2(event_signal, event, 5), 0);
	// A bad pointer loses nothing.
	assert_int_equal(CALL_2(event_take, event, 8), ERR_ADDRESS);
	assert_int_equal(CALL_2(event_take, event, &count), 0);
	assert_true(count == UINT64_MAX);
}

static void the_limit_of_handles_holds(void **state)
{
	handle_t handles[200];
	handle_t more;
	int n = 0;

	(void)state;
	test_limits(100, 1 << 20);
	while (n < 200 && CALL_1(event_create, &handles[n]) == 0)
		n++;
	assert_int_equal(n, 100);
	assert_int_equal(CALL_1(event_create, &more), ERR_LIMIT);
	assert_int_equal(CALL_3(handle_duplicate, handles[0], RIGHTS_SAME, &more), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, handles[50]), 0);
	assert_int_equal(CALL_1(event_create, &more), 0);
}

static void a_bad_out_pointer_leaves_no_handle(void **state)
{
	uint64_t before = handle_count();

	(void)state;
	assert_int_equal(CALL_1(event_create, 16), ERR_ADDRESS);
	assert_int_equal(CALL_1(channel_create, 16), ERR_ADDRESS);
	assert_int_equal(CALL_3(folio_create, 4096, 0, 16), ERR_ADDRESS);
	assert_int_equal(handle_count(), before);
}

static void running_out_of_memory_changes_nothing(void **state)
{
	handle_t ends[2];

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		uint64_t objects = object_count();
		uint64_t handles = handle_count();
		error_t error;

		host_fail_kmalloc(n);
		error = CALL_1(channel_create, ends);
		host_fail_kmalloc(0);
		if (error == 0)
			break;
		assert_int_equal(error, ERR_NO_MEMORY);
		assert_int_equal(object_count(), objects);
		assert_int_equal(handle_count(), handles);
	}
}

int test_handles(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_stale_handle_is_refused),
		test_case(generations_wrap_without_making_handle_none),
		test_case(rights_and_types_are_checked),
		test_case(an_event_sticks_at_its_maximum),
		test_case(the_limit_of_handles_holds),
		test_case(a_bad_out_pointer_leaves_no_handle),
		test_case(running_out_of_memory_changes_nothing),
	};

	return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
