// SPDX-License-Identifier: MIT
//
// The tags of a repository.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "tools/common/error.h"

// Asks the registry which tags `location` (what follows docker://, without a tag) has. An array of
// strings, for json_decref(); NULL with `err`. `scratch` is a folder for temporary files.
json_t *tags_list(const char *location, bool without_tls, const char *scratch, struct error *err);
