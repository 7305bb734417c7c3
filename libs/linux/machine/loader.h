// SPDX-License-Identifier: MIT
//
// Reads files of the boot disk into guest memory, several requests at a time.
#pragma once

#include "libs/linux/disk/disk.h"
#include "libs/base/span.h"

#define LOADER_PIECE (512u * 1024)
#define LOADER_DEPTH 4u

struct loader;

struct loader_slot {
	struct loader *loader;
	handle_t folio;
	bool busy;
	uint64_t position;
	uint32_t length;
};

// One file at a time.
struct loader {
	struct disk *disk;
	uint64_t offset;  // of the file on the disk; a multiple of 512
	uint64_t size;
	struct mut_span target;
	// The last bytes arrived, or an error; all folios are given back by then.
	void (*finished)(void *context, error_t status);
	void *context;
	// Private.
	uint64_t started;
	uint32_t in_flight;
	error_t error;
	struct loader_slot slots[LOADER_DEPTH];
};

// Starts reading `size` bytes at `offset` of `disk` into `target`, which holds as many. `finished`
// comes later, never from within. Errors: ERR_INVALID, ERR_NOT_READY (the disk's driver has not
// told its size, or is gone), ERR_RANGE, ERR_NO_MEMORY, ERR_LIMIT, as disk_read's; then `finished`
// does not come.
__must_check error_t loader_start(struct loader *loader, struct disk *disk, uint64_t offset,
                                  uint64_t size, struct mut_span target,
                                  void (*finished)(void *context, error_t status), void *context);
