// SPDX-License-Identifier: MIT
// The container's root file system, put together in bootd's own mount namespace.
#pragma once

#include <stdint.h>

#include "guest/bootd/failure.h"

#define ROOTFS_PATH "/rootfs"
// What lies under it: the image's files, and what the container writes (overlayfs).
#define ROOTFS_LOWER "/lower/rootfs"
#define ROOTFS_UPPER "/writable/upper"

// Mounts the image on the root disk, once the kernel has seen it with `sectors` sectors (0: with
// any). All functions: 0 or a negative errno with the failure set.
int rootfs_mount_image(uint64_t sectors, struct failure *failure);
// What the container writes goes to memory, to the writable disk, or to that disk without care for
// what is on it after the container's end.
enum layer {
	LAYER_MEMORY,
	LAYER_DISK,
	LAYER_SCRATCH,
};
#define ROOTFS_WRITABLE_DISK "/dev/vdb"
// Puts a writable layer over the image, at ROOTFS_PATH. One that is not in memory is on `disk`.
int rootfs_mount_layers(enum layer layer, const char *disk, struct failure *failure);
// Nothing more of what is on that disk is written out.
void rootfs_give_up_disk(void);
// Undoes both, and waits until nothing of the root disk is in use.
int rootfs_unmount(struct failure *failure);
// Undoes rootfs_mount_image alone, and waits as well.
int rootfs_unmount_image(struct failure *failure);
