// SPDX-License-Identifier: MIT
#include "libs/abi/folio.h"
#include "libs/virtio/device_balloon.h"
#include "libs/virtio/device_fuzz.h"

#define MEMORY (4 * BLOCK_SIZE)

static void check_discard(void *context, size_t offset, size_t length)
{
	(void)context;
	if (length == 0 || (offset | length) % BLOCK_SIZE != 0 ||
	    !range_within(offset, length, MEMORY))
		abort();
}

// Reports a range of blocks, some of them outside.
static void step(void *context, uint8_t op)
{
	struct test_guest *guest = context;

	test_set_desc(guest, 2, op % TEST_QUEUE_SIZE,
	              TEST_GPA + (uint64_t)(op & 15) * (BLOCK_SIZE - PAGE_SIZE),
	              (uint32_t)BLOCK_SIZE * (op >> 4), VIRTQ_DESC_F_WRITE, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest *guest;
	struct balloon_device *dev = calloc(1, sizeof(*dev));

	if (guest == NULL)
		guest = aligned_alloc(4096, sizeof(*guest) - TEST_SIZE + MEMORY);
	test_guest_init(guest, &dev->mmio);
	guest->mem.size = MEMORY;
	dev->discard = check_discard;
	balloon_device_init(dev);
	fuzz_device(guest, &dev->mmio, data, size, step, NULL, guest);
	free(dev);
	return 0;
}
