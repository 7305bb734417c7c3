// SPDX-License-Identifier: MIT
//
// The side of who asks the app manager.
#include "apps/apps_test/apps_test.h"
#include "libs/abi/echo.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

#define FILE_ROOM (64u * 1024)

struct msg_apps_result answer;
char answer_text[APPS_TEXT_MAX + 1];

bool answer_says(const char *words)
{
	size_t len = strlen(words);

	for (const char *at = answer_text; *at != '\0'; at++) {
		if (strncmp(at, words, len) == 0)
			return true;
	}
	return false;
}

void connect_apps(struct tester *t)
{
	handle_close(t->apps);
	expect(t,
	       service_connect_wait(environ_connector(t->env, "apps"), test_deadline(), &t->apps) ==
	               0);
}

// Sends `m`, and waits for the answer with that id.
static error_t ask(struct tester *t, struct message *m, uint32_t id)
{
	const uint8_t *tail;
	size_t len;
	error_t error = channel_send(t->apps, m);

	while (error == 0) {
		error = recv_wait(t->apps, test_deadline(), m);
		if (error != 0 || message_decode_apps_result(m, &answer, &tail, &len) != 0)
			continue;
		if (answer.id != id)
			continue;
		memcpy(answer_text, tail, len);
		answer_text[len] = '\0';
		return answer.error;
	}
	log_error("no answer: %s", error_text(error));
	return error;
}

error_t apps_load_patiently(struct tester *t, struct span file, uint32_t flags)
{
	error_t error;

	do {
		error = apps_load(t, file, flags, "");
	} while (error == ERR_BAD_STATE && !t->failed);
	return error;
}

error_t apps_load(struct tester *t, struct span file, uint32_t flags, const char *config)
{
	struct msg_apps_load load = { .id = ++t->next_id, .flags = flags, .size = file.len };
	struct message m;
	handle_t folio;
	void *at;

	expect(t, message_encode_apps_load(&m, &load, config, strlen(config)) == 0);
	expect(t, folio_create(file.len, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &at) == 0);
	memcpy(at, file.data, file.len);
	m.handles[0] = folio;
	m.num_handles = 1;
	return ask(t, &m, load.id);
}

error_t apps_start(struct tester *t, const char *name, uint32_t flags, const char *config,
                   const handle_t *given, uint32_t num_given)
{
	struct msg_apps_start start = { .id = ++t->next_id, .flags = flags };
	struct message m;

	str_copy(start.name, name, sizeof(start.name));
	expect(t, message_encode_apps_start(&m, &start, config, strlen(config)) == 0);
	for (uint32_t i = 0; i < num_given; i++)
		m.handles[i] = given[i];
	m.num_handles = (uint16_t)num_given;
	return ask(t, &m, start.id);
}

error_t apps_stop(struct tester *t, const char *name, uint32_t flags)
{
	struct msg_apps_stop stop = { .id = ++t->next_id, .flags = flags };
	struct message m;

	str_copy(stop.name, name, sizeof(stop.name));
	expect(t, message_encode_apps_stop(&m, &stop, NULL, 0) == 0);
	return ask(t, &m, stop.id);
}

bool apps_list(struct tester *t, const char *name, struct apps_entry *out, uint32_t *count)
{
	struct msg_apps_list list = { .id = ++t->next_id };
	struct msg_apps_listed listed = { 0 };
	const struct apps_entry *entries;
	const uint8_t *tail;
	struct message m;
	bool found = false;
	size_t len;
	void *at = NULL;

	expect(t, message_encode_apps_list(&m, &list, NULL, 0) == 0);
	expect(t, channel_send(t->apps, &m) == 0);
	do {
		if (recv_wait(t->apps, test_deadline(), &m) != 0)
			return false;
	} while (message_decode_apps_listed(&m, &listed, &tail, &len) != 0);
	if (count != NULL)
		*count = listed.count;
	if (listed.count == 0)
		return false;
	expect(t, folio_map(m.handles[0], PROT_READ, &at) == 0);
	entries = at;
	for (uint32_t i = 0; i < listed.count && !found; i++) {
		found = strcmp(entries[i].name, name) == 0;
		if (found)
			*out = entries[i];
	}
	message_discard(&m);
	return found;
}

// --- Versions ---

static uint8_t file[FILE_ROOM];

// All places of `what` in the file; the byte at `offset` of each becomes `byte`.
static void change(size_t len, const char *what, size_t offset, char byte)
{
	size_t n = strlen(what);
	unsigned found = 0;

	for (size_t i = 0; i + n <= len; i++) {
		if (memcmp(file + i, what, n) != 0)
			continue;
		file[i + offset] = (uint8_t)byte;
		found++;
	}
	assert(found > 0);
}

struct span managed_version(char letter)
{
	struct span original = file_of(FILE_MANAGED);

	assert(original.len <= sizeof(file));
	memcpy(file, original.data, original.len);
	change(original.len, "managed version: ", strlen("managed version: "), letter);
	return (struct span){ file, original.len };
}

struct span managed_without_service(void)
{
	struct span made = managed_version('1');
	const char *name = "managed";
	size_t n = strlen(name) + 1;
	size_t last = 0;

	// The app's name and its service's are one string of the spec, which the table of services
	// points to: its entry becomes that of the string behind.
	for (size_t i = 0; i + n <= made.len; i++) {
		if (memcmp(file + i, "AppS", 4) == 0)
			last = i;
	}
	assert(last > 0);
	memset(file + last + 64, 0, 4);  // the number of provided services
	return made;
}

void expect_managed_says(struct tester *t, const char *text)
{
	struct msg_echo echo;
	const uint8_t *tail;
	handle_t ends[2];
	char name[APP_NAME_MAX];
	char said[128];
	char expected[128];
	struct message m;
	size_t len = 0;

	expect(t, channel_create(ends) == 0);
	expect(t,
	       apps_start(t, "managed_user", APPS_START_INSTANCE, "word=psst", &ends[0], 1) == 0);
	str_copy(name, answer.name, sizeof(name));
	bool speaks = recv_wait(ends[1], test_deadline(), &m) == 0 &&
		message_decode_echo(&m, &echo, &tail, &len) == 0 && len < sizeof(said);
	expect(t, speaks);
	if (!speaks)
		return;
	memcpy(said, tail, len);
	said[len] = '\0';
	fmt_write(expected, sizeof(expected), "%s psst %s", name, text);
	if (strcmp(said, expected) != 0)
		log_error("said '%s', not '%s'", said, expected);
	expect(t, strcmp(said, expected) == 0);
	handle_close(ends[1]);
}

void unload_all(struct tester *t)
{
	static const char *const names[] = { "managed_user", "managed" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		while (apps_stop(t, names[i], APPS_STOP_UNLOAD) == ERR_BAD_STATE)
			(void)thread_yield();
	}
}
