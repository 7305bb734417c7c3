// SPDX-License-Identifier: MIT
// The control groups of the container: what it may take of the guest, and which device nodes it may
// open.
#pragma once

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Makes the container's groups. Its memory is limited to what is free now less a reserve, or to the
// config's limit if that is less. From now on only Docker's devices can be opened in the guest, the
// config's, and the console's ports, of which `port` is an open one. Returns a file descriptor of
// the group (cgroup v2), for clone3's CLONE_INTO_CGROUP and to be closed by the caller, or a
// negative errno with the failure set. Call once, in bootd.
int cgroup_create(const struct config_resources *resources, int port, struct failure *failure);

// Opens the container's group, which is there, as cgroup_create does.
int cgroup_open(struct failure *failure);

// Makes the group that the calling process was cloned into the root of what it sees
// (cgroup_namespaces(7)). Returns 0 or a negative errno with the failure set.
int cgroup_enter(struct failure *failure);

// Sets other limits of the group, which is there. Returns 0 or a negative errno with the failure
// set.
int cgroup_limit(const struct config_resources *resources, struct failure *failure);

// Stops all processes of the group where they are, or lets them go on. Likewise.
int cgroup_freeze(bool frozen, struct failure *failure);

// The same for as long as somebody looks at its files: each hold is undone by a release. What
// cgroup_freeze said last holds besides.
int cgroup_hold(struct failure *failure);
void cgroup_release(void);

// Reads a file of the group into `text`, as procfs_read_at does.
void cgroup_read(const char *name, char *text, size_t size);

// Removes the container's group, which has no processes any more.
void cgroup_remove(void);

// Takes back what cgroup_create decided of devices, which is bootd's own group's, too.
void cgroup_allow_all(void);
