// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Readiness of an object. Level-triggered.
// channel: a message; timer: expired; event: count > 0; interrupt: pending;
#define READY_READABLE (1u << 0)
// poll: an entry is ready; service: a connection waits;
// connector: connecting will succeed; vcpu: a kick is pending
#define READY_WRITABLE (1u << 1)  // channel: one more send will fit
#define READY_CLOSED (1u << 2)    // channel: peer is gone; process, thread: it has ended

#define POLL_MAX_DEPTH 4
#define POLL_MAX_BATCH 64

struct poll_event {
	uint64_t cookie;
	uint32_t ready;     // READY_* bits, of the entry's interest
	uint32_t received;  // poll_recv's first event: 1 if its message was taken. Otherwise 0
};
