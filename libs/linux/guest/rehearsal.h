// SPDX-License-Identifier: MIT
// A guest that waits for its container spends the time on a rehearsal: a process of bootd's, in namespaces of its own, goes through all that
// a container goes through, from mounts to execve and exit, with a root file system in memory. Caches are warm then, and an
// emulator has translated the code: the real start takes a fraction of the time. What it leaves behind changes nothing for that.
#pragma once

#include <stdbool.h>

// How long nothing has to be asked of us before it begins.
#define REHEARSAL_DELAY_MS 100
// What the rehearsed program, bootd, is told, so that it just ends.
#define REHEARSAL_ARGUMENT "rehearsal"

// Rehearses, until it is over or `control` is readable: then it is broken off, and false returned.
bool rehearse(int control);
