// SPDX-License-Identifier: MIT
// The root of the machine's file system device (libs/abi/files.h), whose numbered entries are
// shares. It is mounted at boot, when nobody waits, beside the container's root: no container sees
// it. What it has, and what it can do, the VMM says once the container is known; until then a
// request to it waits.
#pragma once

#include <stdbool.h>

// Mounts it, once no mount of it from before is left. Returns false in a machine that has no such
// device.
bool shares_mount(void);
// Whether it is mounted.
bool shares_are_mounted(void);
// Remembers it, in a process that is to leave bootd's root: shares_root is its mount in the
// process's own namespace.
void shares_remember(void);
// An O_PATH descriptor of it, or -1.
int shares_root(void);
// Gives it up; once it is mounted nowhere, Linux has told the shares' servers to write what they
// have.
void shares_unmount(void);
