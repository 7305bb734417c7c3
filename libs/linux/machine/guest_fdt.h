// SPDX-License-Identifier: MIT
//
// The device tree that a guest gets (Devicetree Specification 0.4; Linux's RISC-V and virtio,mmio
// bindings).
#pragma once

#include <stdbool.h>

#include "libs/abi/vm.h"
#include "libs/base/span.h"

struct guest_fdt_config {
	uint32_t num_cpus;
	uint32_t hart_features;
	uint64_t timebase_hz;
	gpa_t memory_start;
	uint64_t memory_size;
	gpa_t plic_start;
	uint64_t plic_size;
	uint32_t plic_sources;
	// slot N is at virtio_start + N * virtio_stride and has interrupt N + 1
	gpa_t virtio_start;
	uint64_t virtio_stride;
	uint64_t virtio_size;
	uint32_t num_virtio;
	const char *bootargs;
	gpa_t initrd_start;
	gpa_t initrd_end;
	struct span rng_seed;
};

// Writes the tree into `out`. Errors: ERR_TOO_LARGE.
__must_check error_t guest_fdt_write(const struct guest_fdt_config *config, struct mut_span out,
                                     size_t *size);
