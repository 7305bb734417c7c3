// SPDX-License-Identifier: MIT
//
// Between two sockets (channels of MSG_DATA, MSG_END and MSG_ABORT): what comes from one goes to
// the other, messages as they are, without a copy of what is in them. Full queues stop the other
// side; a half close and a reset are passed on; when one is closed the other is.
#pragma once

#include "libs/base/list.h"
#include "libs/starina/loop.h"

struct socket_relay;

struct socket_relay_end {
	struct socket_relay *relay;
	struct source source;
	struct message held;  // came from here and waits for room at the other end
	bool holds;
	bool closed;  // nothing more comes from here
	bool ended;   // MSG_END came from here
};

struct socket_relay {
	struct loop *loop;
	// Both channels are closed: the relay can be freed.
	void (*ended)(struct socket_relay *relay);
	void *context;
	struct list entry;  // the owner's
	struct socket_relay_end ends[2];
};

// Relays between `a` and `b` (consumed on success). Errors: as loop_add's.
__must_check error_t socket_relay_start(struct socket_relay *relay, struct loop *loop, handle_t a,
                                        handle_t b, void (*ended)(struct socket_relay *relay),
                                        void *context);
// Closes both; `ended` is not called.
void socket_relay_stop(struct socket_relay *relay);
