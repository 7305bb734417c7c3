// SPDX-License-Identifier: MIT
//
// The echo service and clients that say anything and read when they like. At the end nothing is
// left. An input is a list of steps: what, how, a length, and so many bytes.
#include <stdlib.h>

#include "apps/echo/main.c"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 3u

static handle_t service, clients[CLIENTS];

static void say(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	struct message m;

	message_init(&m, (how & 128) != 0 ? how % 64u : MSG_ECHO);
	m.len = (uint16_t)(len < MESSAGE_MAX_DATA ? len : MESSAGE_MAX_DATA);
	memcpy(m.data, data, m.len);
	for (unsigned i = 0; i < (how >> 4) % 5u; i++) {
		if (event_create(&m.handles[i]) == 0)
			m.num_handles++;
	}
	fake_send(end, &m);
}

enum { CONNECT, SAY, MANY, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = &clients[how % CLIENTS];

	if (what == CONNECT && *end == HANDLE_NONE)
		*end = fake_client_connect(service);
	else if (what == SAY && *end != HANDLE_NONE)
		say(*end, how, data, len);
	for (unsigned i = 0; what == MANY && how % 8 == 0 && *end != HANDLE_NONE && i < 130; i++)
		say(*end, how, data, len);
	if (what == TAKE)
		fake_take_all(*end, NULL, 0);
	if (what == CLOSE)
		fake_close(end);
	if (what == MEMORY)
		fake_memory_fail(how);
}

static void turn(void)
{
	fake_loop_settle(&app.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles;

	if (handles == 0) {
		service = fake_service_create();
		if (loop_init(&app.loop) != 0 ||
		    service_listen(&app.loop, &app.listener, service, client_accepted, NULL) != 0)
			abort();
		handles = fake_num_handles();
	}
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	for (size_t i = 0; i < CLIENTS; i++)
		fake_close(&clients[i]);
	fake_loop_settle(&app.loop);
	if (fake_num_handles() != handles || fake_num_allocated() != 0)
		abort();  // something is left
	return 0;
}
