// SPDX-License-Identifier: MIT
//
// A client of the service "host" (libs/abi/host.h): ports of the host, published while the OS runs,
// and the machine's orderly end. What has no answer when the provider dies is asked again.
#pragma once

#include <stdbool.h>

#include "libs/abi/host.h"
#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/starina/service.h"

// Requests on their way; more wait here.
#define HOST_MAX_ASKED 8u

struct host_call;

struct host_ops {
	// The machine is to stop: ends what runs, and calls host_stopped then. NULL: the app has
	// nothing to end.
	void (*stop)(void *context);
};

// One request. Storage is the caller's, and stays until `done`.
struct host_call {
	// The port of the host that leads there, or the number of what was bound; or an error with
	// docker's words for it ("" if there are none).
	void (*done)(struct host_call *call, error_t error, uint32_t value, struct span text);
	// Private.
	struct list entry;
	struct msg_host_publish request;
	struct span path;  // of a bind; empty for others
};

struct host {
	// Private.
	const struct host_ops *ops;
	void *context;
	struct loop *loop;
	struct service_client client;
	struct source source;
	bool connected;
	bool stopping;
	bool stopped;
	uint32_t stop_seconds;  // that were told; 0: none
	uint32_t last_id;
	unsigned num_asked;
	struct list waiting;
	struct list asked;
};

// Connects to "host" behind `connector` (not consumed), now and whenever its provider restarts.
// `ops` and `context` outlive it. Errors: as loop_add's.
__must_check error_t host_start(struct host *host, struct loop *loop, handle_t connector,
                                const struct host_ops *ops, void *context);

// A port of the host leads to one of a machine in our network. `protocol`: HOST_TCP or HOST_UDP.
// `host_port` 0: any free one; should the provider die before it has answered, another one may stay
// published besides. Where nobody provides "host" there is no answer.
void host_publish(struct host *host, struct host_call *call, uint16_t protocol,
                  const uint8_t address[4], uint16_t host_port, const uint8_t target[4],
                  uint16_t port);
// It does not any more. One that is not published is no error.
void host_unpublish(struct host *host, struct host_call *call, uint16_t protocol,
                    const uint8_t address[4], uint16_t host_port);
// What is at `path` of the host (which stays until `done`), absolute and below the folder that
// run.sh shares, can be opened as "files:host/+N/" from now on; N is the value. With `make`, it is
// made as a folder when nothing is there.
void host_bind(struct host *host, struct host_call *call, struct span path, bool make);
// Gives a request up: `done` does not come. It may be carried out or not.
void host_cancel(struct host *host, struct host_call *call);

// After `stop`: it takes so many seconds at most, from now on.
void host_stop_takes(struct host *host, uint32_t seconds);
// After `stop`: all has ended.
void host_stopped(struct host *host);
