// SPDX-License-Identifier: MIT
// The control group of the container: it keeps the container from taking the guest's last pages.
#pragma once

#include "libs/linux/guest/failure.h"

// Makes the control group, limited to what is free now less a reserve. Returns a file descriptor of it,
// for clone3's CLONE_INTO_CGROUP and to be closed by the caller, or a negative errno with the failure set.
// Call once.
int memory_limit_create(struct failure *failure);
