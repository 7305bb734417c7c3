// SPDX-License-Identifier: MIT
//
// The kernel address space's mapping area: stacks with guard pages, device registers, folios that
// apps map. All apps share this space (unikernel style); it never maps anything executable.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/mm/page.h"
#include "libs/abi/error.h"

#define VMAP_READ (1u << 0)
#define VMAP_WRITE (1u << 1)
#define VMAP_DEVICE (1u << 2)  // uncached where the machine distinguishes it

// Reserves `size` bytes of address space, aligned to `align` (a power of two, at least PAGE_SIZE),
// with an unmapped guard page on both sides. Errors: ERR_NO_MEMORY.
__must_check error_t vmap_reserve(size_t size, size_t align, uintptr_t *out);
// What a range of `size` bytes may take in page tables, to be charged to whom it is for: they stay
// with the address space, for ranges of this size. Smaller ranges share tables with each other.
static inline size_t vmap_tables_size(size_t size)
{
	return size / BLOCK_SIZE * PAGE_SIZE;
}
// Unmaps what is mapped in it (freeing no memory) and gives the address space back; all harts
// forget its translations.
void vmap_release(uintptr_t addr, size_t size);
// Maps pages, or a block (`size` BLOCK_SIZE, both addresses aligned), inside a reserved range.
// Errors: ERR_NO_MEMORY.
__must_check error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot);
// Unmaps inside a reserved range; all harts forget the translations before it returns.
void vmap_unmap(uintptr_t addr, size_t size);
// A page fault at `addr` from an app, or from a copy to or from an app. Finds the lazily populated
// range that was registered for it and calls its populate function. Returns 0 when the access can
// be tried again.
__must_check error_t vmap_fault(uintptr_t addr, bool write);

// Lazily populated ranges (lazy folios that are mapped). `populate` maps what `addr` needs; it may
// allocate, so no lock of a rank above MEMORY is held when it is called. The caller owns the
// storage.
struct vmap_lazy_range {
	uintptr_t start;
	uintptr_t end;
	error_t (*populate)(struct vmap_lazy_range *range, uintptr_t addr, bool write);
	// Private.
	struct vmap_lazy_range *next;
	uint32_t busy;
};
void vmap_add_lazy(struct vmap_lazy_range *range);
// When it returns, populate() does not run and will not: no lock that populate() takes may be held.
void vmap_remove_lazy(struct vmap_lazy_range *range);

// A stack of `size` bytes with guard pages. `*top` is its end. Errors: ERR_NO_MEMORY.
__must_check error_t vmap_alloc_stack(size_t size, uintptr_t *top);
void vmap_free_stack(uintptr_t top, size_t size);
