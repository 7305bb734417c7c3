// SPDX-License-Identifier: MIT
#include "apps/apps_test/apps_test.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"

#define REPLACE (APPS_LOAD_START | APPS_LOAD_REPLACE)

static void kill_manager(struct tester *t)
{
	handle_t process;

	expect(t, system_find_process(t->system, "app_manager", 11, &process) == 0);
	expect(t, process_kill(process) == 0);
	expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	handle_close(process);
	connect_apps(t);
}

static void manager_finds_all_again(struct tester *t)
{
	struct apps_entry entry = { 0 };
	handle_t ends[2];
	struct message m;
	uint32_t count = 0;

	expect(t, apps_load(t, managed_version('1'), REPLACE, "greeting=hi") == 0);
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	expect(t, channel_create(ends) == 0);
	expect(t, apps_start(t, "managed_user", APPS_START_INSTANCE, "word=w", &ends[0], 1) == 0);
	expect(t, recv_wait(ends[1], test_deadline(), &m) == 0);
	for (int i = 0; i < 5; i++) {
		kill_manager(t);
		expect(t, apps_list(t, "managed", &entry, &count));
		expect(t, entry.state == APPS_RUNNING && entry.restarts == 0);
		expect_managed_says(t, "1 hi");
	}
	// The instance lived through it, is known, and its end is seen.
	expect(t, apps_list(t, "managed_user.1", &entry, NULL) && entry.state == APPS_RUNNING);
	handle_close(ends[1]);
	while (apps_list(t, "managed_user.1", &entry, NULL) && !t->failed)
		;
	expect(t, apps_load(t, managed_version('2'), REPLACE, "") == 0);
	kill_manager(t);
	expect_managed_says(t, "2 hi");
	// And one that ends is started again.
	expect(t, apps_load(t, managed_version('f'), REPLACE, "") == ERR_REFUSED);
	expect_managed_says(t, "2 hi");
}

static void manager_dies_in_a_replacement(struct tester *t)
{
	expect(t, apps_load(t, managed_version('1'), REPLACE, "greeting=hi") == 0);
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	for (int i = 0; i < 5; i++) {
		struct msg_apps_load load = { .id = ++t->next_id, .flags = REPLACE };
		struct span file = managed_version('2');
		struct apps_entry entry = { 0 };
		struct message m;
		void *at;

		load.size = file.len;
		expect(t, message_encode_apps_load(&m, &load, NULL, 0) == 0);
		expect(t, folio_create(file.len, FOLIO_CONTIGUOUS, &m.handles[0]) == 0);
		expect(t, folio_map(m.handles[0], PROT_READ | PROT_WRITE, &at) == 0);
		memcpy(at, file.data, file.len);
		m.num_handles = 1;
		expect(t, channel_send(t->apps, &m) == 0);
		for (int k = 0; k < i * 3; k++)
			thread_yield();
		kill_manager(t);
		// One of the two is there, and all goes on.
		while (entry.state != APPS_RUNNING && !t->failed)
			expect(t, apps_list(t, "managed", &entry, NULL));
		expect(t, apps_load_patiently(t, managed_version('3'), REPLACE) == 0);
		expect_managed_says(t, "3 hi");
	}
}

static void manager_gives_all_back(struct tester *t)
{
	struct system_info before = { 0 };
	struct system_info after = { 0 };
	nsec_t deadline = test_deadline();

	for (int i = 0; i < 30; i++) {
		expect(t, apps_load(t, managed_version('1'), REPLACE, "greeting=hi") == 0);
		expect(t, apps_load(t, managed_version('2'), REPLACE, "") == 0);
		expect(t, apps_load(t, managed_version('f'), REPLACE, "") == ERR_REFUSED);
		expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
		expect_managed_says(t, "2 hi");
		unload_all(t);
		if (i == 4)
			expect(t, system_info(t->system, &before) == 0);
	}
	do {
		thread_yield();
		expect(t, system_info(t->system, &after) == 0);
	} while (
		(after.handles > before.handles + 8 || after.free_pages + 64 < before.free_pages) &&
		deadline > test_deadline() - 300 * NSEC_PER_SEC && !t->failed);
	log_info("pages %lu, then %lu; handles %lu, then %lu", (unsigned long)before.free_pages,
	         (unsigned long)after.free_pages, (unsigned long)before.handles,
	         (unsigned long)after.handles);
	expect(t, after.handles <= before.handles + 8);
	expect(t, after.free_pages + 64 >= before.free_pages);
}

const struct test manager_tests[] = {
	{ "manager: killed, it finds all again", manager_finds_all_again },
	{ "manager: killed while it replaces", manager_dies_in_a_replacement },
	{ "manager: all is given back", manager_gives_all_back },
	{ 0 },
};
