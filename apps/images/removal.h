// SPDX-License-Identifier: MIT
//
// Images that are to go: asked of one (remove.c), or of all that nobody needs (prune.c).
// `containers` is asked of each; until it has answered nobody begins to use the image.
#pragma once

#include "apps/images/images.h"

struct removal {
	struct list entry;
	struct client *client;  // NULL: nobody waits for the answer
	uint32_t id;
	bool is_prune;
	bool force;
	bool keeps_parents;
	bool all;                   // prune: also those that have a name
	char name[IMAGE_NAME_MAX];  // rm of a name: only that, if the image has more
	struct string_list ids;     // images that are to go, the one that is asked of first
	size_t next;
	uint32_t question;
	uint64_t freed;
	struct json_writer answer;  // its members
};

// One that a request asks for, of no image yet; NULL: memory is out, and it was answered.
struct removal *removal_begin(struct request *request);
// Asks of the next one, or is done.
void removal_advance(struct images *images, struct removal *removal);
// Frees one that is not asked for any more.
void removal_free(struct removal *removal);
// Whether an image is called something.
bool image_has_name(const struct images *images, const struct image_entry *image);
