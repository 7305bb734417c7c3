// SPDX-License-Identifier: MIT
//
// The trace: what harts do, as events in a ring each, while a look has them noted (look_watch).
// While none has, each point costs a load, or two, and a branch. A hart alone writes to its ring,
// with interrupts off; anybody reads it, without a lock (trace.c).
#pragma once

#include "kernel/object/look.h"
#include "kernel/sched/sched.h"

struct channel_message;
struct handle_table;

// Whether a look has events noted, or messages counted.
static inline bool hart_is_looked_at(const struct hart *hart)
{
	return __builtin_expect(__atomic_load_n(&hart->looked_at, __ATOMIC_RELAXED) != 0, 0);
}

// Notes an event of `hart`, on which it is called, and its current thread; nothing while only
// messages are counted. Any lock may be held.
void trace_note(struct hart *hart, enum look_event_kind kind, uint32_t argument, uint64_t value);
// The hart leaves `prev`, its current thread still, for `next`.
void trace_switch(struct hart *hart, const struct thread *prev, const struct thread *next);
// The same of this hart, if it is looked at: for what happens seldom.
void trace_seldom(enum look_event_kind kind, uint32_t argument, uint64_t value);

// channel_send_on, which is counted and noted.
error_t trace_send(struct handle_table *table, handle_t handle, struct channel_message *message);
// A message of `type` was received on the handle.
void trace_received(struct handle_table *table, handle_t handle, uint32_t type);

// Makes the rings, once. Errors: ERR_NO_MEMORY.
__must_check error_t trace_make_rings(void);
// Has all harts do what looks want: LOOK_COUNT, LOOK_TRACE_EVENTS.
void trace_set(uint32_t watches);
// Frees the rings. For tests: no hart may be looked at, nor have been until just now.
void trace_trim(void);
