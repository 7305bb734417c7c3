// SPDX-License-Identifier: MIT
//
// Between the files of address spaces: mappings.
#pragma once

#include "kernel/object/space.h"

// Ranges by alignment: of pages, and of BLOCK_SIZE and more.
enum range_kind { RANGE_PAGES, RANGE_BLOCKS };

// A range of addresses, and what is mapped there: nothing, while it waits in a list of free ones.
struct mapping {
	struct space *space;
	uintptr_t addr;
	// Of a range that one table maps: the entry of its first page; NULL: of another, or not
	// looked up yet. Tables last as long as the space.
	uint64_t *first_pte;
	bool one_table;
	// Of a range of the mapping area: the list that it waits in; NULL: of a segment.
	struct mapping **home;
	struct mapping *next_free;

	struct list entry;  // in `mappings`
	size_t size;
	uint32_t prot;        // SPACE_*
	bool owned;           // the memory goes with the mapping
	uint32_t handles;     // that map the folio; one, if for writing
	struct folio *folio;  // NULL: none
	struct folio_user user;
	struct folio *source;  // of a segment, with a reference; NULL: none
};

// A mapping of the space that has no address yet, zeroed, charged to its account. Errors:
// ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t mapping_alloc(struct space *space, struct mapping **out);
void mapping_free(struct mapping *mapping);
// A mapping with a range of the mapping area, of no folio; the space's lock is held. NULL: no
// memory, or no addresses.
struct mapping *mapping_take_locked(struct space *space, size_t size, uint32_t prot);
// The same, in the list of mappings.
struct mapping *mapping_create_locked(struct space *space, size_t size, uint32_t prot);
// As mapping_take_locked, of a page whose entry was looked up when its range was used before;
// `prot` is the caller's to set. NULL: none waits.
static inline struct mapping *mapping_take_page_locked(struct space *space)
{
	struct mapping *mapping = space->free[RANGE_PAGES][0];

	if (mapping == NULL || mapping->first_pte == NULL)
		return NULL;
	space->free[RANGE_PAGES][0] = mapping->next_free;
	mapping->size = PAGE_SIZE;
	return mapping;
}
// Its range waits for another mapping.
static inline void mapping_wait_locked(struct mapping *mapping)
{
	mapping->next_free = *mapping->home;
	*mapping->home = mapping;
}
// Unmaps, frees what is the mapping's own, takes it out of the list if it is there, and has its
// range wait.
void mapping_destroy(struct mapping *mapping);
// The same with the space's lock held.
void mapping_destroy_locked(struct mapping *mapping);
// Maps memory, with the space's lock held. Page tables are the process's kernel memory. Errors:
// ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_map_locked(struct space *space, uintptr_t addr, paddr_t paddr,
                                      size_t size, uint32_t prot);
// The same at `offset` of a mapping, as that is mapped.
__must_check error_t mapping_map_locked(struct mapping *mapping, size_t offset, paddr_t paddr,
                                        size_t size);
// The same with the lock taken.
__must_check error_t mapping_map(struct mapping *mapping, size_t offset, paddr_t paddr,
                                 size_t size);
// Unmaps a part of it; the space's lock is held.
void mapping_unmap_locked(struct mapping *mapping, size_t offset, size_t size);
// Fills it with zeroed memory of its own. Others have their turns meanwhile: no lock is held.
// Errors (what was mapped stays): ERR_NO_MEMORY, ERR_LIMIT, ERR_BAD_STATE (the caller's process is
// ending).
__must_check error_t mapping_fill_zeroed(struct mapping *mapping);
// Populates and maps what is lazy at `addr`, if that may be accessed so. Returns whether it did.
bool space_populate(struct space *space, uintptr_t addr, bool write);
