// SPDX-License-Identifier: MIT
//
// The parts of the device tree walk. All take a tree that fdt_check_full() has accepted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// `num` big-endian cells as one number.
uint64_t dt_read_cells(const uint32_t *cells, int num);
// The first cell of a property; false when there is none.
bool dt_read_u32(const void *tree, int node, const char *name, uint32_t *out);
// The index-th (base, size) of `reg`, by the cell counts of `parent`; false when there is none, or it wraps around.
bool dt_read_reg(const void *tree, int parent, int node, int index, uint64_t *base, uint64_t *size);
// By its `status`.
bool dt_is_enabled(const void *tree, int node);

// Fills ram_ranges and gives the page allocator what is free of it. Panics without RAM.
void dt_init_memory(const void *tree);
// Fills harts, num_harts, and what `machine` says of harts. Panics without a timebase-frequency.
void dt_init_harts(const void *tree, uint64_t boot_hart);
// Fills devices, and the interrupt controller and power-off device in `machine`.
void dt_init_devices(const void *tree);
