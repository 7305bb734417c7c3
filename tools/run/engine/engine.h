// SPDX-License-Identifier: MIT
//
// The host's side of the engine (libs/abi/engine.h): docker's socket, and what the OS may ask.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/engine.h"
#include "tools/common/error.h"
#include "tools/run/engine/binder.h"
#include "tools/run/engine/docker_relay.h"
#include "tools/run/engine/docker_socket.h"
#include "tools/run/engine/host_port.h"
#include "tools/run/engine/monitor.h"
#include "tools/run/engine/publisher.h"

#define ENGINE_NUM_FDS 4

struct qemu;

struct engine {
	uint8_t secret[ENGINE_SECRET_SIZE];  // of this boot
	unsigned port;  // of 127.0.0.1, which QEMU forwards to ENGINE_PORT of the OS
	bool announced;
	unsigned num_dropped;  // how often connections were, as the OS had lost them
	// Private.
	struct docker_socket socket;
	int reserved;  // has `port` until QEMU does; -1: nobody
	struct docker_relay *docker;
	struct monitor monitor;
	struct publisher publisher;
	struct binder binder;
	struct host_port host;
};

// None: may be closed.
#define ENGINE_NONE                                                \
	(struct engine)                                            \
	{                                                          \
		.socket = { .fd = -1, .lock = -1 }, .reserved = -1 \
	}

// Makes the socket, in `folder`, a secret, and reserves the port. -1 with `err`. Released by
// engine_close(), also then.
int engine_open(struct engine *engine, const char *folder, struct error *err);
void engine_close(struct engine *engine);
// Lets the port go, for QEMU.
void engine_release_port(struct engine *engine);
// Begins with a machine that was started, and ends with it. -1 with `err`.
int engine_begin(struct engine *engine, const struct qemu *machine, struct error *err);
void engine_end(struct engine *engine);

// What to wait for.
void engine_prepare(const struct engine *engine, struct pollfd fds[ENGINE_NUM_FDS]);
// When to call engine_move() at the latest, in clock_ms() terms; UINT64_MAX: never.
uint64_t engine_due(const struct engine *engine);
// Does what can be done without blocking, after poll(). Once the OS takes connections, it says
// where.
void engine_move(struct engine *engine, const struct pollfd fds[ENGINE_NUM_FDS]);
// Asks the OS to end what runs, and to power off.
void engine_stop(struct engine *engine);
// How long the OS says that it takes to stop, in seconds; 0: it has not said.
unsigned engine_stop_seconds(const struct engine *engine);
