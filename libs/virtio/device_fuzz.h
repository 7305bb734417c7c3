// SPDX-License-Identifier: MIT
//
// Fuzzing of device models: the input is a script of all that a guest can do to a device: registers
// of any width, its queues set up well or badly, taken back and reset midway, rings and buffers,
// and a second hart that changes them meanwhile. ASan sees accesses outside the guest's memory.
#pragma once

#include <stdlib.h>

#include "libs/virtio/device_test.h"
#include "libs/virtio/second_hart_fake.h"

#define FUZZ_MAX_STEPS 300u

// libFuzzer's entry.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// --- The script ---

struct fuzz_run {
	struct test_guest *g;
	struct virtio_mmio_device *dev;
	struct reader r;
	void (*step)(void *context, uint8_t op);
	void *context;
};

// Of the queues, or one that is not there.
static inline uint32_t fuzz_any_queue(struct fuzz_run *run)
{
	return reader_u8(&run->r) % (run->dev->num_queues + 1);
}

static inline uint32_t fuzz_queue(struct fuzz_run *run)
{
	uint8_t value = reader_u8(&run->r);

	return run->dev->num_queues > 0 ? value % run->dev->num_queues : 0;
}

// A descriptor, many of them valid.
static inline void fuzz_descriptor(struct fuzz_run *run)
{
	uint32_t queue = fuzz_queue(run);
	uint16_t index = reader_u8(&run->r) % TEST_QUEUE_SIZE;
	uint8_t at = reader_u8(&run->r), len = reader_u8(&run->r), shift = reader_u8(&run->r);
	uint8_t flags = reader_u8(&run->r), next = reader_u8(&run->r);

	test_set_desc(run->g, queue, index,
	              TEST_GPA + (uint64_t)at * 641 + (shift & 0x80 ? TEST_SIZE : 0),
	              (uint32_t)len << (shift & 15), flags & 7, next % (TEST_QUEUE_SIZE + 1));
}

// Any register, also those behind the last, of any width, with any value.
static inline void fuzz_register(struct fuzz_run *run)
{
	uint64_t offset = reader_le16(&run->r) % (PAGE_SIZE + 16);
	uint8_t how = reader_u8(&run->r);
	uint64_t value = reader_le64(&run->r);
	uint32_t width = (how & 4) != 0 ? how >> 3 : 1u << (how & 3);

	// Most registers are among the first.
	if ((how & 8) == 0)
		offset %= VIRTIO_MMIO_CONFIG + VIRTIO_MMIO_MAX_CONFIG + 8;
	if ((how & 16) == 0)
		offset &= ~3ull;
	if ((how & 32) != 0)
		(void)virtio_mmio_read(run->dev, offset, width);
	else
		virtio_mmio_write(run->dev, offset, width, value);
}

// A queue of any size at any places in and around the memory.
static inline void fuzz_odd_queue(struct fuzz_run *run)
{
	static const uint32_t registers[] = { VIRTIO_MMIO_QUEUE_DESC_LOW,
		                              VIRTIO_MMIO_QUEUE_DRIVER_LOW,
		                              VIRTIO_MMIO_QUEUE_DEVICE_LOW };

	test_write_reg(run->dev, VIRTIO_MMIO_QUEUE_SEL, fuzz_any_queue(run));
	test_write_reg(run->dev, VIRTIO_MMIO_QUEUE_NUM, 1u << (reader_u8(&run->r) % 9));
	for (uint32_t i = 0; i < 3; i++)
		test_write_reg(run->dev, registers[i],
		               (uint32_t)TEST_GPA + reader_le16(&run->r) * 4u);
	test_write_reg(run->dev, VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void fuzz_take_queue_back(struct fuzz_run *run)
{
	test_write_reg(run->dev, VIRTIO_MMIO_QUEUE_SEL, fuzz_any_queue(run));
	test_write_reg(run->dev, VIRTIO_MMIO_QUEUE_READY, 0);
}

static inline void fuzz_restart(struct fuzz_run *run)
{
	uint8_t features = reader_u8(&run->r);

	// Queues are looked at later, too: of a driver that is slow.
	if ((features & 4) != 0)
		memset(run->g->memory, 0, (size_t)run->dev->num_queues * 4096);
	test_start_device(run->dev,
	                  VIRTIO_F_INDIRECT_DESC | (features & 1 ? VIRTIO_F_EVENT_IDX : 0) |
	                          (features & 2 ? run->dev->features : 0));
}

static inline void fuzz_poke(struct fuzz_run *run)
{
	size_t at = reader_le16(&run->r) % (TEST_SIZE - 8);
	uint64_t bytes = reader_le64(&run->r);

	memcpy(run->g->memory + at, &bytes, sizeof(bytes));
}

static inline void fuzz_step(struct fuzz_run *run)
{
	switch (reader_u8(&run->r) % 16) {
	case 0:
	case 1:
	case 2: virtio_mmio_notified(run->dev, fuzz_any_queue(run)); break;
	case 3: virtio_mmio_serve(run->dev); break;
	case 4:
	case 5: run->step(run->context, reader_u8(&run->r)); break;
	case 6:
	case 7: test_avail(run->g, fuzz_queue(run))->idx++; break;
	case 8:
	case 9: fuzz_descriptor(run); break;
	case 10: fuzz_register(run); break;
	case 11: fuzz_take_queue_back(run); break;
	case 12: test_start_queue(run->dev, fuzz_any_queue(run)); break;
	case 13: fuzz_odd_queue(run); break;
	case 14: fuzz_restart(run); break;
	default: fuzz_poke(run); break;
	}
}

// Runs the script of the input against the device; `step` is what its owner does meanwhile, and
// `end` what it does once no hart runs any more (NULL: nothing). Afterwards a reset has all as it
// was.
static inline void fuzz_device(struct test_guest *g, struct virtio_mmio_device *dev,
                               const uint8_t *data, size_t size,
                               void (*step)(void *context, uint8_t op), void (*end)(void *context),
                               void *context)
{
	struct fuzz_run run = { .g = g,
		                .dev = dev,
		                .r = reader_make(data, size),
		                .step = step,
		                .context = context };
	uint8_t mode = reader_u8(&run.r);

	fuzz_restart(&run);
	if ((mode & 15) == 15)
		second_hart_start(g->memory, mode >> 4);
	for (uint32_t i = 0; i < FUZZ_MAX_STEPS && run.r.rest.len > 0 && reader_status(&run.r) == 0;
	     i++)
		fuzz_step(&run);
	second_hart_stop();
	if (end != NULL)
		end(context);
	test_write_reg(dev, VIRTIO_MMIO_STATUS, 0);
	if (g->irq || virtio_mmio_is_running(dev))
		abort();
	for (uint32_t i = 0; i < dev->num_queues; i++) {
		if (dev->queues[i].ready)
			abort();
	}
}
