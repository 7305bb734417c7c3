// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"

static void handles_have_rights(struct autotest *t)
{
	handle_t event = HANDLE_NONE;
	handle_t read_only = HANDLE_NONE;
	handle_t out = HANDLE_NONE;

	expect(t, event_create(&event) == 0);
	expect(t, handle_duplicate(event, RIGHT_READ | RIGHT_DUPLICATE, &read_only) == 0);
	expect(t, event_signal(read_only, 1) == ERR_ACCESS);
	expect(t, handle_duplicate(read_only, RIGHT_READ | RIGHT_WRITE, &out) == ERR_ACCESS);
	expect(t, timer_set(event, 0) == ERR_WRONG_TYPE);
	handle_close(read_only);
	handle_close(event);
	expect(t, event_signal(event, 1) == ERR_BAD_HANDLE);
	expect(t, handle_close(event) == ERR_BAD_HANDLE);
	expect(t, handle_close(-1) == ERR_BAD_HANDLE && handle_close(0) == ERR_BAD_HANDLE);
}

static void names_are_checked(struct autotest *t)
{
	handle_t process = HANDLE_NONE;

	expect(t, system_find_process(t->system, "nobody", 6, &process) == ERR_NOT_FOUND);
	expect(t, system_start_app(t->system, "echo", 4, &process) == ERR_BAD_STATE);
	expect(t, system_start_app(t->system, "nobody", 6, &process) == ERR_NOT_FOUND);
}

const struct test service_tests[] = {
	{ "handles have rights", handles_have_rights },
	{ "names of apps are checked", names_are_checked },
	{ 0 },
};
