// SPDX-License-Identifier: MIT
//
// Headers of a ustar archive (POSIX.1-1988, as the boot disk has it).
#pragma once

#include "libs/base/span.h"

#define USTAR_BLOCK 512u

struct ustar_entry {
	char name[101];
	uint64_t size;
	bool is_file;
};

// Checks and reads a header block. Errors: ERR_EMPTY (a block of zeroes: the archive's end),
// ERR_INVALID (checksum, magic, numbers), ERR_TOO_LARGE (a size that no archive of ours has).
__must_check error_t ustar_entry_parse(struct span block, struct ustar_entry *out);
