// SPDX-License-Identifier: MIT
//
// Folios: page-granular memory that is owned, moved in messages and mapped.
#pragma once

#include <stdint.h>

#define PAGE_SIZE 4096ul
#define BLOCK_SIZE (2ul * 1024 * 1024)

// Physically contiguous and populated at once (what drivers and messages use); at most
// FOLIO_MAX_CONTIGUOUS bytes.
#define FOLIO_CONTIGUOUS 0u
// Populated on first touch, by the app or by a guest, in blocks of BLOCK_SIZE where a free one
// exists and else pages; what guest memory is made of. Its physical address cannot be asked for.
#define FOLIO_LAZY (1u << 0)
// Said by folio_info: it was duplicated, and nobody can write to it again. A driver does not have
// its device write to it.
#define FOLIO_READ_ONLY (1u << 1)
#define FOLIO_MAX_CONTIGUOUS (4ul * 1024 * 1024)
// What folio_create_with copies at most.
#define FOLIO_MAX_COPIED 4096ul

#define PROT_READ (1u << 0)
#define PROT_WRITE (1u << 1)
#define PROT_EXEC (1u << 2)  // hvspace mappings only: no app maps executable memory

struct folio_info {
	uint64_t size;       // bytes, a multiple of PAGE_SIZE
	uint64_t paddr;      // for DMA; 0 when it is lazy, or the caller has no device
	uint64_t populated;  // bytes that have memory behind them
	uint64_t flags;      // FOLIO_*
};
