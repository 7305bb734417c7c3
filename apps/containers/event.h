// SPDX-License-Identifier: MIT
//
// One event of Docker's API, as it is kept, told and filtered.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/time.h"
#include "libs/base/list.h"
#include "libs/filters/filters.h"

struct event {
	struct list entry;  // the keeper's
	uint64_t number;    // the keeper's
	nsec_t time;        // CLOCK_WALL
	char *type;
	char *action;
	char *id;
	char *attributes;  // a JSON object of strings
	char *text;        // the whole as a line of JSON
	size_t length;     // of `text`
};

// The keys of filters of events, NULL behind them.
extern const char *const event_filters[];

// An event in heap memory, with copies of all; `attributes` NULL: none. NULL when memory is out.
struct event *event_make(const char *type, const char *action, const char *id,
                         const char *attributes, nsec_t time);
// Frees it; NULL is fine.
void event_free(struct event *event);
// Whether the event is one of those that the filters ask for.
bool event_fits(const struct event *event, const struct filters *filters);
