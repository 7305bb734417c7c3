// SPDX-License-Identifier: MIT
//
// Members of an image in the forms of Docker's API (show.c). A key is written as it stands there,
// with what is before it and its colon.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/span.h"

struct filters;
struct image_entry;
struct images;
struct json_writer;

// A text.
void show_string(struct json_writer *w, const char *key, const char *value);
// A number.
void show_number(struct json_writer *w, const char *key, int64_t value);
// JSON of a record; `otherwise`: there is none.
void show_span(struct json_writer *w, const char *key, struct span value, const char *otherwise);
// A time of an image's configuration, in seconds since 1970; 0: none that is known.
int64_t show_seconds(struct span text);
// An array of its names, with a digest or without, that fit the filter "reference" (NULL: all do).
void show_references(struct json_writer *w, const struct images *images,
                     const struct image_entry *image, bool digests, const struct filters *filters);
