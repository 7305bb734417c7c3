// SPDX-License-Identifier: MIT
//
// Messages that wait for room in a channel, in their order.
#pragma once

#include "libs/base/list.h"
#include "libs/starina/loop.h"

struct outbox {
	struct source *source;  // the channel's
	struct list messages;   // struct waiting
};

// Storage is the caller's.
void outbox_init(struct outbox *box, struct source *source);
// Sends a message, or keeps it until there is room; it is consumed. Errors: ERR_NO_MEMORY,
// channel_send's but ERR_FULL.
__must_check error_t outbox_send(struct outbox *box, struct message *m);
// Sends what waits: the channel can be written to.
void outbox_writable(struct outbox *box);
// Frees what waits: the channel is closed.
void outbox_drop(struct outbox *box);
