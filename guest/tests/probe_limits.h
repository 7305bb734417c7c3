// SPDX-License-Identifier: MIT
// Commands of bootd_probe.c that take much of something.
#pragma once

#include <stddef.h>

// Takes `count` of what `kind` names and keeps them: "threads", "descriptors", "signals",
// "watches", "files", "gibibytes". Prints how many it got, and why no more. Returns an exit status.
int probe_take(const char *kind, size_t count);
