// SPDX-License-Identifier: MIT
//
// The provider of "host" (libs/abi/host.h): the way of apps to starina-run, and the machine's
// orderly end. main.c has the port to the host, clients.c the apps, power.c the end, wall.c the
// clock.
#pragma once

#include "libs/abi/engine.h"
#include "libs/abi/files.h"
#include "libs/abi/host.h"
#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/starina/loop.h"
#include "libs/starina/opener.h"
#include "libs/starina/service.h"

#define HOSTCTL_CLIENTS 16u
#define HOSTCTL_NONCE 16u

struct hostctl;

struct client {
	struct hostctl *ctl;
	struct list entry;
	struct source source;
	bool ready;     // it takes docker's connections
	bool watches;   // it has something to end
	bool stopping;  // was told to
};

// What the host was asked, and has not answered.
struct call {
	uint32_t id;            // toward the host; 0: free
	struct client *client;  // NULL: it has gone
	bool is_bind;
	struct msg_host_publish request;
	char *path;  // of a bind, which `request.flags` are of, too; on the heap
};

// What the host has said of the time.
struct wall {
	nsec_t asked_at;  // CLOCK_MONOTONIC
	unsigned left;    // answers that are still to come
	nsec_t best;      // the shortest time that one took
	nsec_t origin;    // after that one: what CLOCK_WALL is over CLOCK_MONOTONIC
};

struct hostctl {
	struct loop loop;
	struct service_listener listener;
	handle_t system;
	handle_t console;  // connectors
	handle_t unmount;
	struct opener opener;
	struct source port;
	bool open;
	bool synced;  // the host has said the nonce
	char nonce[HOSTCTL_NONCE + 1];
	char line[ENGINE_HOST_ANSWER_MAX];  // of the host, unfinished
	size_t line_len;
	bool overlong;
	struct list clients;
	unsigned num_clients;
	struct call calls[ENGINE_HOST_REQUESTS];
	uint32_t last_id;
	bool was_ready;  // what the host was told
	bool stopping;
	struct opener end;  // of the state disk's use
	struct wall wall;
};

// --- main.c ---

// Tells the host a line, without its newline. Returns false when it could not be sent. Without the
// port it is left out: clients_tell says it all again.
bool host_say(struct hostctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

// --- clients.c ---

// Accepts clients. Errors: as service_listen's.
__must_check error_t clients_init(struct hostctl *ctl, handle_t service);
// The host speaks from the beginning: tells it what it has to know.
void clients_tell(struct hostctl *ctl);
// The host answered the request `id`: the value, or the error's text.
void clients_answer(struct hostctl *ctl, uint32_t id, uint32_t value, struct span text, bool well);
// Tells those that want to know that the machine is to stop.
void clients_stop(struct hostctl *ctl);
// Whether nobody has anything left to end.
bool clients_have_stopped(const struct hostctl *ctl);

// --- power.c ---

// The host asks for the end.
void power_stop(struct hostctl *ctl);
// A client has ended what it had, or has gone: goes on with the end if that was the last.
void power_advance(struct hostctl *ctl);

// --- wall.c ---

// The host speaks from the beginning: it is asked for the time.
void wall_ask(struct hostctl *ctl);
// It has said it.
void wall_take(struct hostctl *ctl, struct span text);
