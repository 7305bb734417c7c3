// SPDX-License-Identifier: MIT
//
// Small files that lie at the beginning of the boot disk's archive: secrets of this boot, and the
// page of the web shell. They are read once, at an app's start, and the way to the disks is closed
// then: what clients say finds none.
#pragma once

#include "libs/boot_files/ustar.h"
#include "libs/starina/loop.h"
#include "libs/starina/opener.h"

// A file that is wanted. Zero-initialised but for what is set.
struct boot_wanted {
	const char *name;
	uint64_t max;  // bytes, at most FOLIO_MAX_CONTIGUOUS
	// What was read: the bytes are at the folio's start, which is the caller's. HANDLE_NONE:
	// there is no such file.
	handle_t folio;
	uint64_t size;
};

// Storage is the caller's.
struct boot_files {
	// All that is wanted and there was read (`error` 0), or why not: what was read is the
	// caller's then, too.
	void (*done)(void *context, error_t error);
	void *context;
	// Private.
	struct loop *loop;
	handle_t connector;
	struct opener opener;
	struct source disk;
	struct boot_wanted *wanted;
	size_t count;
	struct boot_wanted *current;  // whose bytes are read; NULL: it is a header
	uint64_t position;            // of the next header, in bytes
	uint64_t offset;              // in the current file
	uint64_t num_sectors;         // 0: the driver has not told yet
	uint64_t awaited;             // bytes of the folio that a reply has to bring; 0: none
};

// Reads `count` files of the boot disk of "blkdev" behind `connector`, which is closed then. They
// are looked for among the first files of the archive, up to the first that is not wanted (POSIX
// ustar). `wanted` has to last until `done`, which may come from within this call. Errors, to
// `done`: ERR_IO, ERR_PROTOCOL, ERR_INVALID (not an archive), ERR_RANGE (it goes on beyond the
// disk), ERR_TOO_LARGE, folio_create's, opener_start's.
void boot_files_read(struct boot_files *files, struct loop *loop, handle_t connector,
                     struct boot_wanted *wanted, size_t count,
                     void (*done)(void *context, error_t error), void *context);
// Copies the first `len` bytes of a file that was read to `out`, and closes it; its memory is
// cleared before it goes back to the system. Errors: ERR_NOT_FOUND (there is none, or it is
// shorter), folio_map's.
__must_check error_t boot_file_take(struct boot_wanted *file, void *out, size_t len);
