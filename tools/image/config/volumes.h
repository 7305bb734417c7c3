// SPDX-License-Identifier: MIT
#pragma once

#include <jansson.h>

// The paths of `Volumes`, clean, sorted, and each once: a new array, empty when there are none.
// (OCI image spec, config.md, Volumes)
json_t *volumes_list(const json_t *config);
