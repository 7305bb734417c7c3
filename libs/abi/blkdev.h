// SPDX-License-Identifier: MIT
//
// The block device service ("blkdev"), provided by virtio_blk. Open "blk:SERIAL" (its virtio
// serial, as "blk:boot") with MSG_OPEN: the open_reply's channel is the disk's, on which
// blkdev_info comes first. "blk:SERIAL@SECTOR" is that disk from SECTOR (decimal) to its end: what
// lies before cannot be reached. Requests may be many at a time (at most BLKDEV_MAX_REQUESTS; more
// are refused with ERR_FULL) and may complete in any order.
//
// Once an open is answered, nothing comes of what a client asked that had closed its end before:
// the device has done it, or it was dropped. So what was not answered when a client closes may be
// done or not, as at a power cut.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/message.h"

#define BLKDEV_SECTOR_SIZE 512u
#define BLKDEV_MAX_REQUESTS 32u
// Bytes of one request at most.
#define BLKDEV_MAX_BYTES (1024u * 1024u)

// Sectors of one discard at most: 1 GiB.
#define BLKDEV_MAX_DISCARD (1u << 21)

#define BLKDEV_READ_ONLY (1u << 0)
#define BLKDEV_DISCARDS (1u << 1)  // it knows blkdev_discard

struct msg_blkdev_info {
	uint64_t num_sectors;
	uint32_t flags;
	uint32_t reserved;
	char serial[24];  // NUL-terminated
};

// One handle: the folio to read into or write from, at [offset, offset + length). The device owns
// it until it comes back in the reply. `offset` and `length` are multiples of BLKDEV_SECTOR_SIZE.
struct msg_blkdev_request {
	uint64_t sector;
	uint32_t id;
	uint32_t offset;
	uint32_t length;
	uint32_t reserved;
};

// The folio comes back as the one handle. status: 0 or ERR_*.
struct msg_blkdev_reply {
	uint32_t id;
	int32_t status;
};

// A reply with this id is to no request: the disk was given to somebody else, and is closed.
#define BLKDEV_REVOKED UINT32_MAX

struct msg_blkdev_flush {
	uint32_t id;
};

// Nobody needs what these sectors hold: from then on they may read as zeroes, all of them or some,
// and take up no room where the disk has none to give.
struct msg_blkdev_discard {
	uint64_t sector;
	uint32_t num_sectors;  // 1 to BLKDEV_MAX_DISCARD
	uint32_t id;
};

// Asked of a connection to the service, in place of an open: which disks there are, and what has
// gone through them since the driver's start.
struct msg_blkdev_count {
	uint32_t id;
};

#define BLKDEV_USERS_MAX 8u  // of one disk; more are not told

struct blkdev_counts {
	char serial[24];  // NUL-terminated
	uint64_t num_sectors;
	uint32_t flags;  // BLKDEV_READ_ONLY, BLKDEV_DISCARDS
	uint32_t num_users;
	char users[BLKDEV_USERS_MAX][APP_NAME_MAX];  // apps that have it open, each as often
	uint64_t reads, read_bytes;
	uint64_t writes, written_bytes;
	uint64_t flushes;
};

// One handle: a folio with `count` struct blkdev_counts; none when there is no disk.
struct msg_blkdev_counted {
	uint32_t id;
	uint32_t count;
};

// READ, WRITE: blkdev_request; FLUSH: blkdev_flush; DISCARD: blkdev_discard; each answered by
// blkdev_reply.
#define BLKDEV_MESSAGES(X)                             \
	X(BLKDEV_INFO, blkdev_info, 48, 0, NONE)       \
	X(BLKDEV_READ, blkdev_request, 49, 1, NONE)    \
	X(BLKDEV_FLUSH, blkdev_flush, 51, 0, NONE)     \
	X(BLKDEV_REPLY, blkdev_reply, 52, 1, NONE)     \
	X(BLKDEV_DISCARD, blkdev_discard, 53, 0, NONE) \
	X(BLKDEV_COUNT, blkdev_count, 54, 0, NONE)     \
	X(BLKDEV_COUNTED, blkdev_counted, 55, 1, NONE)
// A type of its own with the layout of another.
#define BLKDEV_ALIASES(X) X(BLKDEV_WRITE, blkdev_request, 50, 1, NONE)

enum { BLKDEV_MESSAGES(MESSAGE_NUMBER) BLKDEV_ALIASES(MESSAGE_NUMBER) };
BLKDEV_MESSAGES(MESSAGE_DECODER)
BLKDEV_MESSAGES(MESSAGE_ENCODER)
