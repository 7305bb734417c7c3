// SPDX-License-Identifier: MIT
//
// Ports of the host that lead into the OS's network, made and removed while it runs. It is the OS
// that asks, which is not trusted: what it says is checked, and words of its own reach no command
// of QEMU's.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libs/abi/engine.h"
#include "tools/run/engine/monitor.h"

#define PUBLISHER_TEXT_MAX 200u

struct publication {
	bool udp;
	struct in_addr host;
	uint16_t host_port;
	struct in_addr address;
	uint16_t port;
};

// How a request ended: the port of the host, or 0 and why not, in docker's words.
typedef void (*published_fn)(void *context, uint16_t host_port, const char *error);

struct publisher {
	struct monitor *monitor;
	pid_t qemu;
	struct publication all[ENGINE_MAX_PUBLISHED];
	unsigned count;
	// Private: of the request in hand.
	struct publication asked;
	published_fn done;  // NULL: there is none
	void *context;
};

// None are published. `qemu` is the process behind `monitor`, which stays the caller's.
void publisher_init(struct publisher *publisher, struct monitor *monitor, pid_t qemu);
// Carries out "publish" or "unpublish" with what follows its ID, as libs/abi/engine.h has them.
// `done` comes once, from within this call or from monitor_move(). One request at a time.
void publisher_request(struct publisher *publisher, bool publish, const char *words,
                       published_fn done, void *context);
