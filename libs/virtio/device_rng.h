// SPDX-License-Identifier: MIT
//
// A virtio entropy source (virtio 1.2, section 5.4; device side). Not thread-safe: the machine's
// lock guards it.
#pragma once

#include "libs/virtio/device_mmio.h"

struct rng_device {
	struct virtio_mmio_device mmio;
	// Fills `buf` with at most 256 random bytes.
	error_t (*fill)(void *buf, size_t len);
	struct device_chain chain;
};

// Sets the model up. The transport's mem, page, set_irq, irq_context and irq, and `fill`, are set
// by the caller before.
void rng_device_init(struct rng_device *dev);
