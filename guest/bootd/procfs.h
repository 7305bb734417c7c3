// SPDX-License-Identifier: MIT
// What the guest kernel says of itself in /proc, for bootd, which has none mounted that a container
// could not have covered.
#pragma once

#include <stddef.h>

// Reads the start of a file of /proc into `text`, of `size` bytes, and ends it with NUL; "" when it
// cannot be read. Returns `text`.
char *procfs_read(const char *path, char *text, size_t size);

struct procfs_setting {
	const char *path;  // of a file of /proc, without that
	const char *text;
};

// Writes to files of /proc. One that is not there or does not take the text is passed over.
void procfs_write(const struct procfs_setting *settings, size_t count);
