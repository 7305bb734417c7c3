// SPDX-License-Identifier: MIT
//
// The driver's side of a split virtqueue (virtio 1.2, 2.7), with event index when negotiated. The
// device is not trusted: which descriptors are free and what is in flight is kept in memory of our
// own, and what the used ring says is checked against it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/virtio/dma.h"
#include "libs/virtio/spec.h"

// One piece of a descriptor chain.
struct virtqueue_buffer {
	uint64_t paddr;
	uint32_t len;
	bool device_writes;
};

// What we know of a descriptor. Of a chain's head: its token, how long it is, how much the device
// may write.
struct virtqueue_slot {
	void *token;
	uint32_t writable;
	uint16_t next;
	uint16_t chain_len;  // 0: not the head of a chain in flight
};

struct virtqueue {
	struct dma_buffer memory;
	volatile struct virtq_desc *desc;
	volatile struct virtq_avail *avail;
	volatile struct virtq_used *used;
	struct virtqueue_slot *slots;
	uint16_t size;
	uint16_t num_free;
	uint16_t free_head;
	uint16_t avail_idx;      // next to fill; the device sees it at the next kick
	uint16_t published_idx;  // what the device has seen
	uint16_t used_idx;       // next to take
	bool event_idx;
	bool broken;  // the device broke the rules: nothing is taken from it any more
};

// Makes a queue of `size` descriptors, a power of two. Errors: ERR_INVALID, ERR_NO_MEMORY,
// dma_alloc's.
__must_check error_t virtqueue_init(struct virtqueue *vq, uint16_t size, bool event_idx);
// Frees its memory. The device must have been reset; tokens in flight are forgotten.
void virtqueue_deinit(struct virtqueue *vq);
// Physical addresses of the three parts, for the transport.
uint64_t virtqueue_desc_paddr(const struct virtqueue *vq);
uint64_t virtqueue_avail_paddr(const struct virtqueue *vq);
uint64_t virtqueue_used_paddr(const struct virtqueue *vq);

// Queues a chain: buffers that the device reads first, then those that it writes. `token` (not
// NULL) comes back from virtqueue_pop. The device sees it after the next virtqueue_publish. Errors:
// ERR_FULL, ERR_INVALID.
__must_check error_t virtqueue_push(struct virtqueue *vq, const struct virtqueue_buffer *buffers,
                                    size_t count, void *token);
// Shows the device all that was pushed. Returns whether it wants to be notified of it (2.7.13,
// 2.7.10).
bool virtqueue_publish(struct virtqueue *vq);
// Takes the oldest used chain: its token and how many bytes the device says that it wrote, which is
// at most what the chain could take. Errors: ERR_EMPTY; ERR_PROTOCOL when the device broke the
// ring, now and on each later call: reset it.
__must_check error_t virtqueue_pop(struct virtqueue *vq, void **token, uint32_t *written);

// Asks for no interrupts (a hint).
void virtqueue_disable_interrupts(struct virtqueue *vq);
// Asks for an interrupt once `after` more chains are used (1: the next one; more needs the event
// index). Returns false when there are as many already: then take them, no interrupt may come.
bool virtqueue_enable_interrupts(struct virtqueue *vq, uint16_t after);

static inline uint16_t virtqueue_num_free(const struct virtqueue *vq)
{
	return vq->num_free;
}

// Chains of one descriptor each: their number in flight.
static inline uint16_t virtqueue_num_used(const struct virtqueue *vq)
{
	return (uint16_t)(vq->size - vq->num_free);
}
