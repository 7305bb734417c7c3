// SPDX-License-Identifier: MIT
// The container's root file system, put together in bootd's own mount namespace.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/bootd/failure.h"

#define ROOTFS_PATH "/rootfs"

// Mounts the image on the root disk, once the kernel has seen it with `sectors` sectors (0: with
// any). All functions: 0 or a negative errno with the failure set.
int rootfs_mount_image(uint64_t sectors, struct failure *failure);
// Puts a writable layer (the writable disk or a tmpfs) over the image, at ROOTFS_PATH.
int rootfs_mount_layers(bool writable_disk, struct failure *failure);
// Undoes both, and waits until nothing of the root disk is in use.
int rootfs_unmount(struct failure *failure);
