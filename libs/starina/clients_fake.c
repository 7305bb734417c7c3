// SPDX-License-Identifier: MIT
#include "libs/starina/clients_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/abi/message.h"
#include "libs/abi/tcpip.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

enum fake_cargo fake_cargo(bool anything, bool folio)
{
	if (!anything)
		return FAKE_NOTHING;
	return folio ? FAKE_FOLIO : FAKE_EVENT;
}

void fake_send(handle_t channel, struct message *m)
{
	if (channel == HANDLE_NONE || channel_send(channel, m) != 0)
		message_discard(m);
}

void fake_say(handle_t channel, uint32_t type, const uint8_t *data, size_t len,
              enum fake_cargo cargo, size_t folio_size)
{
	struct message m;

	if (channel == HANDLE_NONE)
		return;
	message_init(&m, type);
	m.len = (uint16_t)(len < MESSAGE_MAX_DATA ? len : MESSAGE_MAX_DATA);
	memset(m.data, 0, sizeof(m.data));
	if (m.len > 0)
		memcpy(m.data, data, m.len);
	if ((cargo == FAKE_FOLIO &&
	     folio_create(folio_size, FOLIO_CONTIGUOUS, &m.handles[0]) == 0) ||
	    (cargo == FAKE_EVENT && event_create(&m.handles[0]) == 0))
		m.num_handles = 1;
	fake_send(channel, &m);
}

void fake_send_bytes(handle_t channel, const void *data, size_t len)
{
	struct message m;

	if (channel != HANDLE_NONE && payload_make(&m, data, len) == 0)
		fake_send(channel, &m);
}

void fake_stream_acts(handle_t *end, unsigned act, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_END, MSG_ABORT, MSG_OPEN, MSG_DATA };

	switch (act) {
	case 0: fake_close(end); break;
	case 1: fake_take_all(*end, NULL, 0); break;
	case 2: fake_say(*end, MSG_END, (const uint8_t[4]){ 0 }, 4, FAKE_NOTHING, 0); break;
	case 3:
		fake_say(*end, types[how / 32 % 4], data, len, fake_cargo((how & 128) != 0, true),
		         PAGE_SIZE);
		break;
	default: fake_send_bytes(*end, data, len); break;
	}
}

bool fake_take(handle_t channel, struct message *m, handle_t *handle)
{
	*handle = HANDLE_NONE;
	if (channel == HANDLE_NONE || channel_recv(channel, m) != 0)
		return false;
	for (size_t i = 1; i < m->num_handles; i++)
		handle_close(m->handles[i]);
	if (m->num_handles > 0)
		*handle = m->handles[0];
	return true;
}

void fake_take_all(handle_t channel, handle_t *ends, size_t num_ends)
{
	struct message m;
	handle_t handle;

	while (fake_take(channel, &m, &handle)) {
		bool is_end = m.type == MSG_OPEN_REPLY || m.type == MSG_CONNECT;

		for (size_t i = 0; is_end && handle != HANDLE_NONE && i < num_ends; i++) {
			if (ends[i] == HANDLE_NONE) {
				ends[i] = handle;
				handle = HANDLE_NONE;
			}
		}
		fake_close(&handle);
	}
}

bool fake_provider_asked(handle_t connector, handle_t *provider)
{
	handle_t none;
	struct message m;

	if (*provider == HANDLE_NONE)
		*provider = fake_provider_accept(connector);
	if (*provider == HANDLE_NONE || !fake_take(*provider, &m, &none))
		return false;
	fake_close(&none);
	return true;
}

bool fake_provider_opens(handle_t provider, handle_t *end)
{
	handle_t ends[2];

	if (channel_create(ends) != 0)
		return false;
	if (open_reply_send(provider, 1, ends[1]) == 0) {
		*end = ends[0];
		return true;
	}
	handle_close(ends[0]);
	handle_close(ends[1]);
	return true;
}

void fake_close(handle_t *end)
{
	if (*end != HANDLE_NONE)
		handle_close(*end);
	*end = HANDLE_NONE;
}

void fake_loop_settle(struct loop *loop)
{
	unsigned turns = 0;

	while (loop_turn(loop, 0) == 0) {
		if (++turns > 100000)
			abort();  // it spins
	}
}

void fake_steps(const uint8_t *data, size_t size, unsigned num_steps, fake_step *step,
                fake_turn *turn)
{
	while (size >= 3) {
		size_t len = data[2] < size - 3 ? data[2] : size - 3;

		step(data[0] % num_steps, data[1], data + 3, len);
		turn();
		data += 3 + len;
		size -= 3 + len;
	}
}
