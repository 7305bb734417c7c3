// SPDX-License-Identifier: MIT
//
// A client of "containers" or "images" for fuzzers over system_fake.h: it makes requests, and reads
// what an answer says something is called.
#pragma once

#include "libs/abi/containers.h"
#include "libs/base/span.h"
#include "libs/starina/clients_fake.h"

struct asker_fake {
	handle_t channel;  // to the service; HANDLE_NONE: there is none
	// The "Id" of the last answer that had one.
	char id[CONTAINERS_TARGET_MAX + 1];
	uint32_t last;  // request
};

// What is asked. `odd`: bits that say what is wrong with it; 0: nothing.
struct asked_fake {
	uint32_t operation;
	const char *target;
	struct span query, body;
	bool has_channel;
	uint8_t odd;
};

// Sends a request. Returns the other end of its channel, which is the caller's; HANDLE_NONE: there
// is none.
handle_t asker_fake_ask(struct asker_fake *asker, const struct asked_fake *asked);
// Gives up a request: the last one, or one before.
void asker_fake_cancel(struct asker_fake *asker, uint32_t before);
// Takes all that was answered. Aborts at what is no reply.
void asker_fake_take(struct asker_fake *asker);
