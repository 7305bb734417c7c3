// SPDX-License-Identifier: MIT
//
// The configuration of the image that `docker commit` makes. (OCI image spec, config.md)
#pragma once

#include <jansson.h>
#include <time.h>

#include "tools/common/error.h"

// `wanted` has
//   parent     what is known of the container's image, as NAME.json has it (incoming.h)
//   container  what the container was created with, the body of POST /containers/create
//   config     the body of POST /commit; null or absent: none
//   changes    an array of texts: instructions of a Dockerfile
//   comment, author, created_by
// The image has no layer yet. NULL with `err`, in docker's words.
json_t *commit_config_make(const json_t *wanted, time_t now, struct error *err);

// Adds the layer that the container has written. An image of which no layers are known has had one,
// whose digest is `base`.
void commit_config_add_layer(json_t *config, const char *base, const char *layer);
