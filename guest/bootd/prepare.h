// SPDX-License-Identifier: MIT
// A guest that waits for its container does ahead what it can. It rehearses one: a process in
// namespaces of its own goes through all that a container goes through, from mounts to execve and
// exit, on the image's root. Caches are warm then, and an emulator has translated the code. And it
// makes one for good, up to what its configuration decides.
#pragma once

#include <stdint.h>

#include "guest/bootd/failure.h"
#include "guest/bootd/container_process.h"

// Mounts the image on the root disk (rootfs_mount_image) and prepares a container of default
// settings on it: `process` is PREPARED then. `network` is who the guest is, or NULL; `control` is
// the control port. Returns 0 or a negative errno with the failure set; then this guest is of no
// more use.
int prepare_container(struct process *process, uint64_t root_sectors,
                      const struct control_network *network, int control, struct failure *failure);
// Mounts the image, rehearses a container on it, and lets the root disk go. Returns as above.
int prepare_rehearsal(uint64_t root_sectors, const struct control_network *network, int control,
                      struct failure *failure);
