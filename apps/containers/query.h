// SPDX-License-Identifier: MIT
//
// What is asked of the guest of a container that runs. Its vmm answers some milliseconds later.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/base/span.h"
#include "libs/linux/vm/bootd_protocol.h"

struct client;
struct container;
struct vmm_process;

struct query_answer {
	struct container *c;
	struct client *client;  // as it was asked for; NULL when that has gone
	uint32_t request;
	error_t error;      // ERR_PEER_CLOSED: the container has ended
	const char *text;   // what went wrong, for people
	struct span tail;   // of the message
	struct span bytes;  // of its folio
};

// Comes once for each question, and may not remove the container.
typedef void (*query_fn)(void *context, const struct query_answer *answer);

// Asks. Errors: ERR_BAD_STATE (its vmm cannot be reached), ERR_LIMIT (too many wait),
// ERR_NO_MEMORY.
__must_check error_t query_ask(struct container *c, enum vmm_query what, int32_t value,
                               struct client *client, uint32_t request, query_fn done,
                               void *context);
// Asks it to hold the container to these limits, in place of all others. Errors: as query_ask's.
__must_check error_t query_limit(struct container *c, const struct control_limits *limits,
                                 struct client *client, uint32_t request, query_fn done,
                                 void *context);
// Nothing is told to this context any more.
void query_forget(struct container *c, const void *context);
// The answer of a container's vmm; the message is consumed.
void query_told(struct vmm_process *vmm, struct message *m);
// The container has ended: what waits is told.
void query_end_all(struct container *c);
// Who asked has gone, as with waiters_drop.
void query_waiters_drop(struct container *c, const struct client *client, uint32_t id);
