// SPDX-License-Identifier: MIT
//
// Fuzzing of device models: the input is the guest's memory where it matters, and a script of register writes and
// notifications. ASan sees accesses outside the guest's memory.
#pragma once

#include <stdlib.h>

#include "libs/virtio/device_test.h"

// libFuzzer's entry.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Starts the device, lays the input over the rings of its first queues, and runs the script.
static inline void fuzz_device(struct test_guest *g, struct virtio_mmio_device *dev, const uint8_t *data, size_t size,
                               void (*step)(void *context, uint8_t op), void *context)
{
	struct reader r = reader_make(data, size);
	uint8_t script[64];

	reader_copy(&r, script, sizeof(script));
	test_start_device(dev, VIRTIO_F_INDIRECT_DESC | (script[0] & 1 ? VIRTIO_F_EVENT_IDX : 0) |
	                               (script[0] & 2 ? dev->features : 0));
	for (uint32_t queue = 0; queue < dev->num_queues && r.rest.len >= 64; queue++) {
		struct span part = reader_bytes(&r, 64);

		// Low bits of addresses and lengths from the input, so that many of them are valid.
		for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++) {
			const uint8_t *d = part.data + 6 * i;

			test_set_desc(g, queue, i, TEST_GPA + (uint64_t)d[0] * 641 + (d[5] & 0x80 ? TEST_SIZE : 0),
			              (uint32_t)d[1] << (d[2] & 15), d[3] & 7, d[4] % (TEST_QUEUE_SIZE + 1));
		}
		memcpy(g->memory + queue * 4096 + 1024, part.data + 48, 16);
		test_avail(g, queue)->idx %= 2 * TEST_QUEUE_SIZE;
	}
	for (size_t i = 0; i + 1 < sizeof(script); i += 2) {
		uint8_t op = script[i], value = script[i + 1];

		if (op < 128)
			virtio_mmio_notified(dev, value % (dev->num_queues + 1));
		else if (op < 192)
			step(context, value);
		else if (op < 240)
			test_avail(g, value % dev->num_queues)->idx++;
		else
			virtio_mmio_write(dev, (uint64_t)(op & 15) * 8 + (value & 4), 4, value);
	}
}
