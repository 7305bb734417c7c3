// SPDX-License-Identifier: MIT
//
// What an ext4 file system lies on: a disk of whole blocks, whose requests complete later. apps/fs
// gives a block device of the OS, the tests give memory, with crashes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/list.h"

#define EXT4_BLOCK_SIZE 4096u

struct ext4_io;

typedef void (*ext4_io_done_fn)(struct ext4_io *io, int status);

// One request. It is the device's from submit or flush until `done`.
struct ext4_io {
	struct list entry;  // for whoever has it
	uint64_t block;
	uint32_t count;  // of blocks
	bool write;
	uint8_t *bytes;  // count * EXT4_BLOCK_SIZE of them

	// From `wait` or the device's event loop, never from submit or flush. status: 0 or a
	// negative LINUX_E*.
	ext4_io_done_fn done;
	void *context;
};

struct ext4_device {
	uint64_t num_blocks;
	bool read_only;
	// Begins a request that lies within num_blocks. Requests may complete in any order, and
	// what is written is on the medium, whole or torn at 512 bytes, at any time from now on.
	void (*submit)(struct ext4_device *device, struct ext4_io *io);
	// `done` when all that was written with `done` before the call stays over a power cut.
	void (*flush)(struct ext4_device *device, struct ext4_io *io);
	// Blocks until a request has completed and its `done` was called. For mount and unmount,
	// when nobody else is there yet.
	void (*wait)(struct ext4_device *device);
};
