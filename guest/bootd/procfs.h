// SPDX-License-Identifier: MIT
// What the guest kernel says of itself in /proc, for bootd, which has none mounted that a container
// could not have covered.
#pragma once

#include <stddef.h>

// Opens a /proc that is mounted nowhere. Returns a descriptor, or -1.
int procfs_open(void);

// Reads the start of `path` below the directory `root` into `text`, of `size` bytes, and ends it
// with NUL; "" when it cannot be read. Returns how many bytes there are.
size_t procfs_read_at(int root, const char *path, char *text, size_t size);

// Reads the start of a file of /proc into `text`, of `size` bytes, and ends it with NUL; "" when it
// cannot be read. Returns `text`.
char *procfs_read(const char *path, char *text, size_t size);

struct procfs_setting {
	const char *path;  // of a file of /proc, without that
	const char *text;
};

// Writes to files of /proc. One that is not there or does not take the text is passed over.
void procfs_write(const struct procfs_setting *settings, size_t count);
