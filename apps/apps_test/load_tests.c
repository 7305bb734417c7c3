// SPDX-License-Identifier: MIT
#include "apps/apps_test/apps_test.h"
#include "libs/abi/echo.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

static nsec_t now(void)
{
	nsec_t at = 0;

	assert(clock_get(CLOCK_MONOTONIC, &at) == 0);
	return at;
}

static void load_and_start(struct tester *t)
{
	struct apps_entry entry;
	uint32_t count = 7;
	nsec_t began;

	expect(t, !apps_list(t, "managed", &entry, &count) && count == 0);
	began = now();
	expect(t, apps_load(t, file_of(FILE_MANAGED), APPS_LOAD_START, "") == 0);
	log_info("loaded and started in %lu us", (unsigned long)((now() - began) / 1000));
	expect(t, strcmp(answer.name, "managed") == 0);
	expect(t, apps_list(t, "managed", &entry, &count) && count == 1);
	expect(t, entry.state == APPS_RUNNING && entry.file_size == file_of(FILE_MANAGED).len);
	expect(t, strcmp(entry.provides[0], "managed") == 0 && entry.provides[1][0] == '\0');
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	expect_managed_says(t, "1 hello");
	expect(t, apps_stop(t, "managed", 0) == 0);
	expect(t, apps_list(t, "managed", &entry, NULL) && entry.state == APPS_LOADED);
	expect(t, apps_start(t, "managed", 0, "greeting=good day", NULL, 0) == 0);
	expect_managed_says(t, "1 good day");
}

// Requests that are wrong, and a word of what each is answered.
static void load_what_is_wrong(struct tester *t)
{
	struct span good = file_of(FILE_MANAGED);
	struct span broken = managed_version('1');
	struct apps_entry entry;
	uint32_t count = 7;

	expect(t, apps_load(t, (struct span){ good.data, 100 }, APPS_LOAD_START, "") != 0);
	expect(t, apps_load(t, (struct span){ good.data, good.len / 2 }, APPS_LOAD_START, "") != 0);
	((uint8_t *)(uintptr_t)broken.data)[0] = 'X';
	expect(t, apps_load(t, broken, APPS_LOAD_START, "") != 0);
	expect(t, answer_says("cannot be loaded"));
	// Configuration: what the spec does not know; what is missing.
	expect(t, apps_load(t, good, APPS_LOAD_START, "gretting=hi") == ERR_NOT_FOUND);
	expect(t, answer_says("gretting"));
	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), APPS_LOAD_START, "") == ERR_NOT_FOUND);
	expect(t, answer_says("word=VALUE"));
	expect(t, !apps_list(t, "managed", &entry, &count) && count == 0);
	// Names.
	expect(t, apps_start(t, "nobody", 0, "", NULL, 0) == ERR_NOT_FOUND);
	expect(t, apps_stop(t, "nobody", 0) == ERR_NOT_FOUND);
	expect(t, apps_load(t, good, APPS_LOAD_START, "") == 0);
	expect(t, apps_load(t, good, APPS_LOAD_START, "") == ERR_EXISTS);
	expect(t, apps_start(t, "managed", 0, "", NULL, 0) == ERR_BAD_STATE);
	expect(t, apps_start(t, "managed", APPS_START_INSTANCE, "", NULL, 0) == ERR_NOT_SUPPORTED);
}

// Whether the manager answers a message that is wrong with one that says so, and goes on.
static bool is_answered(struct tester *t, struct message *m)
{
	struct msg_apps_result result;
	struct msg_error error;
	const uint8_t *tail;
	size_t len;

	if (channel_send(t->apps, m) != 0 || recv_wait(t->apps, test_deadline(), m) != 0)
		return false;
	if (message_decode_apps_result(m, &result, &tail, &len) == 0)
		return result.error != 0;
	return message_decode_error(m, &error, &tail, &len) == 0 && error.error != 0;
}

static void load_broken_messages(struct tester *t)
{
	static const uint32_t types[] = { MSG_APPS_LOAD,  MSG_APPS_START,
		                          MSG_APPS_STOP,  MSG_APPS_LIST,
		                          MSG_APPS_WATCH, MSG_APPS_RESULT,
		                          MSG_ECHO,       0,
		                          UINT32_MAX };
	struct msg_apps_load load = { .size = PAGE_SIZE };
	struct msg_apps_start start = { .flags = ~0u };
	handle_t ends[2];
	struct message m;

	// Of each kind one that is too short, with a handle too many.
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		message_init(&m, types[i]);
		m.len = 1;
		expect(t, channel_create(ends) == 0);
		m.handles[0] = ends[0];
		m.num_handles = 1;
		expect(t, is_answered(t, &m));
		// The manager has not kept it.
		expect(t, handle_wait(ends[1], READY_CLOSED, test_deadline()) == 0);
		handle_close(ends[1]);
	}
	// A file that is no folio, that is not as large as it should be, that is far too large.
	for (int i = 0; i < 4; i++) {
		static const uint64_t sizes[] = { PAGE_SIZE, 2 * PAGE_SIZE, UINT64_MAX, 0 };

		load.size = sizes[i];
		expect(t, message_encode_apps_load(&m, &load, NULL, 0) == 0);
		if (i == 0)
			expect(t, event_create(&m.handles[0]) == 0);
		else
			expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &m.handles[0]) == 0);
		m.num_handles = 1;
		expect(t, is_answered(t, &m));
	}
	expect(t, message_encode_apps_load(&m, &load, NULL, 0) == 0);
	expect(t, is_answered(t, &m));
	// Flags that there are not, a name without an end.
	expect(t, message_encode_apps_start(&m, &start, NULL, 0) == 0);
	expect(t, is_answered(t, &m));
	start.flags = 0;
	memset(start.name, 'x', sizeof(start.name));
	expect(t, message_encode_apps_start(&m, &start, NULL, 0) == 0);
	expect(t, is_answered(t, &m));
}

static void load_what_ends(struct tester *t)
{
	struct apps_entry entry = { 0 };
	nsec_t deadline = test_deadline();

	// It ends again and again, and is started again and again.
	expect(t, apps_load(t, managed_version('f'), APPS_LOAD_START, "") == 0);
	do {
		expect(t, apps_list(t, "managed", &entry, NULL));
	} while (entry.restarts < 3 && now() < deadline && !t->failed);
	expect(t, entry.end == PROCESS_END_FAULT);
	expect(t, apps_stop(t, "managed", 0) == 0);
	expect(t, apps_list(t, "managed", &entry, NULL) && entry.state == APPS_LOADED);
	expect(t, apps_stop(t, "managed", APPS_STOP_UNLOAD) == 0);
	expect(t, !apps_list(t, "managed", &entry, NULL));
	// Who needs what does not run.
	expect(t, apps_load(t, managed_version('1'), 0, "") == 0);
	expect(t, apps_stop(t, "managed", 0) == 0);
}

static void load_and_watch(struct tester *t)
{
	static const enum apps_state states[] = { APPS_LOADED, APPS_RUNNING, APPS_ENDING,
		                                  APPS_LOADED };
	struct msg_apps_watch watch = { .id = ++t->next_id };
	struct msg_apps_event event = { 0 };
	handle_t watcher;
	const uint8_t *tail;
	struct message m;
	size_t len;

	expect(t,
	       service_connect_wait(environ_connector(t->env, "apps"), test_deadline(), &watcher) ==
	               0);
	expect(t, message_encode_apps_watch(&m, &watch, NULL, 0) == 0);
	expect(t, channel_send(watcher, &m) == 0);
	expect(t, recv_wait(watcher, test_deadline(), &m) == 0 && m.type == MSG_APPS_RESULT);
	expect(t, apps_load(t, file_of(FILE_MANAGED), APPS_LOAD_START, "") == 0);
	expect(t, apps_stop(t, "managed", 0) == 0);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		expect(t, recv_wait(watcher, test_deadline(), &m) == 0);
		expect(t, message_decode_apps_event(&m, &event, &tail, &len) == 0);
		expect(t, event.state == states[i] && event.id == watch.id);
		expect(t, strcmp(event.name, "managed") == 0);
	}
	handle_close(watcher);
}

// An app goes with its instances.
static void load_and_unload(struct tester *t)
{
	struct apps_entry entry;
	handle_t ends[3][2];
	uint32_t count = 7;

	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	for (int i = 0; i < 3; i++) {
		expect(t, channel_create(ends[i]) == 0);
		expect(t,
		       apps_start(t, "managed_user", i == 0 ? 0 : APPS_START_INSTANCE, "word=w",
		                  &ends[i][0], 1) == 0);
	}
	expect(t, apps_list(t, "managed_user.2", &entry, &count) && count == 3);
	expect(t, apps_stop(t, "managed_user", APPS_STOP_UNLOAD) == 0);
	expect(t, answer_says("unloaded"));
	expect(t, !apps_list(t, "managed_user", &entry, &count) && count == 0);
	for (int i = 0; i < 3; i++) {
		expect(t, handle_wait(ends[i][1], READY_CLOSED, test_deadline()) == 0);
		handle_close(ends[i][1]);
	}
}

#define MANY 256u

static void load_many(struct tester *t)
{
	static handle_t ends[MANY];
	struct system_info before = { 0 };
	struct system_info after = { 0 };
	struct apps_entry entry;
	uint32_t count = 0;
	nsec_t began;

	expect(t, apps_load(t, file_of(FILE_MANAGED_USER), 0, "") == 0);
	expect(t, system_info(t->system, &before) == 0);
	began = now();
	for (uint32_t i = 0; i < MANY; i++) {
		char name[APP_NAME_MAX];
		char config[32];
		handle_t pair[2];

		expect(t, channel_create(pair) == 0);
		ends[i] = pair[1];
		fmt_write(config, sizeof(config), "word=w%u", i);
		expect(t, apps_start(t, "managed_user", APPS_START_INSTANCE, config, pair, 1) == 0);
		fmt_write(name, sizeof(name), "managed_user.%u", i + 1);
		expect(t, strcmp(answer.name, name) == 0);
	}
	// Each has its own configuration, and what it was given.
	for (uint32_t i = 0; i < MANY; i++) {
		struct msg_echo echo;
		const uint8_t *tail;
		struct message m;
		char text[64];
		size_t len = 0;

		expect(t, recv_wait(ends[i], test_deadline(), &m) == 0);
		expect(t, message_decode_echo(&m, &echo, &tail, &len) == 0);
		fmt_write(text, sizeof(text), "managed_user.%u w%u nobody", i + 1, i);
		expect(t, len == strlen(text) && memcmp(tail, text, len) == 0);
	}
	expect(t, system_info(t->system, &after) == 0);
	log_info("%u instances run after %lu ms, in %lu KiB", MANY,
	         (unsigned long)((now() - began) / NSEC_PER_MSEC),
	         (unsigned long)(before.free_pages - after.free_pages) * 4);
	expect(t, after.num_processes >= before.num_processes + MANY);
	expect(t, apps_list(t, "managed_user.7", &entry, &count) && count == MANY + 1);
	// One is stopped by its name, the others end by themselves, and are gone.
	expect(t, apps_stop(t, "managed_user.7", 0) == 0);
	for (uint32_t i = 0; i < MANY; i++)
		handle_close(ends[i]);
	while (count > 1 && !t->failed)
		(void)apps_list(t, "managed_user.8", &entry, &count);
}

const struct test load_tests[] = {
	{ "load: an app is loaded, started, listed and stopped", load_and_start },
	{ "load: what is wrong is refused, in words", load_what_is_wrong },
	{ "load: broken messages are answered", load_broken_messages },
	{ "load: an app that ends is started again", load_what_ends },
	{ "load: changes are told to who watches", load_and_watch },
	{ "load: an app is unloaded with its instances", load_and_unload },
	{ "load: 256 instances at once", load_many },
	{ 0 },
};
