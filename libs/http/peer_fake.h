// SPDX-License-Identifier: MIT
//
// For tests of the server: one connection over a fake of the kernel, whose peer is tcpip and the
// client in one.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/http/connection.h"
#include "libs/starina/clients_fake.h"

extern struct loop peer_loop;
extern struct http_service peer_service;
extern handle_t peer_end;  // the peer's end of the channel
// Messages of the peer's that the server takes, as it has said.
extern uint64_t peer_window;

// A connection to the handler; HANDLE_NONE becomes its peer's end. Returns 0, as cmocka's setup.
int peer_connect(const struct http_handler *handler);
// After a test: the peer leaves, and nothing is left. See peer_connect.
int peer_teardown(void **state);

// The peer says bytes, ends its direction, or is reset.
void peer_say(const void *bytes, size_t len);
// A string, see peer_say.
void peer_say_text(const char *text);
// See peer_say.
void peer_say_end(void);
// See peer_say.
void peer_say_abort(void);
// tcpip closes the channel, whatever is in it.
void peer_vanish(void);

// What the server has sent so far and tcpip has taken.
struct peer_heard {
	char text[65536];  // with a NUL behind it
	size_t len;
	uint64_t total;  // bytes in all; `text` has the first
	bool ended, aborted, closed;
	unsigned messages;
};
extern struct peer_heard heard;
// Takes one message, and says so where it is asked. Returns whether there was one.
bool peer_take(void);
// Takes all until nothing more comes.
void peer_take_all(void);
// Forgets what was heard.
void peer_forget(void);
// Ticks of the server's timer, for the connection.
void peer_ticks(unsigned count);
