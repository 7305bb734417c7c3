// SPDX-License-Identifier: MIT
//
// Names of container images as people write them, and the one form in which they are compared:
// REGISTRY/PATH:TAG or REGISTRY/PATH@DIGEST, as Docker resolves them and
// tools/image/source/reference.h writes them.
#pragma once

#include <stddef.h>

#include "libs/abi/error.h"

// With the terminating NUL.
#define IMAGE_NAME_MAX 256

// Writes the full form of `name` ("alpine" and "docker://alpine" are
// docker.io/library/alpine:latest). Errors: ERR_INVALID (no image's name).
__must_check error_t image_name_normalise(const char *name, char out[IMAGE_NAME_MAX]);
// Writes the form that people are told ("alpine" is alpine:latest); what is no name as it is, cut.
void image_name_familiar(const char *name, char out[IMAGE_NAME_MAX]);
