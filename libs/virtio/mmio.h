// SPDX-License-Identifier: MIT
//
// The driver's side of the virtio-mmio transport (virtio 1.2, 4.2), modern (version 2) only.
#pragma once

#include <stdbool.h>

#include "libs/abi/app.h"
#include "libs/abi/error.h"
#include "libs/virtio/queue.h"

struct virtio_device {
	volatile uint8_t *regs;
	size_t regs_size;
	handle_t interrupt;
	uint64_t features;  // negotiated
	const char *name;   // for log lines
};

// Maps the registers of the environment's `entry`, checks that a modern device of type `device_id`
// is there, resets it and acknowledges it (3.1.1, steps 1 to 3). Logs what is wrong. `name` is
// kept. Errors: ERR_NOT_FOUND (no device in this slot), ERR_NOT_SUPPORTED (legacy interface),
// ERR_IO, folio_map's.
__must_check error_t virtio_device_open(struct virtio_device *dev, const struct env_entry *entry,
                                        uint32_t device_id, const char *name);
// Negotiates `wanted` as far as the device offers it (VERSION_1 and EVENT_IDX are asked for in any
// case); the result is dev->features (3.1.1, steps 4 to 6). Errors: ERR_NOT_SUPPORTED.
__must_check error_t virtio_device_negotiate(struct virtio_device *dev, uint64_t wanted);
// Makes queue `index` with at most `max_size` descriptors (a power of two). Errors: ERR_NOT_FOUND
// (the device lacks it), virtqueue_init's.
__must_check error_t virtio_queue_setup(struct virtio_device *dev, uint32_t index,
                                        uint16_t max_size, struct virtqueue *vq);
// The driver is ready: the device starts (3.1.1, step 8).
void virtio_device_start(struct virtio_device *dev);
// Stops the device: it uses none of its queues from now on.
void virtio_device_reset(struct virtio_device *dev);
// Tells the device and the log that the driver gives up on it.
void virtio_device_fail(struct virtio_device *dev, const char *why);

// Shows the device what was pushed to queue `index`, and notifies it if it wants that.
void virtio_queue_kick(struct virtio_device *dev, uint32_t index, struct virtqueue *vq);
// Acknowledges the interrupt toward the device; returns its causes (VIRTIO_MMIO_INT_*).
// interrupt_ack follows once the queues were looked at.
uint32_t virtio_interrupt_take(struct virtio_device *dev);
// Reads `count` fields of `width` bytes (1, 2 or 4; of a 64-bit field the two halves) from the
// configuration space, consistently (2.5.3, 4.2.2.2). Errors: ERR_RANGE, ERR_IO (it never holds
// still).
__must_check error_t virtio_config_read(const struct virtio_device *dev, size_t offset,
                                        size_t width, size_t count, void *out);

static inline bool virtio_device_has(const struct virtio_device *dev, uint64_t feature)
{
	return (dev->features & feature) != 0;
}
