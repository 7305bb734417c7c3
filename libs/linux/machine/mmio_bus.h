// SPDX-License-Identifier: MIT
//
// The guest's MMIO bus: which device answers at a guest-physical address.
#pragma once

#include "libs/abi/error.h"
#include "libs/abi/vm.h"

#define MMIO_BUS_MAX_REGIONS 16u

struct mmio_ops {
	// `offset` is from the region's start; the access is naturally aligned and does not cross
	// the region's end.
	uint64_t (*read)(void *context, uint64_t offset, uint32_t width);
	void (*write)(void *context, uint64_t offset, uint32_t width, uint64_t value);
};

struct mmio_region {
	gpa_t start;
	uint64_t size;
	const struct mmio_ops *ops;
	void *context;
};

// Sorted by address, without overlaps. Zero-initialised: empty.
struct mmio_bus {
	struct mmio_region regions[MMIO_BUS_MAX_REGIONS];
	uint32_t num_regions;
};

// Errors: ERR_EXISTS (overlaps), ERR_LIMIT, ERR_RANGE (empty or wraps around).
__must_check error_t mmio_bus_add(struct mmio_bus *bus, gpa_t start, uint64_t size,
                                  const struct mmio_ops *ops, void *context);
// A guest's read of `width` bytes (1, 2, 4, 8). Errors: ERR_ADDRESS (no device), ERR_INVALID
// (misaligned or of an odd width).
__must_check error_t mmio_bus_read(const struct mmio_bus *bus, gpa_t gpa, uint32_t width,
                                   uint64_t *value);
// A guest's write. Errors: as mmio_bus_read's.
__must_check error_t mmio_bus_write(const struct mmio_bus *bus, gpa_t gpa, uint32_t width,
                                    uint64_t value);
