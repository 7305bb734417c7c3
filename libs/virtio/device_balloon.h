// SPDX-License-Identifier: MIT
//
// A virtio memory balloon (virtio 1.2, section 5.5; device side) for its free page reporting only
// (section 5.5.6.7): the guest tells which memory it does not use, and gets it anew, zeroed, at its
// next touch. The balloon itself is never inflated. Not thread-safe: the machine's lock guards it.
#pragma once

#include "libs/virtio/device_mmio.h"

struct balloon_device {
	struct virtio_mmio_device mmio;
	// The guest does not use bytes [offset, offset + length) of its memory now. Both are
	// multiples of BLOCK_SIZE, and the range lies in the guest's memory. The content may be
	// kept or dropped.
	void (*discard)(void *context, size_t offset, size_t length);
	void *context;
	// Private.
	struct device_chain chain;
};

// Sets the model up. The transport's mem, page, set_irq, irq_context and irq, and `discard` and
// `context`, are set by the caller before.
void balloon_device_init(struct balloon_device *dev);
