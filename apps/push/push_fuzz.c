// SPDX-License-Identifier: MIT
//
// The app push between a host that says anything on its port and an app manager that answers
// anything. What the host brings in order must reach the manager as it was. At the end everybody
// leaves, and nothing may be left.
#include <stdlib.h>

#include "apps/push/main.c"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 20000u

static handle_t apps, console, port, manager;

// What the host asked for last. Byte `i` of the file is `id` plus i.
static struct {
	uint32_t id;
	uint32_t size;
	uint32_t sent;
} file;
// The app reads what the host says as the host means it.
static bool in_order;

// What the app sent to the manager, or tried to, by the message's id.
#define LOADS 256u
static struct {
	uint32_t load_id;  // 0: nothing
	uint32_t id;
	uint32_t size;
	bool in_order;
} loads[LOADS];

// Memory ran out, or there is no port.
static bool may_exit;

static void begin(void)
{
	fake_reset();
	memset(&push, 0, sizeof(push));
	memset(&file, 0, sizeof(file));
	memset(loads, 0, sizeof(loads));
	in_order = may_exit = false;
	console = port = manager = HANDLE_NONE;
	push.console = fake_connector_create();
	apps = fake_connector_create();
	if (loop_init(&push.loop) != 0 ||
	    service_client_start(&push.loop, &push.client, apps, manager_connected, NULL) != 0)
		abort();
	port_open();
	fake_loop_settle(&push.loop);
}

static void console_answers(bool refuses)
{
	if (!fake_provider_asked(push.console, &console))
		return;
	if (refuses) {
		may_exit = true;
		error_send(console, 1, ERR_NOT_FOUND, "there is no such port");
	} else if (port == HANDLE_NONE) {
		(void)fake_provider_opens(console, &port);
	}
}

// --- The host ------------------------------------------------------------------------------------

// What a break of the app's means, and what it has just sent.
static void app_seen(void)
{
	unsigned i;

	fake_loop_settle(&push.loop);
	// An app that breaks off waits for a sync.
	in_order = in_order && push.input.synced;
	i = push.sent_id % LOADS;
	if (loads[i].load_id == push.sent_id)
		return;
	if (in_order && file.sent != file.size)
		abort();
	loads[i].load_id = push.sent_id;
	loads[i].id = file.id;
	loads[i].size = file.size;
	loads[i].in_order = in_order;
}

static bool host_says(const void *bytes, size_t len)
{
	struct message m;

	if (port == HANDLE_NONE || len == 0 || payload_make(&m, bytes, len) != 0)
		return false;
	fake_send(port, &m);
	return true;
}

static void host_syncs(void)
{
	bool was_synced = push.input.synced;
	char line[64];

	fmt_write(line, sizeof(line), "\nsync %s\n", push.input.nonce);
	if (!host_says(line, strlen(line)))
		return;
	fake_loop_settle(&push.loop);
	file.sent = file.size = 0;
	// One who waits for no sync reads it as a broken request, or as part of a file.
	in_order = !was_synced && push.input.synced;
}

static void host_asks(uint8_t how, const uint8_t *data, size_t len)
{
	uint32_t size = len < 2 ? how : (data[0] * 256u + data[1]) % FILE_MAX;
	char line[64];

	fmt_write(line, sizeof(line), "%s %u %u\n", how & 1 ? "start" : "replace", (unsigned)how,
	          (unsigned)size);
	if (!host_says(line, strlen(line)))
		return;
	in_order = in_order && file.sent == file.size;
	file.id = how;
	file.sent = 0;
	file.size = size;
}

// The next bytes of the file, in one piece.
static void host_brings(uint8_t how)
{
	uint32_t left = file.size - file.sent, len = (how + 1u) * 100;
	uint8_t bytes[FILE_MAX];

	if (len > left)
		len = left;
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(file.id + file.sent + i);
	if (host_says(bytes, len))
		file.sent += len;
}

static void host_ends(void)
{
	struct message m;

	in_order = false;
	if (message_encode_end(&m, &(struct msg_end){ 0 }, NULL, 0) == 0)
		fake_send(port, &m);
}

// --- The manager ---------------------------------------------------------------------------------

static void load_check(const struct msg_apps_load *load, struct span bytes)
{
	unsigned i = load->id % LOADS;
	uint32_t flags = APPS_LOAD_START | (loads[i].id & 1 ? 0 : APPS_LOAD_REPLACE);

	if (loads[i].load_id != load->id)
		abort();
	if (!loads[i].in_order)
		return;
	if (load->size != loads[i].size || load->flags != flags)
		abort();
	for (size_t k = 0; k < bytes.len; k++)
		if (bytes.data[k] != (uint8_t)(loads[i].id + k))
			abort();
}

static void manager_takes(void)
{
	struct msg_apps_load load;
	struct payload payload;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (manager == HANDLE_NONE)
		manager = fake_provider_accept(apps);
	if (manager == HANDLE_NONE || channel_recv(manager, &m) != 0)
		return;
	if (message_decode_apps_load(&m, &load, &tail, &tail_len) != 0 || m.num_handles != 1 ||
	    load.size == 0 || load.size > APP_FILE_MAX)
		abort();
	if (payload_open_folio(m.handles[0], 0, (uint32_t)load.size, &payload) != 0)
		return;
	// Of older ones nothing is known any more.
	if (push.sent_id - load.id < LOADS)
		load_check(&load, payload.bytes);
	payload_release(&payload);
}

static void manager_answers(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_apps_result result = { .id = push.sent_id + how % 3 / 2,
		                          .error = how & 4 ? ERR_INVALID : 0 };
	struct message m;

	if (len > APPS_TEXT_MAX)
		len = APPS_TEXT_MAX;
	if (message_encode_apps_result(&m, &result, data, len) == 0)
		fake_send(manager, &m);
}

enum { CONSOLE, SYNC, ASK, BRING, NOISE, END, LOAD, RESULT, SAY, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *ends[] = { &console, &port, &manager };

	switch (what) {
	case CONSOLE: console_answers(how == 255); break;
	case SYNC: host_syncs(); break;
	case ASK: host_asks(how, data, len); break;
	case BRING: host_brings(how); break;
	case NOISE: in_order = in_order && !host_says(data, len); break;
	case END: host_ends(); break;
	case LOAD: manager_takes(); break;
	case RESULT: manager_answers(how, data, len); break;
	case SAY:
		fake_say(*ends[how % 3], MSG_APPS_LOAD + how / 3 % 16, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), 4096);
		in_order = in_order && how % 3 != 1;
		may_exit = may_exit || how % 3 == 0;
		break;
	case TAKE: fake_take_all(*ends[how % 3], NULL, 0); break;
	case CLOSE: fake_close(ends[how % 3]); break;
	default:
		may_exit = may_exit || how > 0;
		fake_memory_fail(how);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles;

	if (setjmp(fake_exit) != 0) {
		if (!may_exit)
			abort();
		return 0;
	}
	begin();
	handles = fake_num_handles();
	fake_steps(data, size, NUM_STEPS, step, app_seen);
	fake_memory_fail(0);
	fake_close(&port);
	// What was sent to a manager that had not come yet.
	if (manager == HANDLE_NONE)
		manager = fake_provider_accept(apps);
	fake_close(&manager);
	fake_close(&console);
	app_seen();
	if (push.folio != HANDLE_NONE || push.state != REQUEST_NONE || fake_num_allocated() != 0 ||
	    fake_num_handles() != handles)
		abort();
	return 0;
}
