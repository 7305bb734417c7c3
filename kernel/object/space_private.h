// SPDX-License-Identifier: MIT
//
// Between the files of a space.
#pragma once

#include "kernel/object/space.h"

enum range_kind { RANGE_PAGES, RANGE_BLOCKS };

struct mapping {
	struct list entry;  // in `mappings` or a list of free ones
	struct space *space;
	uintptr_t addr;
	size_t size;
	enum range_kind kind;
	unsigned shift;
	uint32_t prot;        // SPACE_*
	bool owned;           // the memory goes with the mapping
	uint32_t handles;     // that map the folio; one, if for writing
	struct folio *folio;  // NULL: none
	struct folio_user user;
	struct folio *source;  // of a segment, with a reference; NULL: none
};

// Zeroed, but for its space, to whose account it is charged. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_mapping_alloc(struct space *space, struct mapping **out);
// What that made, in no list.
void space_mapping_free(struct mapping *mapping);
// Unmaps and gives the address back.
void space_mapping_destroy(struct mapping *mapping);
// Maps memory at `offset` of a mapping, as it says. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_map_at(struct mapping *mapping, size_t offset, paddr_t paddr,
                                  size_t size);
// The same at an address, with the space's lock held. Page tables are the process's kernel memory.
__must_check error_t space_map_locked(struct space *space, uintptr_t addr, paddr_t paddr,
                                      size_t size, uint32_t prot);
// Fills a mapping with zeroed pages. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_mapping_fill(struct mapping *mapping);
// The mapping of the folio in this space; the folio's lock is held. NULL: none.
struct mapping *space_find_locked(const struct space *space, const struct folio *folio);
