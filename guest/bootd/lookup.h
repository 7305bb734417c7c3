// SPDX-License-Identifier: MIT
// Finding the program to execute, as Docker does.
#pragma once

#include <stddef.h>

#include "guest/bootd/failure.h"

// Finds `name`: taken as it is when it has a slash, else searched for in the directories of `path`
// (Docker's default when NULL), with the caller's credentials, root and working directory. Writes
// the path to execute to `out`. Returns 0, or a negative errno with `failure` saying 127 (not
// found) or 126 (not executable) in Docker's words.
int lookup_program(const char *name, const char *path, char *out, size_t size,
                   struct failure *failure);
