// SPDX-License-Identifier: MIT
//
// The app's heap. It grows by folios that the process owns, within the memory limit of its spec.
// Thread-safe.
#pragma once

#include <stddef.h>

// Zeroed memory, 16-byte aligned; NULL when the limit is reached or memory is out.
void *heap_alloc(size_t size);
// Frees what heap_alloc gave; NULL is fine.
void heap_free(void *ptr);
