// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"

static const struct test *const suites[] = {
	channel_tests, poll_tests, memory_tests, thread_tests, fault_tests, service_tests, vm_tests,
};

void test_failed(struct autotest *t, const char *what, const char *file, int line)
{
	t->failed = true;
	log_error("%s:%d: not so: %s", file, line, what);
}

nsec_t test_now(void)
{
	nsec_t now = 0;

	assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
	return now;
}

nsec_t test_deadline(void)
{
	return test_now() + 60 * NSEC_PER_SEC;
}

struct system_info test_system_info(struct autotest *t)
{
	struct system_info info = {0};

	expect(t, system_info(t->system, &info) == 0);
	return info;
}

static void autotest_main(const struct environ *env)
{
	struct autotest state = {.env = env, .system = environ_system(env)};
	unsigned passed = 0;
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test *test = suites[i]; test->name != NULL; test++) {
			state.failed = false;
			test->run(&state);
			if (state.failed)
				failed++;
			else
				passed++;
			log_info("%s %s", state.failed ? "FAIL" : "ok", test->name);
		}
	}
	log_info("autotest: %u passed, %u failed", passed, failed);
	system_power_off(state.system, failed == 0 ? 0 : 1);
}

APP(autotest,
    .main = autotest_main,
    .memory_limit = 64ul * 1024 * 1024,
    .needs = {
	    {NEED_SERVICE, "echo", NULL, 0},
	    {NEED_SERVICE, "victim", NULL, 0},
	    {NEED_SYSTEM, "control", NULL, 0},
    });
