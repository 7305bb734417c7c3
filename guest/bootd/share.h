// SPDX-License-Identifier: MIT
// Folders and files of the host, mounted where the configuration says. They are the numbered
// entries of the VM's file system device (libs/abi/files.h).
#pragma once

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Mounts config->shares, from inside the container's root and mount namespace; /dev is there.
// Returns 0 or a negative errno with the failure set.
int share_mount_all(const struct config *config, struct failure *failure);
