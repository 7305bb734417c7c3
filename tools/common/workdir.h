// SPDX-License-Identifier: MIT
//
// Temporary directories that vanish: at the end of the program, on the usual signals, and, should
// the program be killed outright, when the next one makes a directory beside them.
#pragma once

#include "tools/common/error.h"

struct workdir {
	char *path;
	int fd;  // open on the directory and locked: whoever holds the lock owns the directory
};

// Creates `parent` with all its ancestors, removes directories in it whose owner is dead, and makes
// a new one. `path` is absolute. The caller releases it with workdir_destroy().
int workdir_create(struct workdir *workdir, const char *parent, struct error *err);

// Removes the directory with all in it. Harmless on a zeroed or already destroyed one.
void workdir_destroy(struct workdir *workdir);

// Removes the directory at exit() and when a signal from outside ends the program. One at a time;
// `workdir` must stay valid.
void workdir_remove_at_exit(struct workdir *workdir);

// mkdir -p. Returns 0 or -1 with `err`.
int directory_create(const char *path, struct error *err);

// rm -rf, without following symbolic links. Best effort.
void directory_remove(const char *path);
