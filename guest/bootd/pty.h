// SPDX-License-Identifier: MIT
// The container's pseudo-terminal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

// Opens a pair from the container's /dev/pts; its slave becomes 0, 1, 2 and the controlling
// terminal of the caller, a session leader in the container's root, and /dev/console if it
// `is_console`. Returns the master, close-on-exec and non-blocking, or a negative errno with the
// failure set.
int pty_open(const struct config_process *process, bool is_console, struct failure *failure);

// Sets the window size. Returns 0 or a negative errno.
int pty_resize(int master, uint16_t rows, uint16_t columns);
