// SPDX-License-Identifier: MIT
//
// What skopeo does for us: talking to registries, and reading the archives of `docker save`.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"

struct source;

// Asks the registry which image `source` names now: fills in `digest`, `key`, `size` and
// `by_label`. An index's word for which manifest is ours is taken, unless `thorough`: then the
// configurations decide.
int registry_identify(struct source *source, bool thorough, const char *scratch, struct error *err);

// Fetches exactly the image that registry_identify() found. Returns the path of a layout in
// `scratch`; the caller frees it. NULL with `err`.
char *registry_fetch(const struct source *source, const char *scratch, struct error *err);

// Converts the image `number` of a docker-archive, which may be compressed. As registry_fetch().
char *registry_convert(const struct source *source, int number, bool compressed,
                       const char *scratch, struct error *err);

// Whether the registry of `name` (what follows docker://) is this machine: only then TLS is not
// asked for.
bool registry_is_local(const char *name);
