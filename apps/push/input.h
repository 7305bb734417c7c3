// SPDX-License-Identifier: MIT
//
// What the host says on the port CONSOLE_PORT_APPS (libs/abi/console.h), as it comes in pieces.
#pragma once

#include <stdbool.h>

#include "libs/base/span.h"

#define PUSH_NONCE_SIZE 17u  // with its NUL
#define PUSH_LINE_MAX 64u

enum push_event {
	PUSH_MORE,     // all bytes were taken, and mean nothing yet
	PUSH_REQUEST,  // `request` is one, of which size bytes follow
	PUSH_BYTES,    // `bytes` are the next of these
	PUSH_BROKEN,   // what the host says makes no sense
};

struct push_request {
	uint32_t id;
	bool replaces;  // what is there of this name already
	uint64_t size;
};

// After zeroing and push_input_sync().
struct push_input {
	struct push_request request;
	struct span bytes;
	// Private.
	char nonce[PUSH_NONCE_SIZE];
	bool synced;
	uint64_t left;  // bytes of the request that follow
	char line[PUSH_LINE_MAX];
	size_t line_len;
	bool overlong;
};

// All that comes is left out until the host says "sync NONCE".
void push_input_sync(struct push_input *input, const char nonce[PUSH_NONCE_SIZE]);
// Takes what is next from `rest`, and shortens it. To be called until PUSH_MORE.
enum push_event push_input_take(struct push_input *input, struct span *rest);
