// SPDX-License-Identifier: MIT
#include "libs/virtio/device_fuzz.h"
#include "libs/virtio/device_rng.h"

// The whole queue from the input, bytes as they are.
static void fuzz_raw(struct test_guest *g, const uint8_t *data, size_t size)
{
	static struct device_chain chain;
	struct device_queue q = { .size = TEST_QUEUE_SIZE,
		                  .desc_gpa = TEST_GPA,
		                  .avail_gpa = TEST_GPA + 1024,
		                  .used_gpa = TEST_GPA + 2048 };
	uint8_t byte;

	memcpy(g->memory, data, size < 2048 ? size : 2048);
	if (device_queue_start(&q, &g->mem, size % 2 == 0) < 0)
		abort();
	for (uint32_t i = 0; i < 32 && device_queue_pop(&q, &chain) == 0; i++) {
		if (chain.num_segments > TEST_QUEUE_SIZE)
			abort();
		device_chain_read(&chain, chain.readable_len / 2, &byte, 1);
		device_chain_write(&chain, chain.writable_len / 2, "x", 1);
		device_queue_push(&q, chain.head, 1);
		if (device_queue_wants_interrupt(&q) && device_queue_want_notify(&q))
			device_queue_suppress_notify(&q);
	}
}

static error_t fill(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
	return 0;
}

static void step(void *context, uint8_t op)
{
	(void)context;
	(void)op;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct rng_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	dev->fill = fill;
	rng_device_init(dev);
	fuzz_device(guest, &dev->mmio, data, size, step, NULL, NULL);
	test_guest_init(guest, &dev->mmio);
	fuzz_raw(guest, data, size);
	free(dev);
	return 0;
}
