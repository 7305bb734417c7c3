// SPDX-License-Identifier: MIT
//
// Files of one line by which others find the newest run: the path of a socket, or a URL. Runs that
// start and end at the same time share them; who reads one sees a whole line.
#pragma once

#include "tools/common/error.h"

// Replaces the file `path` by one with `line` and a line feed, for this user only. -1 with `err`.
int address_file_write(const char *path, const char *line, struct error *err);

// Removes the file, unless another run's line is in it by now.
void address_file_remove(const char *path, const char *line);
