// SPDX-License-Identifier: MIT

#include "libs/virtio/device_balloon.h"

#include "libs/abi/folio.h"
#include "libs/virtio/spec.h"

// Blocks given back in one turn: each costs fences on all harts, and the guest may report what it
// has just touched again. Linux reports at most 32 ranges of 4 MiB at a time, and waits for the
// answer.
#define MAX_BLOCKS 64u

// Gives back the whole blocks of [offset, offset + length), `left` at most; returns how many.
static size_t discard_blocks(struct balloon_device *dev, size_t offset, size_t length, size_t left)
{
	size_t start = (offset + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1);
	size_t end = (offset + length) & ~(BLOCK_SIZE - 1);
	size_t blocks;

	if (start >= end)
		return 0;
	blocks = (end - start) / BLOCK_SIZE;
	if (blocks > left)
		blocks = left;
	if (blocks > 0)
		dev->discard(dev->context, start, blocks * BLOCK_SIZE);
	return blocks;
}

// The buffers of a report are the free memory itself, for the device to write. What is not given
// back stays as it is: to do so is the device's choice (section 5.5.6.7.2). `*left` blocks at most
// are given back.
static void take_report(struct balloon_device *dev, size_t *left)
{
	const struct device_chain *chain = &dev->chain;

	for (uint32_t i = chain->num_readable; i < chain->num_segments; i++) {
		const struct mut_span *range = &chain->segments[i];

		*left -= discard_blocks(dev, (size_t)(range->data - dev->mmio.mem->base),
		                        range->len, *left);
	}
}

static void balloon_notify(void *context, uint32_t queue)
{
	struct balloon_device *dev = context;
	struct device_queue *q = &dev->mmio.queues[queue];
	// All that may be there: the turn is on the thread of the vCPU that reports, and what is
	// left of it would be the loop's.
	uint32_t budget = DEVICE_QUEUE_MAX_SIZE;
	size_t left = MAX_BLOCKS;
	error_t err = 0;

	do {
		device_queue_suppress_notify(q);
		while (budget > 0 && (err = device_queue_pop(q, &dev->chain)) == 0) {
			budget--;
			// Pages that a driver puts into a balloon of target 0, or takes out of it,
			// are its own affair.
			if (queue == VIRTIO_BALLOON_QUEUE_REPORTING)
				take_report(dev, &left);
			device_queue_push(q, dev->chain.head, 0);
		}
	} while (virtio_mmio_more(&dev->mmio, queue, budget == 0));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, queue);
}

static const struct virtio_mmio_ops balloon_mmio_ops = { .notify = balloon_notify };

void balloon_device_init(struct balloon_device *dev)
{
	dev->mmio.ops = &balloon_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_BALLOON;
	dev->mmio.num_queues = VIRTIO_BALLOON_NUM_QUEUES;
	dev->mmio.features = VIRTIO_BALLOON_F_PAGE_REPORTING;
	// What is being reported the guest does not have, and that may be nearly all that is free:
	// nothing in it shall want memory meanwhile, or the guest's OOM killer would be called.
	dev->mmio.prompt_queues = 1u << VIRTIO_BALLOON_QUEUE_REPORTING;
	// The configuration space is all zeros: num_pages, the target, is 0.
	virtio_mmio_init(&dev->mmio);
}
