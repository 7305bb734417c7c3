// SPDX-License-Identifier: MIT
#include "apps/js_test/js_test.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"

static const struct test *const suites[] = { c_tests, quickjs_tests };

static bool failed;

void test_failed(const char *what, const char *file, int line)
{
	failed = true;
	log_error("%s:%d: not so: %s", file, line, what);
}

static void js_test_main(const struct environ *env)
{
	const char *only = environ_config(env, "only");
	unsigned int num_passed = 0, num_failed = 0;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test *test = suites[i]; test->name != NULL; test++) {
			if (strncmp(test->name, only, strlen(only)) != 0)
				continue;
			failed = false;
			test->run();
			*(failed ? &num_failed : &num_passed) += 1;
			log_info("%s %s", failed ? "FAIL" : "ok", test->name);
		}
	}
	log_info("autotest: %u passed, %u failed", num_passed, num_failed);
	system_power_off(environ_system(env), num_failed == 0 ? 0 : 1);
}

// test_language.js nests deep.
APP(js_test, .main = js_test_main, .memory_limit = 64ul * 1024 * 1024, .stack_size = 1024ul * 1024,
    .needs = { // Runs only the tests whose names begin so.
               { NEED_CONFIG, "only", "", 0 },
               { NEED_SYSTEM, "control", NULL, 0 } });
