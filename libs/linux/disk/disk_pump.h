// SPDX-License-Identifier: MIT
//
// Transfers between a writable disk and somebody's memory, in pieces, flushes and discards. Nothing
// is cached: a guest has a page cache of its own. When the disk's driver restarts, what was under
// way is done again; the bytes of a write are taken again then.
#pragma once

#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/linux/disk/disk.h"

#define DISK_PUMP_PIECE (128u * 1024)
// Pieces under way; each has a folio of its own, made at its first use.
#define DISK_PUMP_PIECES 8u

enum disk_transfer_kind {
	DISK_TRANSFER_READ,
	DISK_TRANSFER_WRITE,
	DISK_TRANSFER_FLUSH,
	DISK_TRANSFER_DISCARD,  // in one piece
};

// A transfer in hand; the caller's storage until `finished`. All callbacks come between the pump's
// enter and leave, or from within disk_pump_start.
struct disk_transfer {
	enum disk_transfer_kind kind;
	uint64_t offset;  // bytes, as `length` a multiple of the sector size; within the disk
	size_t length;    // 0 of a flush

	// A read: bytes of the disk, `position` bytes from the transfer's start. Pieces come in any
	// order.
	void (*put)(void *context, size_t position, struct span bytes);
	// A write: fills `bytes`. Returns false when they are not to be had any more: then the
	// transfer fails, and nothing of this piece is written.
	bool (*take)(void *context, size_t position, struct mut_span bytes);
	void (*finished)(void *context, error_t status);
	void *context;
	// Private.
	size_t started;
	uint32_t in_flight;
	bool is_waiting;
	bool again;
	error_t status;
	struct list entry;
};

struct disk_pump;

struct disk_piece {
	struct disk_pump *pump;
	struct disk_transfer *transfer;  // NULL: free
	handle_t folio;
	size_t position;
	uint32_t length;
};

struct disk_pump {
	struct disk *disk;
	void (*enter)(void *context);
	void (*leave)(void *context);
	void *context;
	// Private.
	bool stalled;         // the disk is gone; disk_pump_resume tells what becomes of it
	error_t gone;         // it will not come back
	struct list waiting;  // transfers that have pieces to start
	struct disk_piece pieces[DISK_PUMP_PIECES];
};

// `disk` outlives the pump.
void disk_pump_init(struct disk_pump *pump, struct disk *disk, void (*enter)(void *context),
                    void (*leave)(void *context), void *context);
// Starts a transfer, whose public fields are set. It may finish before this returns.
void disk_pump_start(struct disk_pump *pump, struct disk_transfer *transfer);
// The disk is back (`error` 0), with the same content, or will not be: then what waits and all that
// comes later fails.
void disk_pump_resume(struct disk_pump *pump, error_t error);
// Frees the folios. Transfers in hand are forgotten. After disk_deinit.
void disk_pump_deinit(struct disk_pump *pump);
