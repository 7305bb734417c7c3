// SPDX-License-Identifier: MIT
//
// Archives of `docker save`: which of the images in one is meant.
#pragma once

#include "tools/common/error.h"

// Finds the linux/riscv64 image in the archive at `path`, with `ref` (may be NULL) among those with
// that tag. `name` names the archive in messages. Returns its number in manifest.json, or -1 with
// `err`, which lists what there is.
int docker_archive_choose(const char *path, const char *name, const char *ref, struct error *err);
