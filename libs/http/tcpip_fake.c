// SPDX-License-Identifier: MIT
#include "libs/http/tcpip_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/abi/tcpip.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

static handle_t control, listener, reached;

// The end that the server does not get, of a listener or of a connection.
static void keep_end(handle_t end, const uint8_t *uri, size_t len)
{
	handle_t *kept = len > 4 && memcmp(uri, "tcp:", 4) == 0 ? &reached : &listener;

	fake_close(kept);
	*kept = end;
}

void tcpip_fake_serve(handle_t connector)
{
	struct message m;
	struct msg_open open;
	const uint8_t *tail;
	handle_t ends[2], handle;
	size_t len;

	handle_t fresh = fake_provider_accept(connector);

	if (fresh != HANDLE_NONE) {
		fake_close(&control);
		control = fresh;
	}
	while (fake_take(control, &m, &handle)) {
		fake_close(&handle);
		if (message_decode_open(&m, &open, &tail, &len) != 0)
			continue;
		if (channel_create(ends) != 0) {
			error_send(control, open.id, ERR_NO_MEMORY, "cannot listen");
			continue;
		}
		keep_end(ends[1], tail, len);
		if (open_reply_send(control, open.id, ends[0]) != 0)
			handle_close(ends[0]);
	}
}

void tcpip_fake_connect(handle_t *client)
{
	struct msg_connect connect = { 0 };
	struct message m;
	handle_t ends[2];

	if (*client != HANDLE_NONE || listener == HANDLE_NONE || channel_create(ends) != 0)
		return;
	if (message_encode_connect(&m, &connect, "tcp:1.2.3.4:5", 13) != 0)
		abort();
	m.handles[0] = ends[0];
	m.num_handles = 1;
	fake_send(listener, &m);
	*client = ends[1];
}

void tcpip_fake_say(handle_t end, const void *bytes, size_t len)
{
	struct message m;

	if (end == HANDLE_NONE)
		return;
	if (payload_make(&m, bytes, len) == 0)
		fake_send(end, &m);
}

void tcpip_fake_say_folio(handle_t end, const uint8_t *bytes, size_t len, uint8_t how)
{
	struct msg_data data = { .offset = how, .length = (uint32_t)(how > 250 ? len * 100 : len) };
	struct message m;
	handle_t folio;
	void *base;

	if (end == HANDLE_NONE || folio_create(4096, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	if (folio_map(folio, PROT_WRITE, &base) != 0 ||
	    message_encode_data(&m, &data, NULL, 0) != 0)
		abort();
	memcpy((uint8_t *)base + how, bytes, len);
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(end, &m);
}

void tcpip_fake_drain(handle_t end)
{
	struct message m;
	handle_t handle;

	while (fake_take(end, &m, &handle)) {
		if (m.type == MSG_SYNC && handle != HANDLE_NONE && event_signal(handle, 1) < 0)
			abort();
		fake_close(&handle);
	}
}

handle_t tcpip_fake_reached(void)
{
	handle_t end = reached;

	reached = HANDLE_NONE;
	return end;
}

void tcpip_fake_restart(bool whole)
{
	if (whole)
		fake_close(&control);
	fake_close(&listener);
}
