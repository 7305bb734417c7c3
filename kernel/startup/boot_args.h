// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

// The word that `*args` begins with, after blanks; `*args` goes past it. Its length; 0 at the end.
size_t boot_args_next(const char **args, const char **word);

// boot_arg_find (kernel/startup/devices.h) in the command line `args`. A value that does not fit
// into `size` bytes is cut.
bool boot_args_lookup(const char *args, const char *app, const char *name, char *value,
                      size_t size);
