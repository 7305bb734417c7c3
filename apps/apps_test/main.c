// SPDX-License-Identifier: MIT
#include "apps/apps_test/apps_test.h"
#include "libs/base/string.h"

static const struct test *const suites[] = { load_tests, replace_tests, manager_tests,
	                                     chance_tests };

void test_failed(struct tester *t, const char *what, const char *file, int line)
{
	t->failed = true;
	log_error("%s:%d: not so: %s", file, line, what);
	if (answer_text[0] != '\0')
		log_error("the last answer was: %s", answer_text);
}

nsec_t test_deadline(void)
{
	nsec_t now = 0;

	assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
	return now + 300 * NSEC_PER_SEC;
}

static void run(struct tester *t, const struct test *test)
{
	const char *only = environ_config(t->env, "only");

	if (strncmp(test->name, only, strlen(only)) != 0)
		return;
	t->failed = false;
	test->run(t);
	unload_all(t);
	if (t->failed)
		t->num_failed++;
	else
		t->num_passed++;
	log_info("%s %s", t->failed ? "FAIL" : "ok", test->name);
}

static void apps_test_main(const struct environ *env)
{
	struct tester tester = { .env = env, .system = environ_system(env) };

	connect_apps(&tester);
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test *test = suites[i]; test->name != NULL; test++)
			run(&tester, test);
	}
	log_info("autotest: %u passed, %u failed", tester.num_passed, tester.num_failed);
	system_power_off(tester.system, tester.num_failed == 0 ? 0 : 1);
}

APP(apps_test, .main = apps_test_main, .memory_limit = 64ul * 1024 * 1024,
    .needs = { { NEED_SERVICE, "apps", NULL, 0 },
               { NEED_SERVICE, "echo", NULL, 0 },
               // Runs only the tests whose names begin so.
               { NEED_CONFIG, "only", "", 0 },
               { NEED_SYSTEM, "control", NULL, 0 } });
