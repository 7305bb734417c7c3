// SPDX-License-Identifier: MIT
// What lies over the image where the user wants it: a tmpfs; or a share, which is a numbered entry
// of the VM's file system device (libs/abi/files.h).
#pragma once

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Mounts config->added, and makes /dev/shm as large as config->shm_size, from inside the
// container's root and mount namespace; /dev is there. `shares` is left alone, or becomes a mount
// of all shares for touch_begin. Returns 0 or a negative errno with the failure set.
int added_mounts_make(const struct config *config, int *shares, struct failure *failure);
