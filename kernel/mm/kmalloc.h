// SPDX-License-Identifier: MIT
//
// The kernel's heap: size classes over pages.
#pragma once

#include <stddef.h>
#include <stdint.h>

// `size` zeroed bytes, aligned to 16; NULL when memory is out. At most FOLIO_MAX_CONTIGUOUS.
void *kmalloc(size_t size);
// The same, but with whatever the memory held before: for what is wholly written before anybody
// reads it.
void *kmalloc_dirty(size_t size);
// Frees what kmalloc or kmalloc_dirty gave; NULL is fine.
void kfree(void *ptr);
// Pages that hold no object and are kept for the next ones: at most one a size class. To be added
// where free memory is counted.
uint64_t kmalloc_kept_pages(void);
// Gives those pages back.
void kmalloc_trim(void);
