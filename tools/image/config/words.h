// SPDX-License-Identifier: MIT
#pragma once

#include <jansson.h>

#include "tools/common/error.h"

// Splits `text` into words as a POSIX shell does (quotes and backslashes, no expansions); text that
// begins with [ is taken as a JSON array of strings, as in a Dockerfile. Returns an array of
// strings for json_decref(), NULL with `err`.
json_t *words_split(const char *text, struct error *err);
