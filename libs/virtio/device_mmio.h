// SPDX-License-Identifier: MIT
//
// The device's side of the virtio MMIO transport, version 2 (virtio 1.2, section 4.2).
//
// All registers that the driver can read are kept up to date in a page, which a VMM maps read-only
// for its guest: then no read leaves the guest. Nothing in this transport has read side effects,
// and what a selector changes is updated by the write of the selector. Not thread-safe: the
// machine's lock guards the device and its queues.
#pragma once

#include "libs/abi/folio.h"
#include "libs/virtio/device_queue.h"

#define VIRTIO_MMIO_MAX_QUEUES 16u
#define VIRTIO_MMIO_MAX_CONFIG 64u

struct virtio_mmio_device;

// What a device model implements. `context` is the device's. All optional but `notify`.
struct virtio_mmio_ops {
	// The driver acknowledged features and set DRIVER_OK: the queues are ready.
	void (*driver_ok)(void *context);
	// The driver reset the device: forget all requests in hand; the queues are gone. Called
	// from the driver's write, which may be another thread than the I/O side's: what is for
	// that alone to do is left to `serve`, by notify_later.
	void (*reset)(void *context);
	// The I/O side's turn (virtio_mmio_serve), before it looks at the queues.
	void (*serve)(void *context);
	// The driver has taken queue `index` back (QueueReady = 0, section 4.2.2.2): forget its
	// requests in hand. From the driver's write, too.
	void (*queue_reset)(void *context, uint32_t index);
	// Buffers may be available in queue `index`. Called by the I/O side (virtio_mmio_notified).
	void (*notify)(void *context, uint32_t index);
};

struct virtio_mmio_device {
	const struct virtio_mmio_ops *ops;
	void *context;
	const struct guest_memory *mem;
	uint8_t *page;  // PAGE_SIZE bytes, the registers as the driver reads them
	uint32_t device_id;
	uint32_t num_queues;
	uint64_t features;  // offered

	// bit per queue: drivers spin until a buffer in it is used, so the I/O side goes first
	uint64_t spinning_queues;
	// bit per queue: the guest shall not run between its notification and the answer
	uint64_t prompt_queues;
	uint64_t small_queues;  // bit per queue: it has at most DEVICE_QUEUE_SMALL_SIZE buffers

	// Sets the level of the device's interrupt line.
	void (*set_irq)(void *irq_context, uint32_t irq, bool level);
	// Posts one edge of the device's interrupt, which stands for used buffers alone. Optional.
	// Returns false when the driver does not take edges: the level is raised then, and the
	// driver reads and acknowledges why (section 4.2.2).
	bool (*post_irq)(void *irq_context, uint32_t irq);
	// Has virtio_mmio_serve called soon, from the I/O side's loop.
	void (*notify_later)(void *irq_context, uint32_t irq);
	void *irq_context;
	uint32_t irq;
	// Private.
	uint64_t driver_features;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t status;
	uint32_t interrupt_status;
	uint32_t config_generation;
	struct device_queue queues[VIRTIO_MMIO_MAX_QUEUES];
};

// Fills the register page of a device whose public fields are set (num_queues at most
// VIRTIO_MMIO_MAX_QUEUES). VERSION_1, INDIRECT_DESC and EVENT_IDX are offered besides `features`.
void virtio_mmio_init(struct virtio_mmio_device *dev);
// The device's configuration space, at most VIRTIO_MMIO_MAX_CONFIG bytes; once running, the driver
// gets a configuration change interrupt when `interrupt` is set (section 2.5).
void virtio_mmio_set_config(struct virtio_mmio_device *dev, const void *config, size_t len,
                            bool interrupt);
// A write of the guest to register `offset`. An invalid one is without effect.
void virtio_mmio_write(struct virtio_mmio_device *dev, uint64_t offset, uint32_t width,
                       uint64_t value);
// A read of the guest that was not served by the mapped page.
uint64_t virtio_mmio_read(const struct virtio_mmio_device *dev, uint64_t offset, uint32_t width);
// The driver's notification of queue `index` arrived.
void virtio_mmio_notified(struct virtio_mmio_device *dev, uint32_t index);
// The I/O side's turn, after notify_later or a notification that does not say of which queue:
// serves each queue that has work.
void virtio_mmio_serve(struct virtio_mmio_device *dev);
// Whether the driver has set DRIVER_OK.
bool virtio_mmio_is_running(const struct virtio_mmio_device *dev);
// Ends a turn at queue `index`, for which notifications were suppressed: asks for them again.
// Returns true when buffers came in the meantime and the turn goes on. One whose budget is `spent`
// does not: the rest comes by notify_later, so that a guest that never stops filling a queue does
// not hold the I/O side.
__must_check bool virtio_mmio_more(struct virtio_mmio_device *dev, uint32_t index, bool spent);
// Raises the interrupt if queue `index` has used buffers that the driver wants to hear of. Call
// once a batch.
void virtio_mmio_queue_interrupt(struct virtio_mmio_device *dev, uint32_t index);
// Gives the device up (section 2.1.2): a queue was broken by its driver; only a reset helps.
void virtio_mmio_needs_reset(struct virtio_mmio_device *dev);
