// SPDX-License-Identifier: MIT
//
// A virtio block device (virtio 1.2, section 5.2; device side), read-only or writable. Requests are
// asynchronous: the backend may finish them later and in any order. Not thread-safe: the machine's
// lock guards it.
#pragma once

#include "libs/virtio/device_mmio.h"

#define BLK_DEVICE_MAX_REQUESTS 32u
// A longer request fails: no driver of ours makes one, and it would hold the machine's lock for too
// long.
#define BLK_DEVICE_MAX_BYTES (4u * 1024 * 1024)

// Of one discard, in sectors: 1 GiB. They begin and end where file systems have their blocks.
#define BLK_DEVICE_MAX_DISCARD (1u << 21)
#define BLK_DEVICE_DISCARD_ALIGNMENT 8u

struct blk_device;

struct blk_device_request {
	struct blk_device *device;
	// bytes on the disk; a multiple of 512, within its capacity when the request came
	uint64_t offset;
	size_t length;  // bytes; 0 of a flush

	// Private.
	bool busy;
	bool is_read;
	uint32_t generation;
	struct device_chain chain;
};

struct blk_device {
	struct virtio_mmio_device mmio;
	// Starts a read. The backend puts the bytes with blk_device_put and ends with
	// blk_device_finish, now or later.
	void (*read)(void *context, struct blk_device_request *request);
	// Starts a write: the backend takes the bytes with blk_device_take and ends likewise. NULL:
	// the disk is read-only.
	void (*write)(void *context, struct blk_device_request *request);
	// Starts a flush: what was written by requests that ended before is to last when it ends.
	// Set if `write` is.
	void (*flush)(void *context, struct blk_device_request *request);
	// Starts a discard: what the range holds is not needed any more. NULL: there is none.
	void (*discard)(void *context, struct blk_device_request *request);
	void *context;
	uint64_t num_sectors;
	char serial[24];
	// changes at each reset of the device or its queue: requests of before get no answer
	uint32_t generation;
	bool starved;  // all requests are busy and the queue has more
	struct device_chain chain;
	struct blk_device_request requests[BLK_DEVICE_MAX_REQUESTS];
};

// Sets the model up. The transport's mem, page, set_irq, irq_context and irq, and `read`, `write`,
// `flush`, `discard`, `context`, `num_sectors` and `serial` are set by the caller before.
void blk_device_init(struct blk_device *dev);
// Changes the disk's size, as a slot that was empty gets its disk; a running driver is told
// (section 5.2.6.1). Requests in hand go on.
void blk_device_set_capacity(struct blk_device *dev, uint64_t num_sectors);
// Puts bytes of the disk into the request, `position` bytes from its start.
void blk_device_put(struct blk_device_request *request, size_t position, struct span bytes);
// Copies what the guest writes, `position` bytes from the request's start. Returns false, and
// nothing was copied, when the range is not within the request or the guest has reset the device or
// its queue since: then its bytes are not to be had any more.
__must_check bool blk_device_take(const struct blk_device_request *request, size_t position,
                                  struct mut_span out);
// Ends the request: 0, or an error, which the guest sees as an I/O error.
void blk_device_finish(struct blk_device_request *request, error_t status);
