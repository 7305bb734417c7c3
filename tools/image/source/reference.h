// SPDX-License-Identifier: MIT
//
// Names of images in registries, as Docker reads them.
#pragma once

#include "tools/common/error.h"

// The whole of what `name` (what follows docker://) stands for: "alpine" is
// docker.io/library/alpine:latest. A digest wins over a tag. The caller frees it; NULL with `err`:
// `name` is none.
char *reference_normalize(const char *name, struct error *err);
