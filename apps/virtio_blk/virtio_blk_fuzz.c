// SPDX-License-Identifier: MIT
//
// The disk driver between a hostile device and hostile clients, over libs/virtio/mmio_fake.c. An
// input is a byte of features and a list of steps: what, how, a length, and so many bytes. A driver
// that gives up on its device ends the input.
#include <stdlib.h>

#include "apps/virtio_blk/main.c"
#include "libs/starina/system_fake.h"
#include "libs/virtio/mmio_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTORS 100u
#define CLIENTS 3u

static handle_t service, session, clients[CLIENTS];

// While the driver asks for the serial.
static void identify(void)
{
	(void)fake_virtio_use(0, (const uint8_t *)"root", 5, 20, 0);
	(void)fake_virtio_use(0, NULL, 0, 0, 0);
}

static void begin(uint8_t features)
{
	static struct env_entry entry;

	fake_reset();
	fake_virtio_reset();
	memset(&blk, 0, sizeof(blk));
	memset(clients, 0, sizeof(clients));
	fake_virtio = (struct fake_virtio){ .num_queues = 1, .config = { SECTORS } };
	fake_virtio.features = (features & 1 ? VIRTIO_F_EVENT_IDX : 0) |
		(features & 2 ? VIRTIO_BLK_F_RO : 0) | VIRTIO_BLK_F_FLUSH;
	fake_while_waiting = identify;
	service = fake_service_create();
	entry = (struct env_entry){ .kind = ENV_DEVICE, .interrupt = fake_interrupt_create() };
	if (loop_init(&blk.loop) != 0 || disk_start(&blk, &blk.disks[0], &entry, 0) != 0 ||
	    service_listen(&blk.loop, &blk.listener, service, session_accepted, NULL) != 0)
		abort();
	blk.num_disks = 1;
	session = fake_client_connect(service);
	fake_loop_settle(&blk.loop);
}

static void take(handle_t end)
{
	struct message m;
	handle_t handle;

	while (end != HANDLE_NONE && fake_take(end, &m, &handle)) {
		for (size_t i = 0; i < CLIENTS && handle != HANDLE_NONE && m.type == MSG_OPEN_REPLY;
		     i++) {
			if (clients[i] == HANDLE_NONE) {
				clients[i] = handle;
				handle = HANDLE_NONE;
			}
		}
		if (handle != HANDLE_NONE)
			handle_close(handle);
	}
}

static void say(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	struct message m;

	if (end == HANDLE_NONE)
		return;
	message_init(&m, (how & 128) != 0 ? how % 64u : 48u + how % 8u);
	m.len = (uint16_t)(len < MESSAGE_MAX_DATA ? len : MESSAGE_MAX_DATA);
	memset(m.data, 0, sizeof(m.data));
	memcpy(m.data, data, m.len);
	if ((how & 64) != 0 &&
	    ((how & 32) != 0 ? event_create(&m.handles[0])
	                     : folio_create(16384, FOLIO_CONTIGUOUS, &m.handles[0])) == 0)
		m.num_handles = 1;
	fake_send(end, &m);
}

// A request that fits, or nearly: where, how much, and where in the folio.
static void say_request(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_blkdev_request request = { .id = how,
		                              .sector = len > 0 ? data[0] : 0,
		                              .length = (len > 1 ? data[1] : 1u) * 512u,
		                              .offset = len > 2 ? data[2] * 512u : 0 };
	struct message m;

	if (end == HANDLE_NONE)
		return;
	message_init(&m, 48u + how % 8u);
	m.len = sizeof(request);
	memcpy(m.data, &request, sizeof(request));
	if (folio_create(16384, FOLIO_CONTIGUOUS, &m.handles[0]) == 0)
		m.num_handles = 1;
	fake_send(end, &m);
}

enum step { OPEN, SAY, REQUEST, USE, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(enum step what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = how % 4 == 3 ? &session : &clients[how % 4];

	switch (what) {
	case OPEN:
		if (session == HANDLE_NONE)
			session = fake_client_connect(service);
		if (session != HANDLE_NONE)
			(void)open_send(session, how, (how & 1) != 0 ? "blk:root" : "blk:none");
		break;
	case SAY: say(*end, how, data, len); break;
	case REQUEST: say_request(clients[len % CLIENTS], how, data, len); break;
	case USE:
		(void)fake_virtio_use(0, data, len, (how & 64) != 0 ? 0 : 1u << 20,
		                      (how & 0x38) == 0x38 ? how : 0);
		break;
	case TAKE: take(*end); break;
	case CLOSE:
		if (*end != HANDLE_NONE)
			handle_close(*end);
		*end = HANDLE_NONE;
		break;
	default: fake_memory_fail(how); break;
	}
}

// The driver lives on from one input to the next, unless it ends or other features are asked for.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int lives = -1;

	if (size == 0)
		return 0;
	if (setjmp(fake_exit) != 0) {
		lives = -1;
		return 0;
	}
	if (lives != data[0])
		begin(data[0]);
	lives = data[0];
	for (size_t at = 1; at + 3 <= size;) {
		size_t len = data[at + 2] < size - at - 3 ? data[at + 2] : size - at - 3;

		step((enum step)(data[at] % NUM_STEPS), data[at + 1], data + at + 3, len);
		fake_loop_settle(&blk.loop);
		at += 3 + len;
	}
	fake_memory_fail(0);
	for (size_t i = 0; i < CLIENTS; i++) {
		if (clients[i] != HANDLE_NONE)
			handle_close(clients[i]);
		clients[i] = HANDLE_NONE;
	}
	fake_loop_settle(&blk.loop);
	return 0;
}
