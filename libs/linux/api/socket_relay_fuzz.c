// SPDX-License-Identifier: MIT
//
// A relay between two peers that say anything, read when they like, end, reset and close. What
// arrives is what was said, in order; at the end nothing is left. An input is a list of steps.
#include <stdlib.h>
#include <string.h>

#include "libs/linux/api/socket_relay.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop loop;
static struct socket_relay relay;
static bool runs;
static handle_t peers[2];
// Messages of bytes have a number of their own: the last that was said, and that arrived.
static uint32_t said[2], arrived[2];

static void relay_ended(struct socket_relay *r)
{
	if (r != &relay || !runs)
		abort();
	runs = false;
}

static void connect_peers(void)
{
	handle_t a[2], b[2];

	if (runs || channel_create(a) != 0)
		return;
	if (channel_create(b) != 0) {
		handle_close(a[0]);
		handle_close(a[1]);
		return;
	}
	runs = socket_relay_start(&relay, &loop, a[0], b[0], relay_ended, NULL) == 0;
	if (!runs) {
		handle_close(a[0]);
		handle_close(b[0]);
	}
	for (size_t i = 0; i < 2; i++) {
		fake_close(&peers[i]);
		peers[i] = i == 0 ? a[1] : b[1];
		said[i] = arrived[i] = 0;
	}
}

static void say_number(size_t i)
{
	struct message m;

	if (peers[i] == HANDLE_NONE)
		return;
	message_init(&m, MSG_DATA);
	m.len = sizeof(said[i]);
	said[i]++;
	memcpy(m.data, &said[i], sizeof(said[i]));
	if (channel_send(peers[i], &m) != 0)
		said[i]--;
}

static void read_some(size_t i, unsigned count)
{
	struct message m;
	handle_t handle;

	while (count-- > 0 && fake_take(peers[i], &m, &handle)) {
		fake_close(&handle);
		if (m.type != MSG_DATA && m.type != MSG_END && m.type != MSG_ABORT)
			abort();
		if (m.type == MSG_DATA && m.len == sizeof(arrived[i]) &&
		    memcmp(m.data, &(uint32_t){ ++arrived[i] }, sizeof(arrived[i])) != 0)
			abort();
	}
}

enum { CONNECT, NUMBER, MANY, SAY, READ, CLOSE, STOP, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_DATA, MSG_END, MSG_ABORT, MSG_OPEN };
	size_t i = how & 1;

	switch (what) {
	case CONNECT: connect_peers(); break;
	case NUMBER: say_number(i); break;
	case MANY:
		for (unsigned n = 0; n < 20u + how; n++)
			say_number(i);
		break;
	case SAY:
		// Not of a number's length.
		fake_say(peers[i], types[(how >> 1) % 4], data, len == 4 ? 3 : len,
		         fake_cargo((how & 64) != 0, (how & 32) != 0), 4096);
		break;
	case READ: read_some(i, how >> 1); break;
	case CLOSE: fake_close(&peers[i]); break;
	case STOP:
		if (runs && how < 64)
			socket_relay_stop(&relay);
		runs = runs && how >= 64;
		break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles;

	if (handles == 0) {
		if (loop_init(&loop) != 0)
			abort();
		handles = fake_num_handles();
	}
	connect_peers();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	fake_close(&peers[0]);
	fake_close(&peers[1]);
	turn();
	if (runs || fake_num_handles() != handles || fake_num_allocated() != 0)
		abort();  // something is left
	return 0;
}
