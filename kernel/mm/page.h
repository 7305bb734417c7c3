// SPDX-License-Identifier: MIT
//
// The page allocator: a buddy allocator over all RAM, and the direct map.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/paddr.h"
#include "libs/abi/error.h"

// Pages are allocated in powers of two: 1 << order pages. PAGE_MAX_ORDER is FOLIO_MAX_CONTIGUOUS.
#define PAGE_MAX_ORDER 10
#define BLOCK_ORDER 9  // BLOCK_SIZE

// Adds free RAM, at boot.
void page_add_range(paddr_t start, paddr_t end);
// 1 << order contiguous pages, aligned to their size and zeroed. Errors: ERR_NO_MEMORY.
__must_check error_t page_alloc(unsigned order, paddr_t *out);
void page_free(paddr_t page, unsigned order);
// Gives back all but the first `count` pages of a block just allocated. What is kept is freed by
// page_free_range.
void page_shrink(paddr_t page, unsigned order, size_t count);
// Frees `count` pages that page_shrink left.
void page_free_range(paddr_t page, size_t count);
// Zeroes a page of a large free block, for who allocates it later. Returns whether there was one to
// zero that no other hart is at. For an idle hart.
bool page_clean_some(void);
uint64_t page_free_count(void);
uint64_t page_total_count(void);

// The kernel's address of RAM in the direct map, and back.
void *page_to_virt(paddr_t paddr);
paddr_t page_from_virt(const void *virt);
