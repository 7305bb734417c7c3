// SPDX-License-Identifier: MIT
//
// The kernel's heap: size classes over pages.
#pragma once

#include <stddef.h>

// `size` zeroed bytes, aligned to 16; NULL when memory is out. At most FOLIO_MAX_CONTIGUOUS.
void *kmalloc(size_t size);
// Frees what kmalloc gave; NULL is fine.
void kfree(void *ptr);
