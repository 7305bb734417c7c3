// SPDX-License-Identifier: MIT
//
// Files and messages of chance: the manager answers, and lives.
#include "apps/apps_test/apps_test.h"
#include "libs/base/string.h"

#define NUM_FILES 400
#define NUM_MESSAGES 20000

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t chance(uint64_t bound)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % bound;
}

static uint32_t manager_id(struct tester *t)
{
	struct process_info info = { 0 };
	handle_t process;

	expect(t, system_find_process(t->system, "app_manager", 11, &process) == 0);
	expect(t, process_info(process, &info) == 0);
	handle_close(process);
	return info.id;
}

// Few bytes are others than they should be, most of them in what describes the file: its beginning
// and its end. What can still be loaded runs, and ends as it may.
static void chance_files(struct tester *t)
{
	uint32_t id = manager_id(t);
	unsigned loaded = 0;

	for (unsigned i = 0; i < NUM_FILES && !t->failed; i++) {
		struct span file = managed_version('1');
		uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
		size_t changes = 1 + chance(4);

		for (size_t k = 0; k < changes; k++) {
			size_t at = chance(4) == 0 ? chance(file.len)
				: chance(2) == 0   ? chance(320)
						   : file.len - 1 - chance(2000);

			bytes[at] = (uint8_t)chance(256);
		}
		if (chance(16) == 0)
			file.len = chance(file.len);
		if (apps_load(t, file, APPS_LOAD_START | APPS_LOAD_REPLACE, "") == 0)
			loaded++;
		if (chance(4) == 0)
			unload_all(t);
	}
	log_info("%u of %d files of chance were loaded", loaded, NUM_FILES);
	expect(t, manager_id(t) == id);
}

static void fill(struct message *m)
{
	m->type = chance(16) == 0
		? (uint32_t)chance(200)
		: MSG_APPS_LOAD + (uint32_t)chance(MSG_APPS_RESULT - MSG_APPS_LOAD + 1);
	m->len = (uint16_t)chance(chance(2) == 0 ? MESSAGE_MAX_DATA + 1 : 64);
	m->num_handles = 0;
	for (size_t i = 0; i < m->len; i++)
		m->data[i] = (uint8_t)(chance(4) == 0 ? chance(256) : 0);
	// The name of what is there, now and then.
	if (m->len >= 16 && chance(2) == 0)
		memcpy(m->data + 8, "managed", 8);
	for (uint64_t n = chance(4) == 0 ? chance(3) : 0; n > 0; n--) {
		handle_t *handle = &m->handles[m->num_handles];

		if ((chance(2) == 0 ? event_create(handle)
		                    : folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, handle)) == 0)
			m->num_handles++;
	}
}

static void drain(struct tester *t)
{
	struct message m;

	while (channel_recv(t->apps, &m) == 0) {
		for (uint32_t i = 0; i < m.num_handles; i++)
			handle_close(m.handles[i]);
	}
}

static void chance_messages(struct tester *t)
{
	uint32_t id = manager_id(t);
	struct apps_entry entry;
	struct message m;

	for (unsigned i = 0; i < NUM_MESSAGES && !t->failed; i++) {
		fill(&m);
		while (channel_send(t->apps, &m) == ERR_FULL)
			(void)thread_yield();
		if (chance(8) == 0)
			drain(t);
		if (chance(500) == 0)
			connect_apps(t);
	}
	connect_apps(t);
	expect(t, manager_id(t) == id);
	expect(t,
	       apps_load_patiently(t, managed_version('1'), APPS_LOAD_START | APPS_LOAD_REPLACE) ==
	               0);
	expect(t, apps_list(t, "managed", &entry, NULL) && entry.state == APPS_RUNNING);
}

const struct test chance_tests[] = {
	{ "chance: files", chance_files },
	{ "chance: messages", chance_messages },
	{ 0 },
};
