// SPDX-License-Identifier: MIT
//
// The state disk: a client of a block device (libs/abi/blkdev.h), for the file system's metadata as
// a struct ext4_device, and for files' bytes, which stay in their folios.
#pragma once

#include "libs/abi/blkdev.h"
#include "libs/ext4/device.h"
#include "libs/starina/loop.h"

// How many requests of the file system are on their way at a time.
#define DISK_META_MAX 16u
// Of one of them, in blocks; a longer one goes in pieces.
#define DISK_META_BLOCKS 64u

// A read or write of whole sectors, into or out of a folio.
struct disk_io {
	struct list entry;
	bool write;
	bool flush;  // nothing else of it counts
	uint64_t sector;
	uint32_t offset;  // in the folio
	uint32_t length;
	// The disk's from disk_submit to `done`. HANDLE_NONE then: it is lost.
	handle_t folio;
	// From the event loop. status: 0 or -LINUX_EIO.
	void (*done)(struct disk_io *io, int status);
	void *context;
};

struct disk;

// A request of the file system, and how far it is.
struct disk_meta {
	struct list entry;
	struct disk *disk;
	struct ext4_io *request;
	struct disk_io io;
	uint32_t done;  // blocks
};

struct disk {
	struct ext4_device device;
	struct loop *loop;
	struct source source;
	bool open;
	// The requests of one turn are answered.
	void (*batch_end)(void *context);
	void *context;
	struct disk_io *slots[BLKDEV_MAX_REQUESTS];
	uint32_t num_busy;
	struct list pending;  // disk_io
	struct disk_meta meta[DISK_META_MAX];
	struct list free_meta;
	struct list waiting_meta;  // ext4_io
	struct list failed;        // disk_io that could not even be sent
	struct source failures;    // an event: there are some
	uint64_t num_errors;
};

// Takes a disk's channel (consumed on success). Waits for what the disk tells of itself. Errors:
// ERR_PROTOCOL, recv_wait's, loop_add's.
__must_check error_t disk_open(struct disk *disk, struct loop *loop, handle_t channel);
void disk_close(struct disk *disk);
void disk_submit(struct disk *disk, struct disk_io *io);
