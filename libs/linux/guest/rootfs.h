// SPDX-License-Identifier: MIT
// The container's root file system, put together in bootd's own mount namespace.
#pragma once

#include "libs/linux/control.h"
#include "libs/linux/guest/failure.h"

#define ROOTFS_PATH "/rootfs"

// Mounts the root image at ROOTFS_PATH under a writable overlay. Returns 0 or a negative errno with the
// failure set. Call once.
int rootfs_mount(const struct control_mount *request, struct failure *failure);

// The one program of a rehearsal's root file system: bootd itself, which ends at once (rehearsal.h).
#define REHEARSAL_PROGRAM "/program"
// Makes that at ROOTFS_PATH, without a disk. Returns 0 or a negative errno with the failure set.
int rootfs_rehearse(struct failure *failure);
