// SPDX-License-Identifier: MIT
#include "libs/http/peer_fake.h"

#include <string.h>

#include "libs/abi/tcpip.h"
#include "libs/starina/syscall.h"

struct loop peer_loop;
struct http_service peer_service;
handle_t peer_end;
uint64_t peer_window;
struct peer_heard heard;

int peer_connect(const struct http_handler *handler)
{
	const uint8_t *gate = peer_service.gate;
	bool host_optional = peer_service.host_optional;
	handle_t ends[2];

	fake_reset();
	assert_int_equal(loop_init(&peer_loop), 0);
	peer_service = (struct http_service){ .loop = &peer_loop,
		                              .handler = handler,
		                              .gate = gate,
		                              .host_optional = host_optional };
	list_init(&peer_service.connections);
	assert_int_equal(channel_create(ends), 0);
	http_connection_create(&peer_service, ends[0]);
	peer_end = ends[1];
	peer_window = 0;
	peer_forget();
	return 0;
}

int peer_teardown(void **state)
{
	(void)state;
	fake_close(&peer_end);
	fake_loop_settle(&peer_loop);
	assert_int_equal(peer_service.num_connections, 0);
	loop_deinit(&peer_loop);
	assert_int_equal(fake_num_handles(), 0);
	assert_int_equal(fake_num_allocated(), 0);
	peer_service = (struct http_service){ 0 };
	return 0;
}

void peer_say(const void *bytes, size_t len)
{
	struct message m;

	assert_int_equal(payload_make(&m, bytes, len), 0);
	fake_send(peer_end, &m);
	fake_loop_settle(&peer_loop);
}

void peer_say_text(const char *text)
{
	peer_say(text, strlen(text));
}

void peer_say_end(void)
{
	struct msg_end end = { 0 };
	struct message m;

	assert_int_equal(message_encode_end(&m, &end, NULL, 0), 0);
	fake_send(peer_end, &m);
	fake_loop_settle(&peer_loop);
}

void peer_say_abort(void)
{
	struct msg_abort abort = { .reason = ERR_IO };
	struct message m;

	assert_int_equal(message_encode_abort(&m, &abort, NULL, 0), 0);
	fake_send(peer_end, &m);
	fake_loop_settle(&peer_loop);
}

void peer_vanish(void)
{
	fake_close(&peer_end);
	fake_loop_settle(&peer_loop);
}

static void hear(struct message *m, handle_t *handle)
{
	struct payload payload = { 0 };
	size_t room = sizeof(heard.text) - 1 - heard.len;

	m->handles[0] = *handle;
	m->num_handles = *handle == HANDLE_NONE ? 0 : 1;
	*handle = HANDLE_NONE;
	assert_int_equal(payload_open(m, &payload), 0);
	assert_false(heard.ended);
	heard.total += payload.bytes.len;
	if (payload.bytes.len < room)
		room = payload.bytes.len;
	if (room > 0)
		memcpy(heard.text + heard.len, payload.bytes.data, room);
	heard.len += room;
	payload_release(&payload);
}

bool peer_take(void)
{
	struct msg_window more;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	handle_t handle;

	if (!fake_take(peer_end, &m, &handle))
		return false;
	heard.messages++;
	if (message_decode_window(&m, &more, &tail, &tail_len) == 0)
		peer_window += more.messages;
	else if (m.type == MSG_SYNC)
		assert_int_equal(event_signal(handle, 1), 0);
	else if (m.type == MSG_DATA)
		hear(&m, &handle);
	else if (m.type == MSG_END)
		heard.ended = true;
	else
		heard.aborted = true;
	fake_close(&handle);
	fake_loop_settle(&peer_loop);
	return true;
}

void peer_take_all(void)
{
	while (peer_take()) {
	}
	heard.text[heard.len] = '\0';
	heard.closed = peer_service.num_connections == 0;
}

void peer_forget(void)
{
	memset(&heard, 0, sizeof(heard));
}

void peer_ticks(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		list_for_each_safe(entry, &peer_service.connections)
			http_connection_tick(container_of(entry, struct http_connection, entry));
	}
}
