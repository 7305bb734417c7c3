// SPDX-License-Identifier: MIT
//
// What a machine lacks ends a run with a reason; without linuxrun.poweroff nobody waits for an end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/linux/run/container_fake.h"
#include "libs/base/fmt.h"
#include "libs/starina/clients_fake.h"

// What the app waits in: the test turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/linuxrun/main.c"
#undef loop_run

static handle_t console, blkdev, control;
static bool is_off;
static char told[512];

error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	*out = (struct system_info){ .free_pages = 1u << 20, .has_hypervisor = 1 };
	return 0;
}

error_t system_power_off(handle_t system, int status)
{
	(void)system;
	assert_int_equal(status, 0);
	is_off = true;
	return 0;
}

// `services`: whether there is a console, and a service of disks, which has none.
static void begin(const char *power_off, bool services)
{
	static struct environ env;
	handle_t system;

	fake_reset();
	container_fake_reset(1);
	memset(&linuxrun_state, 0, sizeof(linuxrun_state));
	is_off = false;
	told[0] = '\0';
	control = HANDLE_NONE;
	console = services ? fake_connector_create() : HANDLE_NONE;
	blkdev = services ? fake_connector_create() : HANDLE_NONE;
	system = fake_service_create();
	env = (struct environ){
		.num_entries = 10,
		.entries = { { .kind = ENV_CONNECTOR, .name = "console", .handle = console },
		             { .kind = ENV_CONNECTOR, .name = "blkdev", .handle = blkdev },
		             { .kind = ENV_SYSTEM, .handle = system },
		             { .kind = ENV_CONFIG, .name = "memory", .value = "128M" },
		             { .kind = ENV_CONFIG, .name = "cpus", .value = "1" },
		             { .kind = ENV_CONFIG, .name = "log", .value = "0" },
		             { .kind = ENV_CONFIG, .name = "disk", .value = "0" },
		             { .kind = ENV_CONFIG, .name = "network", .value = "1" },
		             { .kind = ENV_CONFIG, .name = "address", .value = "0.0.0.0" },
		             { .kind = ENV_CONFIG, .name = "poweroff" } }
	};
	str_copy(env.entries[9].value, power_off, sizeof(env.entries[9].value));
	linuxrun_main(&env);
}

// What the host is told on the control port.
static void read_control(void)
{
	size_t len = strlen(told);
	struct payload payload;
	struct message m;

	while (control != HANDLE_NONE && channel_recv(control, &m) == 0) {
		assert_int_equal(payload_open(&m, &payload), 0);
		len += fmt_write(told + len, sizeof(told) - len, "%.*s", (int)payload.bytes.len,
		                 (const char *)payload.bytes.data);
		payload_release(&payload);
	}
}

// Opens a port.
static void open_port(handle_t session, const struct message *m)
{
	struct msg_open open;
	const uint8_t *tail;
	handle_t ends[2];
	size_t len;

	assert_int_equal(message_decode_open(m, &open, &tail, &len), 0);
	assert_int_equal(channel_create(ends), 0);
	assert_int_equal(open_reply_send(session, open.id, ends[1]), 0);
	if (len == strlen("console:" CONSOLE_PORT_CONTROL) &&
	    memcmp(tail, "console:" CONSOLE_PORT_CONTROL, len) == 0) {
		fake_close(&control);
		control = ends[0];
	}
}

// Each port is opened; no disk is there.
static void serve(void)
{
	handle_t session, none;
	struct message m;

	for (size_t i = 0; i < 20; i++) {
		fake_loop_settle(&linuxrun_state.loop);
		read_control();
		session = fake_provider_accept(console);
		if (fake_take(session, &m, &none))
			open_port(session, &m);
		session = fake_provider_accept(blkdev);
		if (fake_take(session, &m, &none))
			error_send(session, 1, ERR_NOT_FOUND, "there is no such disk");
	}
}

static void test_no_boot_disk(void **state)
{
	(void)state;
	begin("1", true);
	serve();
	assert_true(linuxrun_state.ended);
	assert_int_equal(linuxrun_state.status, 125);
	assert_non_null(strstr(told, "error there is no boot disk"));
	assert_non_null(strstr(told, "exit 125"));
	assert_true(is_off);
}

// A system that is used for something else goes on.
static void test_nobody_waits(void **state)
{
	(void)state;
	begin("0", true);
	serve();
	assert_false(linuxrun_state.ended);
	begin("0", false);
	fake_loop_settle(&linuxrun_state.loop);
	assert_false(linuxrun_state.ended);
}

static void test_no_services(void **state)
{
	(void)state;
	begin("1", false);
	fake_loop_settle(&linuxrun_state.loop);
	assert_true(linuxrun_state.ended);
	assert_true(is_off);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_boot_disk),
		cmocka_unit_test(test_nobody_waits),
		cmocka_unit_test(test_no_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
