// SPDX-License-Identifier: MIT
//
// The device's side of a split virtqueue (virtio 1.2, section 2.7), with event index and indirect
// descriptors.
//
// The rings lie in the guest's memory and the guest is malicious: each descriptor is copied once
// and then checked, a chain cannot loop, and a queue whose driver breaks the rules becomes `broken`
// and is left alone until reset. Not thread-safe: the owner's lock guards it.
#pragma once

#include <stdbool.h>

#include "libs/virtio/device_memory.h"

#define DEVICE_QUEUE_MAX_SIZE 128u
// Of a queue that its driver fills with pages at once, and through which little comes.
#define DEVICE_QUEUE_SMALL_SIZE 16u
// Descriptors of a chain: a driver may not make one longer than the queue (section 2.7.5.3.1).
#define DEVICE_CHAIN_MAX DEVICE_QUEUE_MAX_SIZE
// Chains that a device takes from a queue in one turn.
#define DEVICE_QUEUE_BUDGET 64u

struct device_queue {
	// What the driver configures before `ready` (through the transport).
	uint32_t size;
	gpa_t desc_gpa;
	gpa_t avail_gpa;
	gpa_t used_gpa;
	bool ready;
	// Private.
	bool broken;
	bool event_index;
	uint16_t last_avail;
	uint16_t used_index;
	uint16_t signalled;  // used_index when device_queue_wants_interrupt was last asked
	const struct guest_memory *mem;
	struct mut_span desc;
	struct mut_span avail;
	struct mut_span used;
};

// A descriptor chain: first what the device reads, then what it writes. Segments point into guest
// memory.
struct device_chain {
	uint16_t head;
	uint16_t num_segments;
	uint16_t num_readable;  // the first of the segments
	uint64_t readable_len;
	uint64_t writable_len;
	struct mut_span segments[DEVICE_CHAIN_MAX];
};

// Forgets all configuration.
void device_queue_reset(struct device_queue *q);
// Makes the configured queue ready. Errors: ERR_INVALID (size not a power of two up to
// DEVICE_QUEUE_MAX_SIZE, rings misaligned or over each other), ERR_ADDRESS (a ring is outside guest
// memory).
__must_check error_t device_queue_start(struct device_queue *q, const struct guest_memory *mem,
                                        bool event_index);
// Whether the rings of two queues that are ready lie over each other.
bool device_queue_overlaps(const struct device_queue *a, const struct device_queue *b);
// Whether the driver has made buffers available that were not popped.
bool device_queue_has_work(const struct device_queue *q);
// Takes the next available chain. Errors: ERR_EMPTY (nothing there, or not ready), ERR_PROTOCOL
// (the queue is broken now).
__must_check error_t device_queue_pop(struct device_queue *q, struct device_chain *chain);
// Puts the chain that was popped last back, so that the next pop gives it again.
void device_queue_unpop(struct device_queue *q);
// Makes the queue broken until reset: its driver did what this device does not allow.
void device_queue_break(struct device_queue *q);
// Hands a chain back to the driver with `written` bytes in its writable part (section 2.7.8).
void device_queue_push(struct device_queue *q, uint16_t head, uint32_t written);
// The same in two steps, for chains that belong together: the driver sees what was put once it is
// published.
void device_queue_put(struct device_queue *q, uint16_t head, uint32_t written);
void device_queue_publish(struct device_queue *q);
// Asks the driver not to notify while the device works on the queue anyway.
void device_queue_suppress_notify(struct device_queue *q);
// Asks for a notification again. Returns true when buffers came in the meantime: then the device
// goes on working.
__must_check bool device_queue_want_notify(struct device_queue *q);
// The same for a device that needs more than the buffers that are there: the next that the driver
// adds is told. Those that came before this call are not, so the device looks once more after it.
void device_queue_want_more(struct device_queue *q);
// Whether all of the queue's buffers are available: no more can come. True for a queue that is not
// ready or broken.
bool device_queue_is_full(const struct device_queue *q);
// Whether what was pushed since the last question is worth an interrupt to the driver (section
// 2.7.7).
__must_check bool device_queue_wants_interrupt(struct device_queue *q);

// Copies from the readable part, from byte `offset` on. Returns the number of bytes copied, less
// than `len` at its end.
size_t device_chain_read(const struct device_chain *chain, uint64_t offset, void *out, size_t len);
// Copies into the writable part, from byte `offset` on. Returns the number of bytes copied.
size_t device_chain_write(const struct device_chain *chain, uint64_t offset, const void *data,
                          size_t len);
