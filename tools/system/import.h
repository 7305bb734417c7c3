// SPDX-License-Identifier: MIT
//
// The command `import`: an image of one layer, out of a file system's archive.
#pragma once

#include "tools/common/error.h"

// Texts; "" of the first three: none.
struct import_wanted {
	const char *reference;  // what it is to be called
	const char *message;    // what its history says, else where it comes from
	// http://... or https://...; else the archive comes from `fd`.
	const char *url;
	const char *const *changes;  // instructions (change.h), ended by NULL
};

// Reads a tar archive, plain or compressed, from `fd` or the URL, and makes an image of it in the
// folder `directory` (incoming.h). Its id is reported as a status, as docker does. -1 with `err`.
int import(int fd, const struct import_wanted *wanted, const char *directory, struct error *err);
