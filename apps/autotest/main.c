// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"
#include "libs/base/string.h"

static const struct test *const suites[] = {
	channel_tests, poll_tests,    recv_tests, memory_tests,   thread_tests, race_tests,
	fault_tests,   service_tests, vm_tests,   vm_fault_tests, vm_sbi_tests, vm_stress_tests,
};
// Those that need the machine of tools/test/run_autotest.py.
static const struct test *const device_suites[] = { blk_tests, stream_tests, switch_tests,
	                                            udp_tests, device_tests };

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
	return test_now() + 300 * NSEC_PER_SEC;
}

struct system_info test_system_info(struct autotest *t)
{
	struct system_info info = { 0 };

	expect(t, system_info(t->system, &info) == 0);
	return info;
}

// Whether `name` has the first `len` bytes of `part` in it.
static bool name_has(const char *name, const char *part, size_t len)
{
	for (; *name != '\0'; name++) {
		if (strncmp(name, part, len) == 0)
			return true;
	}
	return len == 0;
}

// Whether `name` has one of the parts in it; there is a `|` between two.
static bool is_wanted(const char *name, const char *parts)
{
	for (;;) {
		const char *end = strchr(parts, '|');

		if (name_has(name, parts, end == NULL ? strlen(parts) : (size_t)(end - parts)))
			return true;
		if (end == NULL)
			return false;
		parts = end + 1;
	}
}

static void run_suites(struct autotest *t, const struct test *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (const struct test *test = list[i]; test->name != NULL; test++) {
			if (!is_wanted(test->name, environ_config(t->env, "only")))
				continue;
			t->failed = false;
			test->run(t);
			if (t->failed)
				t->num_failed++;
			else
				t->num_passed++;
			log_info("%s %s", t->failed ? "FAIL" : "ok", test->name);
		}
	}
}

// Other apps take and give a little meanwhile (frames in flight, a slab); a leak of each death
// would be 200 of a kind.
#define SLACK 50

bool test_settles(struct autotest *t, const struct system_info *before)
{
	nsec_t deadline = test_deadline();
	struct system_info now;

	do {
		thread_yield();
		now = test_system_info(t);
		if (now.free_pages + SLACK >= before->free_pages &&
		    now.handles <= before->handles + SLACK &&
		    now.kernel_objects <= before->kernel_objects + SLACK)
			return true;
	} while (test_now() < deadline);
	log_error("free pages %llu, were %llu; handles %llu, were %llu; objects %llu, were %llu",
	          (unsigned long long)now.free_pages, (unsigned long long)before->free_pages,
	          (unsigned long long)now.handles, (unsigned long long)before->handles,
	          (unsigned long long)now.kernel_objects,
	          (unsigned long long)before->kernel_objects);
	return false;
}

static void autotest_main(const struct environ *env)
{
	struct autotest state = { .env = env, .system = environ_system(env) };

	run_suites(&state, suites, sizeof(suites) / sizeof(suites[0]));
	if (strcmp(environ_config(env, "devices"), "1") == 0)
		run_suites(&state, device_suites, sizeof(device_suites) / sizeof(device_suites[0]));
	else
		log_info(
			"no tests of the drivers: tools/test/run_autotest.py makes the machine for them");
	log_info("autotest: %u passed, %u failed", state.num_passed, state.num_failed);
	system_power_off(state.system, state.num_failed == 0 ? 0 : 1);
}

APP(autotest, .main = autotest_main,
    // More than the machine has: one test uses it all up.
    .memory_limit = 4ul * 1024 * 1024 * 1024,
    .needs = {
	    { NEED_SERVICE, "echo", NULL, 0 },
	    { NEED_SERVICE, "victim", NULL, 0 },
	    { NEED_SERVICE, "vm_victim", NULL, 0 },
	    { NEED_SERVICE, "blkdev", NULL, 1 },
	    { NEED_SERVICE, "console", NULL, 1 },
	    { NEED_SERVICE, "tcpip", NULL, 1 },
	    { NEED_SERVICE, "vmnet", NULL, 1 },
	    { NEED_CONFIG, "devices", "0", 0 },
	    { NEED_CONFIG, "host_port", "0", 0 },
	    { NEED_CONFIG, "udp_port", "0", 0 },
	    // Runs only the tests with this, or one of several separated by |, in their name.
	    { NEED_CONFIG, "only", "", 0 },
	    { NEED_SYSTEM, "control", NULL, 0 },
    });
