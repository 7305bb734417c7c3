// SPDX-License-Identifier: MIT
//
// How many bytes the files of all volumes have, for GET /system/df: they are counted in callbacks,
// so that others are answered meanwhile. Who asks in the midst of it gets what it comes to.
#pragma once

#include "libs/base/list.h"
#include "libs/files/volume_size.h"
#include "libs/linux/image/string_list.h"

struct client;
struct containers;
struct request;

// What GET /system/df may be asked for.
enum usage_type { USAGE_CONTAINER, USAGE_IMAGE, USAGE_VOLUME, USAGE_BUILD_CACHE, NUM_USAGE_TYPES };

// Who asks, and for what.
struct usage_question {
	struct list entry;
	struct client *client;
	uint32_t request;
	uint32_t minor;
	bool wanted[NUM_USAGE_TYPES];
};

struct volume_sizes {
	struct containers *all;
	struct list questions;
	struct files files;
	bool started;
	unsigned tries;            // of sessions, for the volume at hand
	struct string_list names;  // of volumes, and what each comes to
	int64_t *bytes;            // heap
	size_t at;
	struct volume_size *count;  // heap; NULL: nothing is counted
};

// Nothing is counted.
void volume_sizes_init(struct containers *all);
// Answers the question by show_usage_now once all is counted. Errors: ERR_NO_MEMORY.
__must_check error_t volume_sizes_ask(struct containers *all,
                                      const struct usage_question *question);
// What was counted last; -1: it is not known.
int64_t volume_sizes_of(const struct volume_sizes *sizes, const char *name);
// A client that is gone, or gave up request `id` (0: all).
void volume_sizes_drop(struct containers *all, const struct client *client, uint32_t id);
