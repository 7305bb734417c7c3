// SPDX-License-Identifier: MIT
// The container's own mounts and device nodes, made from inside: every function here runs in the
// container's mount namespace after chroot into its root, so that no symbolic link of a hostile
// image leads outside.
#pragma once

#include <limits.h>

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Makes ROOTFS_PATH the caller's root. Returns 0 or a negative errno with the failure set.
int mount_enter(struct failure *failure);

// Mounts config->mounts and fills /dev. As above.
int mount_all(const struct config *config, struct failure *failure);

// Makes the image's volumes: directories that stay writable when the root is sealed. As above.
int mount_volumes(const struct config *config, struct failure *failure);

// Sets the sysctls. As above.
int mount_write_sysctls(const struct config *config, struct failure *failure);

// Writes the files that the runtime provides (/etc/hosts and the like). As above.
int mount_write_files(const struct config *config, struct failure *failure);

// Where a file of the container lies: `path` with its directory resolved, and made if it is
// missing. Returns 0 or -1 with errno.
int mount_locate_file(const char *path, char real[PATH_MAX]);

// Writes a file of the container, 0644, in place of whatever the image has there: a symbolic link,
// a pipe or a device must not take the text. Its directory is made. Returns 0 or -1 with errno.
int mount_write_file(const char *path, const char *text);

// Hides masked paths and seals read-only ones. As above.
int mount_seal(const struct config *config, struct failure *failure);

// Makes the root read-only. As above.
int mount_seal_root(struct failure *failure);
