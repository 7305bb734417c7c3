// SPDX-License-Identifier: MIT
//
// Options of mounts, with commas between them; those of a tmpfs, as the guest's Linux takes them.
#pragma once

#include "apps/containers/settings.h"
#include "libs/base/span.h"

// Longer options do not fit into what Linux is given, with the mount point's own mode.
#define TMPFS_OPTIONS_MAX 4000u

// The next option; `rest` is behind it then.
struct span option_next(const char **rest);
// Whether it is one of `words`, which end in NULL.
bool option_is_one_of(struct span option, const char *const *words);
// Whether Linux would mount a tmpfs with these. Errors: ERR_INVALID, with a text for people.
__must_check error_t tmpfs_options_check(const char *options,
                                         char error[static SETTINGS_ERROR_MAX]);
