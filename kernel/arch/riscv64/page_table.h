// SPDX-License-Identifier: MIT
//
// Walks of Sv39 tables, the kernel's and processes'. The caller serialises what changes a table.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The entry of `virt` in the table of `level` (0 to 2); with `create` its tables are made, and
// counted in `*num_tables`. NULL without one, when memory is out, or when a larger leaf is in the
// way.
uint64_t *page_table_walk(uint64_t *root, uintptr_t virt, unsigned level, bool create,
                          size_t *num_tables);
// The leaf that maps `virt`, and its level; NULL when nothing does.
uint64_t *page_table_leaf(uint64_t *root, uintptr_t virt, unsigned *level);
// Clears what is mapped in [virt, end), larger leaves only as a whole. With `keep_addresses` what
// is cleared still says where it was mapped to. Fences nothing. Returns whether anything was
// mapped.
bool page_table_clear(uint64_t *root, uintptr_t virt, uintptr_t end, bool keep_addresses);
