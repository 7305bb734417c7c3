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

// The file that the host brings: byte `i` is the first one plus i.
static struct {
	uint32_t id;
	uint32_t size;
	uint32_t sent;
} file;
// The host has kept to the protocol so far.
static bool in_order;

static void begin(void)
{
	fake_reset();
	memset(&push, 0, sizeof(push));
	memset(&file, 0, sizeof(file));
	in_order = true;
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
	handle_t ends[2], none;
	struct message m;

	if (console == HANDLE_NONE)
		console = fake_provider_accept(push.console);
	if (console == HANDLE_NONE || !fake_take(console, &m, &none))
		return;
	if (none != HANDLE_NONE)
		handle_close(none);
	if (refuses) {
		error_send(console, 1, ERR_NOT_FOUND, "there is no such port");
		return;
	}
	if (port != HANDLE_NONE || channel_create(ends) != 0)
		return;
	if (open_reply_send(console, 1, ends[1]) != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return;
	}
	port = ends[0];
}

// --- The host ------------------------------------------------------------------------------------

static bool host_says(const void *bytes, size_t len)
{
	struct message m;

	if (port == HANDLE_NONE || len == 0 || payload_make(&m, bytes, len) != 0)
		return false;
	fake_send(port, &m);
	fake_loop_settle(&push.loop);
	return true;
}

static void host_syncs(void)
{
	char line[64];

	fmt_write(line, sizeof(line), "\nsync %s\n", push.input.nonce);
	in_order = in_order && file.sent == file.size;
	(void)host_says(line, strlen(line));
}

static void host_asks(uint8_t how, const uint8_t *data, size_t len)
{
	char line[64];

	in_order = in_order && file.sent == file.size;
	file.id = how;
	file.sent = 0;
	file.size = len < 2 ? how : (data[0] * 256u + data[1]) % FILE_MAX;
	fmt_write(line, sizeof(line), "%s %u %u\n", how & 1 ? "start" : "replace",
	          (unsigned)file.id, (unsigned)file.size);
	if (!host_says(line, strlen(line)))
		file.size = 0;
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
	m.num_handles = 0;
	if (payload_open_folio(m.handles[0], 0, (uint32_t)load.size, &payload) != 0)
		return;
	for (size_t i = 0; in_order && i < payload.bytes.len; i++)
		if (payload.bytes.data[i] != (uint8_t)(payload.bytes.data[0] + i))
			abort();
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
	case NOISE:
		in_order = false;
		(void)host_says(data, len);
		break;
	case END: host_ends(); break;
	case LOAD: manager_takes(); break;
	case RESULT: manager_answers(how, data, len); break;
	case SAY:
		fake_say(*ends[how % 3], MSG_APPS_LOAD + how / 3 % 16, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), 4096);
		in_order = false;
		break;
	case TAKE: fake_take_all(*ends[how % 3], NULL, 0); break;
	case CLOSE:
		fake_close(ends[how % 3]);
		if (how % 3 == 1)
			file.sent = file.size = 0;
		break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&push.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0)
		return 0;
	begin();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	fake_close(&port);
	fake_close(&manager);
	fake_close(&console);
	turn();
	if (push.folio != HANDLE_NONE || push.state != REQUEST_NONE || fake_num_allocated() != 0)
		abort();
	return 0;
}
