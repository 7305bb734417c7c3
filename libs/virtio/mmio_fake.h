// SPDX-License-Identifier: MIT
//
// A hostile device behind the driver's side of the transport, for fuzzers of drivers over
// libs/starina/system_fake.c: mmio.h's functions, with real queues. The test plays the device.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/virtio/mmio.h"

// What the next virtio_device_open finds.
struct fake_virtio {
	uint64_t features;
	uint8_t config[64];
	uint32_t num_queues;
};
extern struct fake_virtio fake_virtio;

// Forgets all queues.
void fake_virtio_reset(void);
// The device takes the next chain of a queue: reads what it may, writes `bytes` over and over where
// it may, up to `max` of them, and says that it has used it. `lie`: bit 0 another chain's number,
// bit 1 more bytes than there are, bit 2 used entries that are none. Raises the interrupt. Returns
// whether there was a chain.
bool fake_virtio_use(uint32_t queue, const uint8_t *bytes, size_t len, size_t max, unsigned lie);
