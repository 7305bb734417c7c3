// SPDX-License-Identifier: MIT
//
// The network driver between a hostile device and a hostile client, over libs/virtio/mmio_fake.c.
// An input is a byte of features and a list of steps: what, how, a length, and so many bytes. A
// driver that gives up on its device ends the input.
#include <stdlib.h>

#include "apps/virtio_net/main.c"
#include "libs/starina/clients_fake.h"
#include "libs/virtio/mmio_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static handle_t service, client;

static void begin(uint8_t features)
{
	static struct environ env;

	fake_reset();
	fake_virtio_reset();
	memset(&net, 0, sizeof(net));
	client = HANDLE_NONE;
	fake_virtio = (struct fake_virtio){ .num_queues = 3 };
	fake_virtio.features = (features & 1 ? VIRTIO_F_EVENT_IDX : 0) |
		(features & 2 ? VIRTIO_NET_F_CSUM : 0) |
		(features & 4 ? VIRTIO_NET_F_HOST_TSO4 : 0) |
		(features & 8 ? VIRTIO_NET_F_HOST_TSO6 : 0) |
		(features & 16 ? VIRTIO_NET_F_GUEST_CSUM : 0) |
		(features & 32 ? VIRTIO_NET_F_MTU : 0) | VIRTIO_NET_F_MAC;
	fake_virtio.config[10] = features;
	fake_virtio.config[11] = (uint8_t)(features >> 5);
	service = fake_service_create();
	env = (struct environ){ .num_entries = 1,
		                .entries = { { .kind = ENV_DEVICE,
		                               .interrupt = fake_interrupt_create() } } };
	if (loop_init(&net.loop) != 0 || net_start(&env.entries[0]) != 0 ||
	    service_listen(&net.loop, &net.listener, service, client_accepted, NULL) != 0)
		abort();
	rx_poll(&net);
}

static void drain(void)
{
	struct msg_netdev_frame frame;
	struct folio_info info;
	struct message m;
	const uint8_t *tail;
	handle_t folio;
	size_t len;

	while (fake_take(client, &m, &folio)) {
		if (folio == HANDLE_NONE)
			continue;
		if (message_decode_netdev_frame(&m, &frame, &tail, &len) != 0 ||
		    folio_info(folio, &info) != 0 ||
		    !range_within(frame.offset, frame.length, info.size))
			abort();
		handle_close(folio);
	}
}

// A message of any type, with a folio or what is none.
static void say(uint8_t how, const uint8_t *data, size_t len)
{
	fake_say(client, (how & 128) != 0 ? how % 64u : MSG_NETDEV_FRAME, data, len,
	         fake_cargo((how & 1) != 0, (how & 2) == 0), 8192);
}

// A segment with headers that fit, of which the data spoil some.
static void say_segment(uint8_t how, const uint8_t *data, size_t len)
{
	bool v6 = (how & 1) != 0;
	size_t tcp = v6 ? 54 : 34, total = tcp + 20 + (size_t)how * 40;
	struct msg_netdev_frame meta = { .length = (uint32_t)total,
		                         .flags = NETDEV_FRAME_NEEDS_CSUM,
		                         .csum_start = (uint16_t)tcp,
		                         .csum_offset = 16 };
	struct message m;
	handle_t folio;
	uint8_t *frame;
	void *base;

	if (folio_create(12288, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	meta.gso_size = (how & 2) != 0 ? (uint16_t)(how * 8) : 0;
	meta.flags |= meta.gso_size == 0 ? 0 : v6 ? NETDEV_FRAME_GSO_TCP6 : NETDEV_FRAME_GSO_TCP4;
	if (folio_map(folio, PROT_WRITE, &base) != 0 ||
	    message_encode_netdev_frame(&m, &meta, NULL, 0) != 0)
		abort();
	frame = base;
	frame[12] = v6 ? 0x86 : 8;
	frame[13] = v6 ? 0xdd : 0;
	frame[14] = v6 ? 0x60 : 0x45;
	frame[v6 ? 18 : 16] = (uint8_t)((total - (v6 ? 54 : 14)) >> 8);
	frame[v6 ? 19 : 17] = (uint8_t)(total - (v6 ? 54 : 14));
	frame[v6 ? 20 : 23] = 6;
	frame[tcp + 12] = 5 << 4;
	for (size_t i = 0; i + 1 < len; i += 2)
		frame[data[i] % (tcp + 20)] = data[i + 1];
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(client, &m);
}

enum { CONNECT, SAY, SEGMENT, RECEIVE, TRANSMIT, DRAIN, CLOSE, TIME, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case CONNECT:
		if (client == HANDLE_NONE)
			client = fake_client_connect(service);
		break;
	case SAY: say(how, data, len); break;
	case SEGMENT: say_segment(how, data, len); break;
	case RECEIVE:
		(void)fake_virtio_use(VIRTIO_NET_QUEUE_RX, data, len, (how & 15) * 200u + len,
		                      (how & 0xf0) == 0xf0 ? how >> 1 : 0);
		break;
	case TRANSMIT:
		for (int i = 0; i < 1 + how % 64; i++)
			(void)fake_virtio_use(VIRTIO_NET_QUEUE_TX, data, len, 0,
			                      (how & 0xf0) == 0xf0 ? how >> 1 : 0);
		break;
	case DRAIN: drain(); break;
	case CLOSE: fake_close(&client); break;
	case TIME: fake_time_pass((nsec_t)how * NSEC_PER_MSEC); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&net.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || setjmp(fake_exit) != 0)
		return 0;
	begin(data[0]);
	fake_steps(data + 1, size - 1, NUM_STEPS, step, turn);
	return 0;
}
