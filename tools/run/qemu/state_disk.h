// SPDX-License-Identifier: MIT
//
// The machine's state disk, on which the OS's own server (apps/fs) keeps volumes from run to run: a
// sparse file of the user's (STARINA_DISK), for one run at a time.
#pragma once

#include <limits.h>

#include "tools/run/qemu/writable_disk.h"

#define STATE_DISK_SIZE ((uint64_t)16 << 30)
#define STATE_DISK_NONE "none"  // of STARINA_DISK: there is none

// Where it is: STARINA_DISK, or in the user's state directory (XDG_STATE_HOME). -1 with `err`: the
// user wants none, or it cannot be told.
int state_disk_path(char path[PATH_MAX], struct error *err);

// Whether the user wants it in a run without volumes, too: for the apps' own folders
// (STARINA_KEEP=1).
bool state_disk_is_wanted(void);

// Whether the user wants none (STARINA_DISK=none): what can do without keeps nothing.
bool state_disk_is_refused(void);

// Takes it, and with `make` makes one that is not there. `disk` has no path if there is none then.
// Released by writable_disk_release(). -1 with `err`.
int state_disk_open(struct writable_disk *disk, bool make, struct error *err);
