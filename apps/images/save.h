// SPDX-License-Identifier: MIT
//
// docker save: an archive for the client of images, one after the other: of their layers that are
// kept, else of what a virtual machine writes of their files (IMAGES_EXPORT). Nothing is kept on
// the way.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct client;
struct images;
struct request;
struct save_item;

// Images of one archive.
#define SAVE_ITEMS_MAX 256u

// GET /images/NAME/get, or with `is_list` GET /images/get: 404 (an image).
void operation_save(struct request *request, bool is_list);
// `containers` has gone: saves end.
void saves_fail(struct images *images);
// A client of the service is gone.
void saves_drop(struct images *images, const struct client *client);

// --- save_names.c ---

// Adds the images that a name means, or all that the query has, to `items`, of SAVE_ITEMS_MAX,
// each once. False: the request was answered.
bool save_names_find(struct request *request, const char *text, struct save_item *items,
                     size_t *count);
bool save_names_find_all(struct request *request, struct save_item *items, size_t *count);
