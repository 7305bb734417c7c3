// SPDX-License-Identifier: MIT
// What every process of the container goes through before its execve, in the process itself:
// the first one (container_init.h) and those that are added to it (added_child.h).
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"

enum report_kind {
	// all but execve is done; carries the terminal's master and the shares (touch.h) when there
	// are any
	REPORT_CREATED = 1,
	REPORT_FAILED = 2,
	REPORT_PREPARED = 3,  // what is the same for all containers is done; it waits for its order
};

// What the process tells bootd on its socket, a record each. The socket's end (it is closed by
// execve) means that execve happened, unless REPORT_FAILED came before it.
struct report {
	uint32_t kind;
	bool has_master, has_shares;  // the descriptors with it, in this order
	struct failure failure;
};

// Looks the user up in the container's files and sets up 0, 1 and 2: a new terminal, which becomes
// /dev/console, too, if that `is_console`, and whose *master is the caller's; or `stdio`, and
// *master is -1. Returns 0 or a negative errno with the failure set; so do the next two.
int process_init_streams(struct config_process *process, const int stdio[3], bool is_console,
                         int *master, struct failure *failure);

// Enters the working directory, and sets the rest of what needs root. The container's first process
// makes the directory when the image lacks it, as with Docker; for others it has to be there.
int process_init_place(const struct config_process *process, bool is_first,
                       struct failure *failure);

// Becomes the user, and finds the program.
int process_init_user(const struct config_process *process, char program[PATH_MAX],
                      struct failure *failure);

// Reports REPORT_CREATED with the descriptors that are not -1, which are closed then.
void process_report_created(int socket, int master, int shares);

// Reports REPORT_FAILED and ends the calling process.
_Noreturn void process_fail(int socket, const struct failure *failure);

// Runs a builtin that looks at the container from outside, with its streams.
_Noreturn void process_run_layer(const struct config_process *process, const int stdio[3],
                                 int socket);

// Executes the program, or fails.
_Noreturn void process_execute(const struct config_process *process, const char *program,
                               int socket);
