// SPDX-License-Identifier: MIT
//
// Lines that the OS writes to our stdin.
#pragma once

#include <stddef.h>

// Reads a line of `fd` into `text`, without its end. Nothing behind it is taken. Returns its
// length, 0 at the end of the input, too; -1 with errno, EMSGSIZE: it does not fit.
long line_input(int fd, char *text, size_t size);
