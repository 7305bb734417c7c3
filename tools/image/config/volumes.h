// SPDX-License-Identifier: MIT
#pragma once

#include <jansson.h>

// The paths of `Volumes`, clean, sorted, and each once, as the text of a JSON array, which the
// caller frees; NULL when there are none. (OCI image spec, config.md, Volumes)
char *volumes_text(const json_t *config);
