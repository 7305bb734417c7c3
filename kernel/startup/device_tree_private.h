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
// The index-th (base, size) of `reg`, by the cell counts of `parent`, which may reach beyond the
// end of all addresses; false when there is none.
bool dt_read_range(const void *tree, int parent, int node, int index, uint64_t *base,
                   uint64_t *size);
// As dt_read_range; false also when it reaches beyond.
bool dt_read_reg(const void *tree, int parent, int node, int index, uint64_t *base, uint64_t *size);
// The index-th range of a node's registers as the harts see it: through the `ranges` of each bus on
// the way (DTSpec 2.3.8). False when there is none, or a bus does not pass it on.
bool dt_read_address(const void *tree, int node, int index, uint64_t *base, uint64_t *size);
// The same for a node whose buses are known: `buses[depth]` is its parent, buses[0] the root.
bool dt_read_address_on(const void *tree, const int *buses, int depth, int node, int index,
                        uint64_t *base, uint64_t *size);
// By its `status`.
bool dt_is_enabled(const void *tree, int node);

// Fills ram_ranges and gives the page allocator what is free of it. Panics without RAM.
void dt_init_memory(const void *tree);
// Fills harts, num_harts, and what `machine` says of harts. Panics without a timebase-frequency.
void dt_init_harts(const void *tree, uint64_t boot_hart);
// Fills machine.irq_chip, and says in harts what it calls each of them.
void dt_init_irq_chip(const void *tree);
// Fills devices, and the power-off device in `machine`; after dt_init_irq_chip.
void dt_init_devices(const void *tree);
