// SPDX-License-Identifier: MIT
//
// Events: a count that is signalled and taken.
#pragma once

#include "kernel/object/object.h"

struct event {
	struct object object;
	struct spinlock lock;
	uint64_t count;
};

// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t event_object_create(struct account *account, struct event **out);
// Adds to the count, which sticks at its maximum. Locks of ranks below POLL may be held.
void event_object_signal(struct event *event, uint64_t n);
// Errors: ERR_EMPTY.
__must_check error_t event_object_take(struct event *event, uint64_t *count);

static inline struct event *event_from_object(struct object *object)
{
	return container_of(object, struct event, object);
}
