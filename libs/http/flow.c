// SPDX-License-Identifier: MIT
#include "libs/http/flow.h"

#include "libs/abi/tcpip.h"
#include "libs/http/output.h"
#include "libs/starina/syscall.h"

static error_t taken_create(struct http_connection *c)
{
	handle_t event;
	error_t err;

	if (c->has_taken)
		return 0;
	err = event_create(&event);
	if (err < 0)
		return err;
	err = loop_add(c->service->loop, &c->taken, event, c->taken.ops, c);
	if (err < 0)
		handle_close(event);
	c->has_taken = err == 0;
	return err;
}

// Asks to be told when all that was sent so far has been taken from the channel.
static error_t ask_when_taken(struct http_connection *c)
{
	struct msg_sync sync = { 0 };
	struct message m;
	error_t err = taken_create(c);

	if (err == 0)
		err = message_encode_sync(&m, &sync, NULL, 0);
	if (err == 0)
		err = handle_duplicate(c->taken.handle, RIGHT_WRITE | RIGHT_TRANSFER,
		                       &m.handles[0]);
	if (err < 0)
		return err;
	m.num_handles = 1;
	c->waits_for_taken = true;
	c->untaken = 0;
	c->sent_bytes = 0;
	return http_send_message(c, &m);
}

static void widen_window(struct http_connection *c, uint32_t messages)
{
	struct msg_window window = { .messages = messages };
	struct message m;

	if (message_encode_window(&m, &window, NULL, 0) < 0 || http_send_message(c, &m) < 0)
		c->dead = true;
}

void http_flow_open(struct http_connection *c)
{
	widen_window(c, HTTP_WINDOW);
}

void http_flow_received(struct http_connection *c)
{
	if (++c->received < HTTP_WINDOW / 2)
		return;
	widen_window(c, c->received);
	c->received = 0;
}

void http_flow_response_done(struct http_connection *c)
{
	if (++c->untaken < HTTP_MAX_UNTAKEN || c->waits_for_taken)
		return;
	// What cannot be bounded does not go on.
	if (ask_when_taken(c) < 0)
		c->keep_alive = false;
}

void http_flow_sent(struct http_connection *c)
{
	// Half of the window, so that the peer has the other while the answer is on its way. When
	// memory is out, it is asked for with the next piece.
	if (c->dead || c->waits_for_taken || c->sent_bytes < HTTP_SEND_WINDOW / 2)
		return;
	error_t ignored = ask_when_taken(c);

	(void)ignored;
}

bool http_flow_has_room(const struct http_connection *c)
{
	return !c->waits_for_taken || c->sent_bytes < HTTP_SEND_WINDOW / 2;
}
