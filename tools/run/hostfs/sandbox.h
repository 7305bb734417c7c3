// SPDX-License-Identifier: MIT
//
// What the server of the host's folders takes from itself before it reads what a guest sends: a
// fault in it is not to be more than the folders.
#pragma once

#include <stdbool.h>

#include "tools/run/hostfs/hostfs.h"

// The newest version of Landlock that is known here; 0: none.
#define SANDBOX_LANDLOCK_MAX 6

// For good, from the calling process: all privileges but those over files, new ones by what it
// executes, the calls that files need nowhere, and, by Landlock in a version of at most `landlock`,
// all files but the shares (read only, those that are) and what is not files. Where the host's
// kernel has less, less is taken. Returns whether Landlock holds.
bool sandbox_enter(const struct hostfs_share *shares, unsigned count, int landlock);
