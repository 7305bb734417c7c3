// SPDX-License-Identifier: MIT
//
// How a mapping area, the kernel's (vmap.c) or a process's (kernel/object/space.c), is handed out:
// in chunks of a power of two, each aligned to its size, whose first page or block is never mapped,
// so that each range has a guard before it, and the next chunk's behind it. Chunks are never
// merged, for address space is plenty; each size is used again for its size.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_MIN_SHIFT 13  // a page and its guard

// The binary logarithm of the least chunk for `size` bytes behind a guard; the sum does not wrap.
static inline unsigned chunk_shift(size_t size, size_t guard)
{
	unsigned shift = CHUNK_MIN_SHIFT;

	while (1ul << shift < size + guard)
		shift++;
	return shift;
}

// Takes a chunk from what was never used, which begins at `*next`. Returns false when it would
// reach over `end`.
static inline bool chunk_carve(uintptr_t *next, uintptr_t end, unsigned shift, uintptr_t *out)
{
	// Up to the next multiple, which may be 2^64.
	uintptr_t gap = -*next & ((1ul << shift) - 1);
	uintptr_t chunk = *next + gap;

	if (*next >= end || end - *next <= gap || end - chunk < 1ul << shift)
		return false;
	*next = chunk + (1ul << shift);
	*out = chunk;
	return true;
}
