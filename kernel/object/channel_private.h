// SPDX-License-Identifier: MIT
//
// Between channel.c and channel_transit.c.
#pragma once

#include "kernel/object/channel.h"

struct channel {
	struct spinlock lock;
	uint32_t alive;  // ends, atomic
	struct account *account;
	struct channel_end ends[2];
};

// A handle in a queue: counted at its object.
struct queued_handle {
	struct object *object;
	rights_t rights;
	bool is_end;
	bool in_transit;
	struct list entry;            // in the end's transit list
	struct channel_end *holder;  // in whose queue it lies
};

struct channel_message {
	struct channel_message *next;
	struct account *account;  // the sender's
	uint32_t charged;
	uint16_t num_queued;  // handles that it holds
	uint16_t num_ends;    // channel ends among them
	struct queued_handle *queued;
	struct message_header header;  // the data follows: one copy hands both out
	uint8_t data[];
};

// The lock of what is known about channel ends that lie in queues.
void channel_transit_lock(void);
void channel_transit_unlock(void);
// Records that the ends among the message's handles lie in the queue of `holder` from now on; and the reverse.
void channel_transit_enter_locked(struct channel_message *message, struct channel_end *holder);
void channel_transit_leave_locked(struct channel_message *message);
// As channel_transit_leave_locked, with no lock held.
void channel_transit_leave(struct channel_message *message);
// Closes `end` and all that hold it when no process can reach them any more. No lock is held; the caller holds a reference.
void channel_check_reachable(struct channel_end *end);
