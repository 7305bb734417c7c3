// SPDX-License-Identifier: MIT
//
// Timers: a queue of deadlines per hart, and the timer object over it.
#pragma once

#include "kernel/object/object.h"
#include "libs/abi/poll.h"
#include "libs/abi/time.h"

// A deadline in a hart's queue. The storage is the owner's.
struct timer_node {
	struct list entry;
	nsec_t deadline;
	uint32_t hart;   // whose queue it is in or was in last
	uint32_t state;  // private

	// Called at the deadline, on the hart that armed it, in the timer interrupt, without a lock
	// held.
	void (*fire)(struct timer_node *node);
};

// A node in no queue.
void timer_node_init(struct timer_node *node, void (*fire)(struct timer_node *node));
// Puts the node into this hart's queue (or moves it). NSEC_NEVER takes it out. Locks of ranks below
// TIMER may be held, except those that fire() takes.
void timer_node_arm(struct timer_node *node, nsec_t deadline);
// Takes the node out. When it returns, fire() does not run and will not. No lock that fire() takes
// may be held.
void timer_node_cancel(struct timer_node *node);

// From the timer interrupt: fires what is due, ends time slices, sets the next deadline.
void timer_interrupt(nsec_t now);
// Sets this hart's hardware timer to what is next: a deadline of the queue or the end of the time
// slice.
void timer_program(void);
// The earliest deadline in this hart's queue, NSEC_NEVER when there is none.
nsec_t timer_next_deadline(void);
// Before the first use, once.
void timer_init(void);

struct timer;
struct account;
// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t timer_object_create(struct account *account, struct timer **out);
void timer_object_set(struct timer *timer, nsec_t deadline);
struct object *timer_object(struct timer *timer);
struct timer *timer_from_object(struct object *object);
