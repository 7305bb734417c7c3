// SPDX-License-Identifier: MIT
//
// Names of images, as docker reads and shows them. The full form is that of
// libs/linux/image/image_name.h.
#pragma once

#include <stdbool.h>

#include "libs/linux/image/image_name.h"

// The full form of what people write, which is a name by docker's rules. Errors: ERR_INVALID, with
// docker's words in `*text`.
__must_check error_t reference_parse(const char *name, char out[static IMAGE_NAME_MAX],
                                     const char **text);
// What docker shows in place of a full form: without docker.io, and library.
const char *reference_familiar(const char *name);
// Whether a full form has a digest in place of a tag.
bool reference_has_digest(const char *name);
// The length of a full form without tag and digest.
size_t reference_repository(const char *name);
