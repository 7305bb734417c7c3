// SPDX-License-Identifier: MIT
//
// hostctl between apps that ask anything and a host that says anything on its port. An input is a
// list of steps: what, how, a length, and so many bytes. At the end everybody leaves, and nothing
// may be left.
#include <stdlib.h>

#include "apps/hostctl/main.c"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

error_t system_power_off(handle_t system, int code)
{
	(void)system;
	(void)code;
	return ERR_ACCESS;
}

error_t clock_set(handle_t system, nsec_t wall)
{
	(void)system;
	(void)wall;
	return 0;
}

#define APPS 3u

static handle_t service, apps[APPS], console, port;

static void begin(void)
{
	fake_reset();
	memset(&hostctl, 0, sizeof(hostctl));
	memset(apps, 0, sizeof(apps));
	console = port = HANDLE_NONE;
	service = fake_service_create();
	hostctl.console = fake_connector_create();
	if (loop_init(&hostctl.loop) != 0 || clients_init(&hostctl, service) != 0)
		abort();
	port_open(&hostctl);
	fake_loop_settle(&hostctl.loop);
}

// The console's driver answers an open request; it never refuses what was there once.
static void console_answers(void)
{
	if (fake_provider_asked(hostctl.console, &console) && port == HANDLE_NONE)
		(void)fake_provider_opens(console, &port);
}

// A message of "host", mostly one that fits.
static void app_asks(handle_t app, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_host_publish publish = { .id = how, .protocol = how & 4 ? HOST_TCP : HOST_UDP };
	struct msg_host_bind bind = { .id = how, .offset = how & 8, .length = 20 };
	uint8_t bytes[MESSAGE_MAX_DATA] = { 0 };
	uint32_t type = MSG_HOST_PUBLISH + how % 5u;

	if (len > 100)
		len = 100;
	if (len > 0)
		memcpy(bytes + sizeof(bind), data, len);
	if (type == MSG_HOST_PUBLISH)
		memcpy(bytes, &publish, sizeof(publish));
	else if (type == MSG_HOST_BIND)
		memcpy(bytes, &bind, sizeof(bind));
	else
		memcpy(bytes, data, len < 8 ? len : 8);
	fake_say(app, (how & 128) != 0 && len > 0 ? data[0] : type, bytes, sizeof(bind) + len,
	         fake_cargo((how & 16) != 0, (how & 32) != 0), 4096);
}

static void host_says(const char *line, size_t len)
{
	struct msg_data piece = { .length = (uint32_t)len };
	struct message m;

	if (len > MSG_DATA_INLINE_MAX || len == 0)
		return;
	if (message_encode_data(&m, &piece, line, len) == 0)
		fake_send(port, &m);
	fake_loop_settle(&hostctl.loop);
}

// What the host says when it keeps to the protocol.
static void host_answers(uint8_t how)
{
	char line[64];
	const char *format = how % 4 == 0 ? "\nsync %s\n"
		: how % 4 == 1            ? "ok %u 8080\n"
		: how % 4 == 2            ? "error %u it is not possible\n"
		: how >= 128              ? "time %u\n"
					  : "stop\n";

	if (how % 4 == 0)
		fmt_write(line, sizeof(line), "\nsync %s\n", hostctl.nonce);
	else
		fmt_write(line, sizeof(line), format, (unsigned)(how >> 2));
	host_says(line, strlen(line));
}

enum { CONNECT, ASK, MANY, ANSWER, HOST, NOISE, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *app = &apps[how % APPS];

	switch (what) {
	case CONNECT:
		if (*app == HANDLE_NONE)
			*app = fake_client_connect(service);
		break;
	case ASK: app_asks(*app, (uint8_t)(how / APPS), data, len); break;
	case MANY:
		for (unsigned i = 0; i < 20; i++)
			app_asks(*app, 4, data, len);
		break;
	case ANSWER: console_answers(); break;
	case HOST: host_answers(how); break;
	case NOISE: host_says((const char *)data, len); break;
	case TAKE: fake_take_all(how % 8 == 7 ? port : *app, NULL, 0); break;
	case CLOSE: fake_close(how % 8 == 7 ? &port : how % 8 == 6 ? &console : app); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&hostctl.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0)
		return 0;
	begin();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	for (unsigned i = 0; i < APPS; i++)
		fake_close(&apps[i]);
	turn();
	// Binds that the host has not answered keep their paths.
	for (uint32_t i = 0; i < ENGINE_HOST_REQUESTS; i++)
		if (hostctl.calls[i].id != 0)
			clients_answer(&hostctl, hostctl.calls[i].id, 0, (struct span){ 0 }, false);
	if (hostctl.num_clients != 0 || fake_num_allocated() != 0)
		abort();
	return 0;
}
