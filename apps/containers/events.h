// SPDX-License-Identifier: MIT
//
// What happens, told to who watches (GET /events). The last ones are kept, for who asks what there
// was.
#pragma once

#include <stdint.h>

#include "libs/base/list.h"

struct container;
struct containers;
struct request;

struct events {
	struct list kept;  // struct event, the oldest first
	uint32_t num_kept;
	size_t bytes;   // of what is kept
	uint64_t next;  // number of the next event
	struct list readers;
	uint32_t num_readers;
};

// Nobody reads, and nothing is kept yet.
void events_init(struct events *events);
// Tells an event of Docker's API to all who watch: `type` is "container", "image", "volume",
// "network", `action` what was done ("create", "exec_start: sh"), `id` to whom or what.
// `attributes` is a JSON object of strings, or NULL; among them, "image" and "name" are what
// filters look at. All are copied. Without memory the event is lost, and that is logged.
void events_tell(struct containers *all, const char *type, const char *action, const char *id,
                 const char *attributes);
// The same of a container, with what all its events say: name, image and labels. `more` is further
// members of the object, as `"exitCode":"0"`, or NULL.
void events_container(const struct container *c, const char *action, const char *more);
// That the container has what there is of volumes ("mount"), or not any more ("unmount").
void events_volumes(const struct container *c, const char *action);
// That what nobody needs of a type was removed, and how many bytes that has freed.
void events_prune(struct containers *all, const char *type, uint64_t reclaimed);
// GET /events: the stream of them, from `since` until `until`, of `filters`.
void operation_events(struct request *request);
