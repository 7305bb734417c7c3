// SPDX-License-Identifier: MIT
//
// The disk driver between a hostile device and hostile clients, over libs/virtio/mmio_fake.c. An
// input is a byte of features and a list of steps: what, how, a length, and so many bytes. A driver
// that gives up on its device ends the input.
#include <stdlib.h>
#include <string.h>

#include "apps/virtio_blk/main.c"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"
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
	    service_listen(&blk.loop, &blk.listener, service, session_accepted, &blk) != 0)
		abort();
	fake_while_waiting = NULL;
	blk.num_disks = 1;
	session = fake_client_connect(service);
	fake_loop_settle(&blk.loop);
}

static void say(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	fake_say(end, (how & 128) != 0 ? how % 64u : 48u + how % 8u, data, len,
	         fake_cargo((how & 64) != 0, (how & 32) == 0), 16384);
}

// A request that fits, or nearly: where, how much, and where in the folio.
static void say_request(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_blkdev_request request = { .id = how,
		                              .sector = len > 0 ? data[0] : 0,
		                              .length = (len > 1 ? data[1] : 1u) * 512u,
		                              .offset = len > 2 ? data[2] * 512u : 0 };

	fake_say(end, 48u + how % 8u, (const uint8_t *)&request, sizeof(request), FAKE_FOLIO,
	         16384);
}

// A disk, one that there is not, or one that begins somewhere.
static void open_some(uint8_t how, const uint8_t *data, size_t len)
{
	char uri[40] = "blk:root@";
	size_t begin = strlen(uri);

	if ((how & 2) != 0 && len < sizeof(uri) - begin)
		memcpy(uri + begin, data, len);
	else
		str_copy(uri, (how & 1) != 0 ? "blk:root" : "blk:none", sizeof(uri));
	(void)open_send(session, how, uri);
}

enum { OPEN, SAY, REQUEST, USE, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = how % 4 == 3 ? &session : &clients[how % 4];

	switch (what) {
	case OPEN:
		if (session == HANDLE_NONE)
			session = fake_client_connect(service);
		if (session != HANDLE_NONE)
			open_some(how, data, len);
		break;
	case SAY: say(*end, how, data, len); break;
	case REQUEST: say_request(clients[len % CLIENTS], how, data, len); break;
	case USE:
		(void)fake_virtio_use(0, data, len, (how & 64) != 0 ? 0 : 1u << 20,
		                      (how & 0x38) == 0x38 ? how : 0);
		break;
	case TAKE: fake_take_all(*end, clients, CLIENTS); break;
	case CLOSE: fake_close(end); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&blk.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || setjmp(fake_exit) != 0)
		return 0;
	begin(data[0]);
	fake_steps(data + 1, size - 1, NUM_STEPS, step, turn);
	return 0;
}
