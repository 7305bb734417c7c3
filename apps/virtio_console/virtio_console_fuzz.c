// SPDX-License-Identifier: MIT
//
// The console driver between a hostile device, its control messages included, and hostile clients,
// over libs/virtio/mmio_fake.c. An input is a byte of features and a list of steps: what, how, a
// length, and so many bytes. A driver that gives up on its device ends the input.
#include <stdlib.h>

#include "apps/virtio_console/main.c"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"
#include "libs/virtio/mmio_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 3u

static handle_t service, session, clients[CLIENTS];

static void control(uint32_t id, uint16_t event, uint16_t value, const uint8_t *name, size_t len)
{
	uint8_t bytes[CONTROL_RX_BYTES];

	memcpy(bytes, &id, 4);
	memcpy(bytes + 4, &event, 2);
	memcpy(bytes + 6, &value, 2);
	if (len > sizeof(bytes) - 8)
		len = sizeof(bytes) - 8;
	if (len > 0)
		memcpy(bytes + 8, name, len);
	(void)fake_virtio_use(VIRTIO_CONSOLE_QUEUE_CONTROL_RX, bytes, 8 + len, 8 + len, 0);
}

static void begin(uint8_t features)
{
	static struct env_entry entry;

	fake_reset();
	fake_virtio_reset();
	memset(&console, 0, sizeof(console));
	memset(clients, 0, sizeof(clients));
	fake_virtio = (struct fake_virtio){ .num_queues = 12, .config = { [4] = 5 } };
	fake_virtio.features = (features & 1 ? VIRTIO_F_EVENT_IDX : 0) | VIRTIO_CONSOLE_F_MULTIPORT;
	service = fake_service_create();
	entry = (struct env_entry){ .kind = ENV_DEVICE, .interrupt = fake_interrupt_create() };
	if (loop_init(&console.loop) != 0 || console_start(&entry) != 0 ||
	    session_init(&console, service) != 0)
		abort();
	control_poll(&console);
	control_send(&console, NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (uint8_t i = 0; i < 3; i++) {
		const uint8_t name[] = { (uint8_t)('a' + i) };

		control(i, VIRTIO_CONSOLE_DEVICE_ADD, 1, NULL, 0);
		control(i, VIRTIO_CONSOLE_PORT_NAME, 1, name, 1);
		control(i, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	}
	session = fake_client_connect(service);
	fake_loop_settle(&console.loop);
}

static void say(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	fake_say(end,
	         (how & 128) != 0          ? how % 64u
	                 : (how & 16) != 0 ? MSG_END
	                                   : MSG_DATA,
	         data, len, fake_cargo((how & 64) != 0, (how & 32) == 0), 8192);
}

static void open_port(uint8_t how)
{
	char uri[] = "console:a";

	uri[8] = (char)('a' + how % 5);
	if (session == HANDLE_NONE)
		session = fake_client_connect(service);
	if (session != HANDLE_NONE)
		(void)open_send(session, how, uri);
}

enum { OPEN, SAY, CONTROL, USE, TAKE, CLOSE, TIME, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = how % 4 == 3 ? &session : &clients[how % 4];

	switch (what) {
	case OPEN: open_port(how); break;
	case SAY: say(*end, how, data, len); break;
	case CONTROL: control(how % 8, (uint16_t)(how >> 5), (how >> 3) & 1, data, len); break;
	case USE:
		(void)fake_virtio_use(how % 12, data, len, len > 200 ? 5000 : len,
		                      (how & 0xe0) == 0xe0 ? how >> 1 : 0);
		break;
	case TAKE: fake_take_all(*end, clients, CLIENTS); break;
	case CLOSE: fake_close(end); break;
	case TIME: fake_time_pass((nsec_t)how * 10 * NSEC_PER_MSEC); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&console.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || setjmp(fake_exit) != 0)
		return 0;
	begin(data[0]);
	fake_steps(data + 1, size - 1, NUM_STEPS, step, turn);
	return 0;
}
