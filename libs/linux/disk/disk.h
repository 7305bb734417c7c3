// SPDX-License-Identifier: MIT
//
// A client of the block device service (libs/abi/blkdev.h): asynchronous requests on a disk's
// channel.
#pragma once

#include <stdbool.h>

#include "libs/abi/blkdev.h"
#include "libs/starina/loop.h"

// Takes the folio back (`handle`, HANDLE_NONE when it was lost with the device, or of a flush) and
// the request's status.
typedef void (*disk_done_fn)(void *context, error_t status, handle_t folio);

struct disk_ops {
	// The disk told its size: requests may start.
	void (*ready)(void *context);
	// The device is gone (ERR_PEER_CLOSED), is somebody else's now (ERR_ACCESS), or broke the
	// protocol; comes after all requests in hand have failed.
	void (*failed)(void *context, error_t error);
};

struct disk_request {
	disk_done_fn done;  // NULL: free
	void *context;
	bool has_folio;
};

// A part of a disk that is used as if it were one. No sectors: the whole disk.
struct disk_region {
	uint64_t first_sector;
	uint64_t num_sectors;
};

struct disk {
	struct source source;
	const struct disk_ops *ops;
	void *context;
	struct loop *loop;
	bool open;
	bool ready;
	bool read_only;
	bool discards;              // it takes disk_discard
	struct disk_region region;  // set between disk_init and `ready`
	uint64_t num_sectors;       // of the region
	struct disk_request requests[BLKDEV_MAX_REQUESTS];
};

// Follows the disk on `channel` (consumed on success). Errors: as loop_add's.
__must_check error_t disk_init(struct disk *disk, struct loop *loop, handle_t channel,
                               const struct disk_ops *ops, void *context);
// Closes the channel (a zeroed disk is fine). Requests in hand are forgotten: their callbacks do
// not come. Not from a callback.
void disk_deinit(struct disk *disk);
// Reads `length` bytes at `sector` into `folio` from its start. Consumes `folio` on success. A
// request to a driver that has just ended is taken, and fails with those in hand. Errors: ERR_FULL
// (BLKDEV_MAX_REQUESTS are under way), ERR_NOT_READY (no driver has told its size, or it is known
// to be gone), ERR_RANGE, ERR_TOO_LARGE, ERR_INVALID, as channel_send's but ERR_PEER_CLOSED.
__must_check error_t disk_read(struct disk *disk, uint64_t sector, uint32_t length, handle_t folio,
                               disk_done_fn done, void *context);
// Writes `length` bytes from the start of `folio` likewise. Errors besides: ERR_ACCESS (a read-only
// disk).
__must_check error_t disk_write(struct disk *disk, uint64_t sector, uint32_t length, handle_t folio,
                                disk_done_fn done, void *context);
// What these sectors hold is not needed any more. Errors: ERR_FULL, ERR_NOT_READY, ERR_RANGE,
// ERR_NOT_SUPPORTED, as disk_read's.
__must_check error_t disk_discard(struct disk *disk, uint64_t sector, uint32_t num_sectors,
                                  disk_done_fn done, void *context);
// Has what was written by requests that are done last. Errors: ERR_FULL, ERR_NOT_READY, as
// disk_read's.
__must_check error_t disk_flush(struct disk *disk, disk_done_fn done, void *context);
