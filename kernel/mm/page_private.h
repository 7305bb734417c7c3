// SPDX-License-Identifier: MIT
//
// Between the page allocator, kmalloc and the boot code.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/mm/page.h"

// Before anything else: RAM lies within [start, end), and `map`, page_map_size(start, end) bytes of
// it, is the allocator's own.
void page_init(paddr_t start, paddr_t end, uint8_t *map);
// Bytes of the map: one for each page.
size_t page_map_size(paddr_t start, paddr_t end);
// As page_alloc, but with whatever the pages held before.
__must_check error_t page_alloc_dirty(unsigned order, paddr_t *out);
// The order of an allocated block, by its first page.
unsigned page_order(paddr_t page);
