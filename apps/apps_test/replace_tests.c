// SPDX-License-Identifier: MIT
#include "apps/apps_test/apps_test.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"

#define REPLACE (APPS_LOAD_START | APPS_LOAD_REPLACE)

static void begin(struct tester *t)
{
	expect(t, apps_load(t, managed_version('1'), REPLACE, "greeting=hi") == 0);
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	expect_managed_says(t, "1 hi");
}

static void replace_version(struct tester *t)
{
	nsec_t began;

	begin(t);
	began = test_deadline();
	expect(t, apps_load(t, managed_version('2'), REPLACE, "") == 0);
	log_info("replaced in %lu us", (unsigned long)((test_deadline() - began) / 1000));
	// It has the configuration that the old one had.
	expect_managed_says(t, "2 hi");
	for (int i = 3; i <= 9; i++)
		expect(t, apps_load(t, managed_version((char)('0' + i)), REPLACE, "") == 0);
	expect_managed_says(t, "9 hi");
}

static void replace_by_what_faults(struct tester *t)
{
	struct apps_entry entry;

	begin(t);
	// Its configuration goes with it.
	expect(t, apps_load(t, managed_version('f'), REPLACE, "greeting=no") == ERR_REFUSED);
	expect(t, answer_says("taken back"));
	expect(t, answer_says("fault"));
	expect_managed_says(t, "1 hi");
	expect(t, apps_load(t, managed_version('x'), REPLACE, "") == ERR_REFUSED);
	expect(t, answer_says("status 3"));
	expect_managed_says(t, "1 hi");
	expect(t, apps_list(t, "managed", &entry, NULL) && entry.state == APPS_RUNNING);
	// And then by one that works.
	expect(t, apps_load(t, managed_version('2'), REPLACE, "") == 0);
	expect_managed_says(t, "2 hi");
}

static void replace_by_what_lacks(struct tester *t)
{
	begin(t);
	expect(t, apps_load(t, managed_without_service(), REPLACE, "") == ERR_NOT_SUPPORTED);
	expect(t, answer_says("does not provide the service 'managed'"));
	expect_managed_says(t, "1 hi");
}

// What clients see: as at a restart.
static void replace_under_clients(struct tester *t)
{
	handle_t ends[2];
	struct message m;

	begin(t);
	expect(t, channel_create(ends) == 0);
	expect(t, apps_start(t, "managed_user", APPS_START_INSTANCE, "word=w", &ends[0], 1) == 0);
	expect(t, recv_wait(ends[1], test_deadline(), &m) == 0);
	for (int i = 0; i < 10; i++) {
		expect(t, apps_load(t, managed_version((char)('0' + i)), REPLACE, "") == 0);
		expect_managed_says(t, (const char[]){ (char)('0' + i), ' ', 'h', 'i', 0 });
	}
	handle_close(ends[1]);
}

// An instance of what runs is no reason not to replace it; it keeps its version.
static void replace_of_what_does_not_run(struct tester *t)
{
	struct apps_entry entry;

	begin(t);
	expect(t, apps_stop(t, "managed", 0) == 0);
	expect(t, apps_load(t, managed_version('2'), APPS_LOAD_REPLACE, "") == 0);
	expect(t, apps_list(t, "managed", &entry, NULL) && entry.state == APPS_LOADED);
	expect(t, apps_start(t, "managed", 0, "", NULL, 0) == 0);
	expect_managed_says(t, "2 hello");
}

// Its work is done before it ever waits.
static void replace_by_what_is_done(struct tester *t)
{
	struct apps_entry entry;

	begin(t);
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), REPLACE, "word=done") == 0);
	expect(t, apps_list(t, "managed_user", &entry, NULL) && entry.state == APPS_LOADED);
}

const struct test replace_tests[] = {
	{ "replace: a new version takes over", replace_version },
	{ "replace: what faults or ends at once is taken back", replace_by_what_faults },
	{ "replace: what lacks a service is refused", replace_by_what_lacks },
	{ "replace: clients go on", replace_under_clients },
	{ "replace: what does not run", replace_of_what_does_not_run },
	{ "replace: an app that ends well at once is no failure", replace_by_what_is_done },
	{ 0 },
};
