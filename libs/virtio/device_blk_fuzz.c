// SPDX-License-Identifier: MIT
#include "libs/virtio/device_blk.h"
#include "libs/virtio/device_fuzz.h"

static struct blk_device_request *held[BLK_DEVICE_MAX_REQUESTS];
static uint32_t num_held;

static void hold(void *context, struct blk_device_request *request)
{
	(void)context;
	held[num_held++] = request;
}

// Its range, of which nothing is kept, may be large.
static void discard(void *context, struct blk_device_request *request)
{
	const struct blk_device *dev = context;

	if (request->length == 0 ||
	    !range_within(request->offset / 512, request->length / 512, dev->num_sectors))
		abort();
	blk_device_finish(request, 0);
}

static void step(void *context, uint8_t op)
{
	static const uint8_t bytes[1024];
	struct blk_device *dev = context;
	uint8_t *taken;

	if (num_held == 0) {
		blk_device_set_capacity(dev, (uint64_t)op * 32);
		return;
	}
	// As long as the request, so that ASan sees a byte too many.
	taken = malloc(held[num_held - 1]->length + 1);
	(void)!blk_device_take(
		held[num_held - 1], 0,
		(struct mut_span){ .data = taken, .len = held[num_held - 1]->length });
	free(taken);
	blk_device_put(held[num_held - 1], (size_t)op * 8,
	               (struct span){ .data = bytes, .len = sizeof(bytes) });
	if ((op & 1) != 0) {
		num_held--;
		blk_device_finish(held[num_held], (op & 2) != 0 ? ERR_IO : 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct blk_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	num_held = 0;
	// Of the input, so that it finds both kinds of disk.
	dev->read = hold;
	dev->write = size % 2 == 0 ? hold : NULL;
	dev->flush = dev->write;
	dev->discard = dev->write != NULL ? discard : NULL;
	dev->context = dev;
	dev->num_sectors = 4096;
	blk_device_init(dev);
	fuzz_device(guest, &dev->mmio, data, size, step, NULL, dev);
	free(dev);
	return 0;
}
