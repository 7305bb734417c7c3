// SPDX-License-Identifier: MIT
//
// What a container gets of the host before its process is told to start it.
#pragma once

#include "apps/containers/port_list.h"
#include "libs/host/host.h"

struct container;
struct json_reader;

struct provision {
	bool done;
	bool asking;  // `call` is on its way
	bool chosen;  // the container's ports have their first numbers
	struct host_call call;
	size_t next_mount;  // to be bound
	size_t next_port;   // to be published
	unsigned tries;     // of it
};

// Goes on with what is missing. Returns whether nothing is: else container_order is called again
// once the host has answered, or the container has failed (and may be gone).
bool provision_advance(struct container *c);
// The container is over: gives up what is on its way.
void provision_end(struct container *c);
