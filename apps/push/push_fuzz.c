// SPDX-License-Identifier: MIT
//
// push between a host that says anything, in pieces, and an app manager that answers when it likes,
// and dies. Each request is answered once at the most, and nothing is left. An input is a list of
// steps.
#include <stdio.h>
#include <stdlib.h>

#include "libs/starina/clients_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/push/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static handle_t console, apps;
static handle_t session, port, manager;
static char nonce[PUSH_NONCE_SIZE];
static uint32_t asked;       // the newest id of the host's
static uint32_t answered;    // the newest id that was answered
static uint32_t manager_id;  // of the request that the manager has
static bool at_random;       // the host has said bytes that may be requests of any id

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void begin(void)
{
	static struct environ env;

	fake_reset();
	memset(&push, 0, sizeof(push));
	session = port = manager = HANDLE_NONE;
	nonce[0] = '\0';
	asked = answered = 0;
	at_random = false;
	env = (struct environ){ .num_entries = 2,
		                .entries = { { .kind = ENV_CONNECTOR, .name = "console" },
		                             { .kind = ENV_CONNECTOR, .name = "apps" } } };
	env.entries[0].handle = console = fake_connector_create();
	env.entries[1].handle = apps = fake_connector_create();
	push_main(&env);
}

// --- The console's driver, and the host behind it ---

static void port_serve(void)
{
	struct msg_open open;
	const uint8_t *tail;
	handle_t handle, ends[2];
	struct message m;
	size_t len;

	if (session == HANDLE_NONE)
		session = fake_provider_accept(console);
	while (fake_take(session, &m, &handle)) {
		must(handle == HANDLE_NONE && message_decode_open(&m, &open, &tail, &len) == 0);
		fake_close(&port);
		if (channel_create(ends) != 0) {
			error_send(session, open.id, ERR_NO_MEMORY, "no memory");
			continue;
		}
		if (open_reply_send(session, open.id, ends[0]) != 0)
			handle_close(ends[0]);
		port = ends[1];
	}
	if (session != HANDLE_NONE && port != HANDLE_NONE)
		fake_close(&session);
}

static void line_check(const char *line)
{
	unsigned id;

	if (sscanf(line, "starina-apps 1 %16s", nonce) == 1) {
		must(strlen(nonce) == 16);
		return;
	}
	must(sscanf(line, "ok %u ", &id) == 1 || sscanf(line, "error %u ", &id) == 1);
	must(at_random || (id <= asked && id > answered));
	answered = id;
}

static void port_read(void)
{
	char line[MESSAGE_MAX_DATA + 1];
	struct payload payload;
	handle_t handle;
	struct message m;

	while (fake_take(port, &m, &handle)) {
		must(handle == HANDLE_NONE && m.type == MSG_DATA);
		must(payload_open(&m, &payload) == 0 && payload.bytes.len > 1);
		memcpy(line, payload.bytes.data, payload.bytes.len);
		must(line[payload.bytes.len - 1] == '\n');
		line[payload.bytes.len - 1] = '\0';
		must(strchr(line, '\n') == NULL);
		line_check(line);
	}
}

static void host_say(const void *bytes, size_t len)
{
	struct message m;

	if (port != HANDLE_NONE && len > 0 && payload_make(&m, bytes, len) == 0)
		fake_send(port, &m);
}

static void host_ask(uint8_t how, const uint8_t *data, size_t len)
{
	char head[PUSH_LINE_MAX];
	size_t size = (how & 16) != 0 ? 5000 : len;

	if ((how & 1) != 0) {
		fmt_write(head, sizeof(head), "\nsync %s\n", nonce);
		host_say(head, strlen(head));
	}
	fmt_write(head, sizeof(head), "%s %u %zu\n", (how & 2) != 0 ? "start" : "replace", ++asked,
	          (how & 4) != 0 ? size + 3 : size);
	host_say(head, strlen(head));
	host_say(data, len);
	for (size_t i = len; (how & 8) == 0 && i < size; i += 100)
		host_say(
			"0123456789012345678901234567890123456789012345678901234567890123456789012345678"
			"901234567890123456789",
			size - i < 100 ? size - i : 100);
}

// --- The app manager ---

static void manager_take(void)
{
	struct msg_apps_load load;
	struct folio_info info;
	const uint8_t *tail;
	handle_t file;
	struct message m;
	size_t len;

	if (manager == HANDLE_NONE)
		manager = fake_provider_accept(apps);
	while (fake_take(manager, &m, &file)) {
		must(file != HANDLE_NONE && message_decode_apps_load(&m, &load, &tail, &len) == 0);
		must(folio_info(file, &info) == 0 && load.size > 0 && load.size <= info.size);
		manager_id = load.id;
		fake_close(&file);
	}
}

static void manager_answer(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_apps_result result = {
		.id = (how & 4) != 0 ? how : manager_id,
		.error = (how & 1) != 0 ? ERR_INVALID : 0,
	};
	struct message m;

	if (manager == HANDLE_NONE)
		return;
	if (len > APPS_TEXT_MAX)
		len = APPS_TEXT_MAX;
	must(message_encode_apps_result(&m, &result, data, len) == 0);
	if ((how & 0xc0) == 0xc0)
		m.type = how % 128u;
	fake_send(manager, &m);
}

static void turn(void)
{
	fake_loop_settle(&push.loop);
	port_serve();
	fake_loop_settle(&push.loop);
	port_read();
	manager_take();
}

// --- Steps ---

enum { ASK, SAY, END, PORT_CLOSE, ANSWER, MANAGER_CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case ASK: host_ask(how, data, len); break;
	case SAY:
		at_random = true;
		host_say(data, len);
		break;
	case END:
		at_random |= how >= 128;
		fake_say(port, how < 128 ? MSG_END : how % 32u, data, len,
		         fake_cargo((how & 64) != 0, (how & 32) != 0), 4096);
		break;
	case PORT_CLOSE: fake_close(&port); break;
	case ANSWER: manager_answer(how, data, len); break;
	case MANAGER_CLOSE: fake_close(&manager); break;
	default: fake_memory_fail(how); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0)
		return 0;
	begin();
	turn();
	fake_steps(data, size, NUM_STEPS, step, turn);
	return 0;
}
