// SPDX-License-Identifier: MIT
//
// What the OS asks of the host while it runs, and is told: the port ENGINE_HOST_PORT, whose
// protocol is in libs/abi/engine.h.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/line_reader.h"
#include "tools/run/engine/binder.h"
#include "tools/run/engine/publisher.h"

#define HOST_PORT_NONCE 16u

enum host_request_kind {
	HOST_REQUEST_PUBLISH,
	HOST_REQUEST_UNPUBLISH,
	HOST_REQUEST_BIND,
};

struct host_request {
	unsigned long id;
	enum host_request_kind kind;
	char words[ENGINE_HOST_LINE_MAX];
};

struct host_port {
	int channel;  // to the OS, not blocking; stays the caller's; -1: QEMU has ended
	struct publisher *publisher;
	struct binder *binder;
	bool engine_ready;      // the engine takes connections
	unsigned num_lost;      // how often all connections to it were lost
	unsigned stop_seconds;  // that the OS needs to stop, as it says; 0: it has not said
	// Private.
	bool greeted;
	bool stop_asked;
	bool stop_sent;
	bool busy;          // publisher or binder have a request...
	bool void_request;  // ...that nobody waits for any more
	unsigned long busy_id;
	struct host_request requests[ENGINE_HOST_REQUESTS];  // that wait, the oldest first
	unsigned num_requests;
	char out[ENGINE_HOST_REQUESTS * 2 * ENGINE_HOST_ANSWER_MAX];
	size_t out_length;
	char line[ENGINE_HOST_LINE_MAX];  // unfinished
	struct line_reader lines;
};

// Nothing was said yet. `publisher` and `binder` stay the caller's.
void host_port_init(struct host_port *port, int channel, struct publisher *publisher,
                    struct binder *binder);
// Asks the OS to end all and power off, now or as soon as it can be told.
void host_port_stop(struct host_port *port);
// What to wait for.
struct pollfd host_port_prepare(const struct host_port *port);
// Does what can be done without blocking.
void host_port_move(struct host_port *port, const struct pollfd *fd);
