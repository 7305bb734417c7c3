// SPDX-License-Identifier: MIT
// Becoming the container's user.
#pragma once

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Looks up process.user.username, and HOME when the environment lacks it, in the image's files.
// Runs in the container's root. Adds to process (allocated memory stays for the process's life).
// Returns 0 or a negative errno with the failure set.
int credentials_resolve(struct config_process *process, struct failure *failure);

// Looks a user up ("user[:group]", as user_resolve has it) in the image's files. Likewise.
int credentials_find(const char *spec, uid_t *uid, gid_t *gid, struct failure *failure);

// Sets resource limits, groups, user, capabilities and no_new_privs of the calling process, for
// good. Returns 0 or a negative errno with the failure set.
int credentials_apply(const struct config_process *process, struct failure *failure);
