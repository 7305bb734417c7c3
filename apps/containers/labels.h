// SPDX-License-Identifier: MIT
//
// Labels of a container: its own, and those of its image that it has not given another value.
#pragma once

#include "libs/json/json.h"

// Writes both as one object. `own` and `of_image` are JSON, objects of strings; NULL: none.
void labels_merge(struct json_writer *w, const char *own, const char *of_image);
