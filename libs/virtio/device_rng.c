// SPDX-License-Identifier: MIT

#include "libs/virtio/device_rng.h"

#include "libs/virtio/spec.h"

#define RNG_BYTES 256u  // of one buffer at most: a device may return less than was asked for

static void rng_notify(void *context, uint32_t queue)
{
	struct rng_device *dev = context;
	struct device_queue *q = &dev->mmio.queues[queue];
	uint32_t budget = DEVICE_QUEUE_BUDGET;
	uint8_t random[RNG_BYTES];
	error_t err = 0;

	do {
		device_queue_suppress_notify(q);
		while (budget > 0 && (err = device_queue_pop(q, &dev->chain)) == 0) {
			budget--;
			size_t len = dev->chain.writable_len < RNG_BYTES
				? (size_t)dev->chain.writable_len
				: RNG_BYTES;

			if (len > 0 && dev->fill(random, len) < 0)
				len = 0;
			device_chain_write(&dev->chain, 0, random, len);
			device_queue_push(q, dev->chain.head, (uint32_t)len);
		}
	} while (virtio_mmio_more(&dev->mmio, queue, budget == 0));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, queue);
	__builtin_memset(random, 0, sizeof(random));
}

static const struct virtio_mmio_ops rng_mmio_ops = { .notify = rng_notify };

void rng_device_init(struct rng_device *dev)
{
	dev->mmio.ops = &rng_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_ENTROPY;
	dev->mmio.num_queues = 1;
	virtio_mmio_init(&dev->mmio);
}
