// SPDX-License-Identifier: MIT
//
// The images that were packed before, one directory each, named by digest and complete since the
// moment it has its name. Any number of programs may use it at once.
#pragma once

#include "tools/common/error.h"

// images/ in ${STARINA_CACHE}, or in starina/ of the user's cache directory. The caller frees it;
// NULL with `err`.
char *cache_directory(struct error *err);

// The directory (pack.h) of the image that `reference` (source.h) names, from the cache or made
// now: fetched, checked and packed. Blocks, with progress lines. The caller frees it; NULL with
// `err`, and then nothing is left behind.
char *cache_resolve(const char *cache, const char *reference, struct error *err);
