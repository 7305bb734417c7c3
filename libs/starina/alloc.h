// SPDX-License-Identifier: MIT
//
// The app's heap. It grows by folios that the process owns, within the memory limit of its spec.
// Thread-safe.
#pragma once

#include <stddef.h>

// Zeroed memory, 16-byte aligned; NULL when the limit is reached or memory is out.
void *heap_alloc(size_t size);
// The same, but not zeroed.
void *heap_alloc_unset(size_t size);
// Makes what one of these gave larger or smaller, where it is or elsewhere, with what was in it;
// what is added is not zeroed. NULL: as heap_alloc; `ptr` stays as it is then. A NULL `ptr`: as
// heap_alloc_unset.
void *heap_resize(void *ptr, size_t size);
// How many bytes `ptr`, which one of these gave, may be used for.
size_t heap_size(const void *ptr);
// Frees what one of these gave; NULL is fine.
void heap_free(void *ptr);
