// SPDX-License-Identifier: MIT
//
// Processes with virtual machines that are to end: their container is over, or nobody knows them.
// They do so by themselves, once their clients have read what is left. One that does not has been
// taken over by its guest, as a rule, and keeps its disks, volumes and port of the network: the app
// manager ends it.
#pragma once

#include "libs/abi/app.h"
#include "libs/starina/loop.h"

struct containers;

struct vmms_leaving {
	struct list list;  // struct vmm_leaver, the first one that left first
	handle_t timer;
	struct source source;
};

// Errors: as timer_create's and loop_add's.
__must_check error_t leaving_init(struct containers *all);
// The process `app` (an instance's name; "": it has none, and nothing is done) is to end by itself;
// one with clients, which may read slowly, has more time.
void leaving_add(struct containers *all, const char *app, bool has_clients);
// It has ended. Returns whether it was to.
bool leaving_ended(struct containers *all, const char *app);
// How many there are: each may have a port of the network.
size_t leaving_count(const struct containers *all);
// Has one ended now that only waits for slow clients, for its port is needed. Returns whether there
// was one.
bool leaving_hurry(struct containers *all);
