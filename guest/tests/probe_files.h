// SPDX-License-Identifier: MIT
// Commands of bootd_probe.c about files. Each returns an exit status, and prints what it finds.
#pragma once

#include <sys/types.h>

// The extended attributes of a file, values in hexadecimal digits.
int probe_attributes(const char *path);
// Gives a file, which is made, an attribute.
int probe_set_attribute(const char *path, const char *name);
// Reads, writes and reads a file with O_DIRECT.
int probe_direct(const char *path);
// Executes a command as another user.
int probe_become(uid_t user, char **command);
// Lets a child process crash in a directory, and looks for its core file there.
int probe_crash(const char *directory);
