// SPDX-License-Identifier: MIT
// Linux capabilities by the names that config.json uses.
#pragma once

#include <stdint.h>

#define CAPABILITY_LAST 40  // CAP_CHECKPOINT_RESTORE

// The 14 capabilities that Docker gives to a container that asks for nothing.
extern const uint64_t capability_default_set;

// Returns the number of a capability ("CAP_CHOWN", "CAP_KILL" ...), or -1 if there is none so
// named.
int capability_from_name(const char *name);
