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

// The queries and bodies that a fuzzer knows.
struct asker_words {
	const char *const *queries;
	size_t num_queries;
	const char *const *bodies;
	size_t num_bodies;
};
// The query, the body and what is odd, from an input of at least 5 bytes: the bytes 2 and 3 are the
// numbers of both, and behind their last ones the rest of the input is meant.
void asked_fake_read(struct asked_fake *asked, const struct asker_words *words, const uint8_t *data,
                     size_t len);
// Sends a request. Returns the other end of its channel, which is the caller's; HANDLE_NONE: there
// is none.
handle_t asker_fake_ask(struct asker_fake *asker, const struct asked_fake *asked);
// Gives up a request: the last one, or one before.
void asker_fake_cancel(struct asker_fake *asker, uint32_t before);
// Takes all that was answered. Aborts at what is no reply.
void asker_fake_take(struct asker_fake *asker);
