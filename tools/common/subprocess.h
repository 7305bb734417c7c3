// SPDX-License-Identifier: MIT
//
// Starting and ending other programs.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tools/common/error.h"

struct spawn {
	const char *const *argv;  // argv[0] is looked up in PATH; NULL-terminated
	int stdin_fd;             // -1: /dev/null
	int stdout_fd;            // -1: /dev/null
	int stderr_fd;            // -1: as ours
	int cwd_fd;               // directory to start in; -1: ours
	const char *temp_dir;     // TMPDIR of the child; NULL: ours
	bool own_group;    // out of the terminal's foreground group: Ctrl-C is then ours to forward
	int death_signal;  // what it gets when we die; 0: SIGKILL
	const int *pass_fds;  // further descriptors that the child keeps, under the same numbers
	unsigned num_pass_fds;
};

// Starts a program that gets a signal when this one dies. Descriptors other than the named ones
// must be close-on-exec. Returns its process id, or -1 with `err` (a program that is not there is
// an error here, not an exit status).
pid_t subprocess_spawn(const struct spawn *spawn, struct error *err);

// Blocks until `pid` ends; returns its exit status, or 128 + the signal that ended it.
int subprocess_wait(pid_t pid);

// As subprocess_wait(), but returns -1 at once when `pid` is still running.
int subprocess_poll(pid_t pid);
