// SPDX-License-Identifier: MIT
// The container's pseudo-terminal.
#pragma once

#include <stdint.h>

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Opens a pair from the container's /dev/pts; its slave becomes 0, 1, 2, the controlling terminal
// and /dev/console of the caller, a session leader in the container's root. Returns the master,
// close-on-exec and non-blocking, or a negative errno with the failure set.
int pty_open(const struct config_process *process, struct failure *failure);

// Sets the window size. Returns 0 or a negative errno.
int pty_resize(int master, uint16_t rows, uint16_t columns);
