// SPDX-License-Identifier: MIT
#include "libs/look/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/look/look_fake.h"
#include "libs/starina/alloc.h"

static bool no_memory;

void *heap_alloc(size_t size)
{
	return no_memory ? NULL : calloc(1, size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

static struct look_process processes[100];

static void set_processes(size_t count)
{
	for (size_t i = 0; i < count; i++)
		processes[i].id = 2 * (uint32_t)i + 1;
	fake_look = (struct fake_look){ .calls = 0 };
	fake_look.kinds[LOOK_PROCESSES].bytes = processes;
	fake_look.kinds[LOOK_PROCESSES].size = count * sizeof(processes[0]);
}

static void the_buffer_grows(void **state)
{
	struct look_buffer buffer = { 0 };
	size_t count;

	(void)state;
	set_processes(3);
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 7, &buffer), 0);
	assert_int_equal(fake_look.kinds[LOOK_PROCESSES].argument, 7);
	assert_int_equal(look_process_records(&buffer, &count)[2].id, 5);
	assert_int_equal(count, 3);
	set_processes(100);
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
	assert_int_equal(look_process_records(&buffer, &count)[99].id, 199);
	assert_int_equal(count, 100);
	set_processes(1);
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
	assert_int_equal(fake_look.calls, 1);
	(void)look_process_records(&buffer, &count);
	assert_int_equal(count, 1);
	look_buffer_free(&buffer);
}

static void a_buffer_with_room_is_filled_at_once(void **state)
{
	struct look_buffer buffer = { 0 };
	size_t count;

	(void)state;
	set_processes(10);
	look_buffer_reserve(&buffer, 9 * sizeof(processes[0]));
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
	assert_int_equal(fake_look.calls, 1);
	assert_int_equal(look_process_records(&buffer, &count)[9].id, 19);
	assert_int_equal(count, 10);
	look_buffer_free(&buffer);
	no_memory = true;
	look_buffer_reserve(&buffer, 1000);
	no_memory = false;
	assert_null(buffer.bytes);
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
	look_buffer_free(&buffer);
}

static void a_process_is_found(void **state)
{
	struct look_buffer buffer = { 0 };

	(void)state;
	assert_null(look_find_process(&buffer, 1));
	for (size_t n = 1; n <= 5; n++) {
		set_processes(n);
		assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
		for (uint32_t id = 0; id <= 2 * n; id++) {
			const struct look_process *found = look_find_process(&buffer, id);

			if (id % 2 == 0)
				assert_null(found);
			else
				assert_int_equal(found->id, id);
		}
	}
	look_buffer_free(&buffer);
}

static void errors_leave_it_empty(void **state)
{
	struct look_buffer buffer = { 0 };
	size_t count;

	(void)state;
	set_processes(10);
	assert_int_equal(look_take(HANDLE_NONE, LOOK_PROCESSES, 0, &buffer), ERR_BAD_HANDLE);
	no_memory = true;
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), ERR_NO_MEMORY);
	no_memory = false;
	fake_look.kinds[LOOK_PROCESSES].size = LOOK_MAX_BYTES;
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), ERR_TOO_LARGE);
	set_processes(10);
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), 0);
	fake_look.error = ERR_NO_MEMORY;
	assert_int_equal(look_take(FAKE_LOOK, LOOK_PROCESSES, 0, &buffer), ERR_NO_MEMORY);
	(void)look_process_records(&buffer, &count);
	assert_int_equal(count, 0);
	look_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_buffer_grows),
		cmocka_unit_test(a_buffer_with_room_is_filled_at_once),
		cmocka_unit_test(a_process_is_found),
		cmocka_unit_test(errors_leave_it_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
