// SPDX-License-Identifier: MIT
//
// The filters of GET /containers/json (`docker ps -f`) and of POST /containers/prune.
#pragma once

#include "apps/containers/containers.h"
#include "libs/filters/filters.h"

struct list_filters {
	struct filters filters;
	const struct container *before;  // NULL: none
	const struct container *since;
	bool has_status;  // so those that do not run are asked for, too
};

// Reads a request's filters; false when they are none, and the request was answered (400; 404 for a
// container that is not there).
bool list_filters_read(struct request *request, struct list_filters *out);
// Whether they let a container through.
bool list_filters_take(const struct list_filters *filters, const struct container *c);
// Frees them.
void list_filters_deinit(struct list_filters *filters);
