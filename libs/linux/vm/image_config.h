// SPDX-License-Identifier: MIT
//
// What an image says of how it is run, as parts of a container's config.json (OCI runtime spec).
#pragma once

#include "libs/json/json.h"
#include "libs/linux/image/image_index.h"

// Docker's, before what the image says.
#define CONFIG_DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Writes the elements of an array.
void config_write_strings(struct json_writer *w, const struct string_list *list);
// Sets the image's variables in `env`; what is no assignment is passed over, as docker does.
// Errors: ERR_NO_MEMORY.
__must_check error_t config_add_image_env(struct string_list *env, const struct image *image);
// Writes the member of the annotations with an image's volumes (CONTROL_VOLUMES_ANNOTATION).
void config_write_volumes(struct json_writer *w, const struct string_list *volumes);
