// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"
#include "libs/base/string.h"

// Of the rounds, in a run without the tests that take most of the time.
#define QUICK_PERCENT 10

static const struct test *const suites[] = {
	channel_tests, poll_tests,        recv_tests,     memory_tests, thread_tests,
	race_tests,    fault_tests,       service_tests,  launch_tests, look_tests,
	vm_tests,      vm_register_tests, vm_fault_tests, vm_sbi_tests,
};
// Those that do something so often that it takes most of the time.
static const struct test *const stress_suites[] = { vm_share_tests, vm_stress_tests };
// Those that need the machine of tools/test/run_autotest.py.
static const struct test *const device_suites[] = { blk_tests, stream_tests, switch_tests,
	                                            udp_tests, device_tests };
// Of these, what the log tells of the start: the tests push it out of the kernel's ring.
static const struct test *const log_suites[] = { seed_tests };

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

static void autotest_main(const struct environ *env)
{
	struct autotest state = { .env = env, .system = environ_system(env) };
	const char *wish = environ_config(env, "devices");
	bool devices = strcmp(wish, "0") != 0;
	bool kernel = strcmp(wish, "only") != 0;
	uint64_t stress = 0;

	if (environ_config_u64(env, "stress", &stress) != 0 || stress > 100) {
		log_error("autotest.stress is no percentage");
		state.num_failed++;
	}
	state.percent = stress == 0 ? QUICK_PERCENT : stress;
	if (devices)
		run_suites(&state, log_suites, sizeof(log_suites) / sizeof(log_suites[0]));
	if (kernel)
		run_suites(&state, suites, sizeof(suites) / sizeof(suites[0]));
	if (kernel && stress != 0)
		run_suites(&state, stress_suites, sizeof(stress_suites) / sizeof(stress_suites[0]));
	if (devices)
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
	    // 0, 1 or "only": without those of the kernel.
	    { NEED_CONFIG, "devices", "0", 0 },
	    // Per cent of the rounds of what is done very often; 0: a few, and no tests that do
	    // only such.
	    { NEED_CONFIG, "stress", "100", 0 },
	    { NEED_CONFIG, "host_port", "0", 0 },
	    { NEED_CONFIG, "udp_port", "0", 0 },
	    // The app that provides "blkdev" in this image.
	    { NEED_CONFIG, "disk_driver", "virtio_blk", 0 },
	    // Runs only the tests with this, or one of several separated by |, in their name.
	    { NEED_CONFIG, "only", "", 0 },
	    { NEED_SYSTEM, "control", NULL, 0 },
	    { NEED_LAUNCHER, "launcher", NULL, 0 },
	    { NEED_LOOK, "look", NULL, 0 },
    });
