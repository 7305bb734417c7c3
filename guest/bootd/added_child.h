// SPDX-License-Identifier: MIT
// Making a process in the namespaces of the container that runs, as OCI's exec does.
#pragma once

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"
#include "guest/bootd/process_ends.h"

struct added_child {
	int pidfd;
	int socket;                      // process_init.h; reading it does not block
	int pipes[PROCESS_NUM_STREAMS];  // bootd's ends, none of which blocks; -1s with a terminal
};

// Clones a process into the namespaces of the process of `init`, a pidfd, and into the container's
// control group (a builtin that looks at its layer: beside both); it executes `process`, which
// nobody needs afterwards, on its own. With a terminal it reports REPORT_CREATED with the master.
// Returns 0, or a negative errno with the failure set and nothing left behind. Does not wait for
// the process.
int added_child_start(struct config_process *process, int init, struct added_child *child,
                      struct failure *failure);
