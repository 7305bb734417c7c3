// SPDX-License-Identifier: MIT
//
// linuxrun between a host, whose console and disk drivers answer anything and die, and a container
// that begins, says and ends when it likes (container_fake.h). At most one exit status is told, and
// nothing after it. An input is a list of steps.
#include <stdlib.h>

#include "libs/linux/run/container_fake.h"
#include "libs/boot_files/boot_disk_fake.h"
#include "libs/starina/clients_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/linuxrun/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 8u
#define PORTS 4u

static handle_t console, blkdev;
static handle_t sessions[SESSIONS], disks[PORTS];
// The host's ends: stdin, stdout, stderr, control.
static handle_t ports[PORTS];
static bool is_off;

error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	*out = (struct system_info){ .free_pages = 1u << 20, .has_hypervisor = 1 };
	return 0;
}

error_t system_power_off(handle_t system, int status)
{
	(void)system;
	if (is_off || status != 0)
		abort();
	is_off = true;
	return 0;
}

static void begin(uint8_t how)
{
	static struct environ env;

	fake_reset();
	container_fake_reset(1);
	boot_driver_begin(HANDLE_NONE);
	boot_archive_clear();
	memset(&linuxrun_state, 0, sizeof(linuxrun_state));
	memset(sessions, 0, sizeof(sessions));
	memset(disks, 0, sizeof(disks));
	memset(ports, 0, sizeof(ports));
	is_off = false;
	env = (struct environ){ .num_entries = 12,
		                .entries = {
					{ .kind = ENV_CONNECTOR, .name = "console" },
					{ .kind = ENV_CONNECTOR, .name = "blkdev" },
					{ .kind = ENV_CONNECTOR, .name = "vmnet" },
					{ .kind = ENV_SYSTEM },
					{ .kind = ENV_CONFIG, .name = "memory", .value = "128M" },
					{ .kind = ENV_CONFIG, .name = "cpus", .value = "1" },
					{ .kind = ENV_CONFIG, .name = "poweroff", .value = "1" },
					{ .kind = ENV_CONFIG, .name = "log", .value = "0" },
					{ .kind = ENV_CONFIG, .name = "disk", .value = "0" },
					{ .kind = ENV_CONFIG, .name = "network", .value = "1" },
					{ .kind = ENV_CONNECTOR, .name = "files" },
					{ .kind = ENV_CONFIG, .name = "files", .value = "0" } } };
	env.entries[env.num_entries++] =
		(struct env_entry){ .kind = ENV_CONFIG, .name = "address", .value = "10.0.2.100" };
	if ((how & 1) != 0)
		env.entries[8].value[0] = '1';
	env.entries[0].handle = console = fake_connector_create();
	env.entries[1].handle = blkdev = fake_connector_create();
	env.entries[2].handle = fake_connector_create();
	env.entries[3].handle = fake_service_create();
	env.entries[10].handle = fake_connector_create();
	if ((how & 2) != 0)
		env.entries[11].value[0] = '1';
	linuxrun_main(&env);
}

// --- The drivers ---

static bool ends_with(const uint8_t *uri, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len >= n && memcmp(uri + len - n, name, n) == 0;
}

// Where the driver keeps its end of what was opened.
static handle_t *place_of(const uint8_t *uri, size_t len)
{
	static const char *const names[PORTS] = { CONSOLE_PORT_STDIN, CONSOLE_PORT_STDOUT,
		                                  CONSOLE_PORT_STDERR, CONSOLE_PORT_CONTROL };
	static const char *const serials[] = { "blk:root", "blk:writable" };

	for (size_t i = 0; i < PORTS; i++) {
		if (ends_with(uri, len, names[i]))
			return &ports[i];
	}
	for (size_t i = 0; i < 2; i++) {
		if (ends_with(uri, len, serials[i]))
			return &disks[i];
	}
	return NULL;
}

static void open_object(handle_t session, uint32_t id, const uint8_t *uri, size_t len)
{
	handle_t *place = place_of(uri, len), ends[2];

	if (channel_create(ends) != 0) {
		error_send(session, id, ERR_NO_MEMORY, "no memory");
		return;
	}
	if (open_reply_send(session, id, ends[0]) != 0)
		handle_close(ends[0]);
	if (place != NULL) {
		fake_close(place);
		*place = ends[1];
	} else {
		boot_driver_die();
		boot_driver_begin(ends[1]);
	}
}

// A driver takes what is asked of it: opens it, or says no, by `how`.
static void serve(handle_t session, uint8_t how)
{
	struct msg_open open;
	const uint8_t *tail;
	struct message m;
	handle_t handle;
	size_t len;

	while (fake_take(session, &m, &handle)) {
		fake_close(&handle);
		if (message_decode_open(&m, &open, &tail, &len) != 0)
			abort();
		if ((how & 0xe0) == 0xe0)
			error_send(session, open.id, (how & 1) != 0 ? ERR_EXISTS : ERR_NOT_FOUND,
			           "no");
		else
			open_object(session, open.id, tail, len);
	}
}

static void accept_all(void)
{
	for (size_t i = 0; i < SESSIONS; i++) {
		if (sessions[i] == HANDLE_NONE)
			sessions[i] = fake_provider_accept(console);
		if (sessions[i] == HANDLE_NONE)
			sessions[i] = fake_provider_accept(blkdev);
	}
}

// --- The host ---

// What is told on the control port ends with the status.
static void read_control(void)
{
	static uint32_t exits;
	struct payload payload;
	struct message m;
	handle_t folio;

	if (!linuxrun_state.ended)
		exits = 0;
	while (fake_take(ports[3], &m, &folio)) {
		if (m.num_handles > 0)
			m.num_handles = 1;
		if (m.type != MSG_DATA || payload_open(&m, &payload) != 0)
			abort();
		if (payload.bytes.len > 5 && memcmp(payload.bytes.data, "exit ", 5) == 0)
			exits++;
		payload_release(&payload);
		if (exits > 1)
			abort();
	}
}

static void say_line(uint8_t how, const uint8_t *data, size_t len)
{
	static const char *const lines[] = { "stdin-open\n", "stdin-eof 3\n",  "signal 15\n",
		                             "signal 9\n",   "resize 24 80\n", "stdin-eof 0\n" };
	const char *line = lines[how % 6];
	struct message m;

	if (payload_make(&m, (how & 128) != 0 ? (const char *)data : line,
	                 (how & 128) != 0 ? len : strlen(line)) == 0)
		fake_send(ports[3], &m);
}

static void turn(void)
{
	fake_loop_settle(&linuxrun_state.loop);
	accept_all();
	boot_driver_take();
	read_control();
}

// All answers that are right, until the container is there.
static void boot(void)
{
	static const uint8_t bytes[] = { 40 };

	for (uint8_t i = 0; i < 4; i++)
		boot_archive_add(i, bytes, 1);
	for (int i = 0; i < 10; i++) {
		for (size_t k = 0; k < SESSIONS; k++)
			serve(sessions[k], 0);
		if (i == 2)
			boot_driver_say_info(3);
		turn();
		boot_driver_answer(0);
	}
}

// --- Steps ---

enum {
	SERVE,
	LINE,
	STDIN,
	SAY,
	READ,
	CLOSE,
	ENTRY,
	INFO,
	ANSWER,
	CONTAINER,
	MEMORY,
	TIME,
	BOOT,
	NUM_STEPS
};

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *ends[] = { &ports[how % PORTS], &sessions[how % SESSIONS], &disks[how % 2] };
	struct message m;

	switch (what) {
	case SERVE:
		for (size_t i = 0; i < SESSIONS; i++)
			serve(sessions[i], how);
		break;
	case LINE: say_line(how, data, len); break;
	case STDIN:
		if (payload_make(&m, data, len) == 0)
			fake_send(ports[0], &m);
		break;
	case SAY:
		fake_say(*ends[len % 3], (how & 128) != 0 ? how % 64u : MSG_DATA, data, len,
		         fake_cargo((how & 64) != 0, (how & 32) == 0), 8192);
		break;
	case READ: fake_take_all(ports[1 + how % 2], NULL, 0); break;
	case CLOSE:
		if ((how & 0xc0) == 0xc0)
			boot_driver_die();
		else
			fake_close(ends[(how >> 4) % 3]);
		break;
	case ENTRY: boot_archive_add(how, data, len); break;
	case INFO: boot_driver_say_info(how); break;
	case ANSWER: boot_driver_answer(how); break;
	case CONTAINER: container_fake_does(0, how, data, len); break;
	case BOOT: boot(); break;
	case TIME: fake_time_pass((nsec_t)how * 100 * NSEC_PER_MSEC); break;
	default: fake_memory_fail(how); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || setjmp(fake_exit) != 0)
		return 0;
	begin(data[0]);
	turn();
	fake_steps(data + 1, size - 1, NUM_STEPS, step, turn);
	return 0;
}
