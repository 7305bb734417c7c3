// SPDX-License-Identifier: MIT
//
// The address space of a user-mode process:
//
//   0x10000        the app's text, read-only data and data, where it was linked for
//   random         the mapping area: environment, stacks, folios, each between unmapped pages
//   0x4000000000   the end; the upper half is the kernel's
//
// What an app sees of a folio is a mapping of its own, made by folio_map, gone with the last handle
// that it was mapped through.
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/object/app_image.h"
#include "kernel/object/folio.h"
#include "kernel/object/object.h"

#define SPACE_NUM_SHIFTS 25  // ranges of 8 KiB to 128 GiB

struct space {
	struct arch_space arch;
	struct account *account;
	struct spinlock lock;  // rank VM; guards what follows, and `arch`
	// What is mapped, but for folios that are there from the start: nobody looks
	// for those here.
	struct list mappings;
	// Ranges that wait, by alignment and size; the latest first, linked by next_free.
	struct mapping *free[2][SPACE_NUM_SHIFTS];
	uintptr_t next;  // never used from here on
	size_t charged_tables;
};

// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_create(struct account *account, struct space **out);
// Frees the space and the memory that is its own. No thread of the process is left, no lock is
// held; its handles have been closed.
void space_destroy(struct space *space);
// Maps the app's segments. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_load(struct space *space, const struct user_image *image);
// The same in a space in which other segments may be: all of it or, on errors, nothing. The caller
// has charged its data. Errors: as space_map_segment; ERR_BAD_STATE (the caller's process is
// ending).
__must_check error_t space_map_image(struct space *space, const struct user_image *image);
// Maps [offset, offset + size) of a folio that nobody can write to, and keeps a reference to it.
// `prot`: SPACE_READ, perhaps SPACE_EXECUTE. Errors: ERR_INVALID (not whole pages), ERR_RANGE
// (above PROCESS_SEGMENTS_END, or in the first page), ERR_EXISTS (overlaps), ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t space_map_segment(struct space *space, uintptr_t addr, size_t size,
                                       uint32_t prot, struct folio *folio, size_t offset);
// Maps memory of the space's own, to be read and written, that begins with a copy of `bytes`; the
// caller has charged it. It has preemption points, as space_map_zeroed. Errors: as
// space_map_segment, ERR_BAD_STATE (the caller's process is ending).
__must_check error_t space_map_data(struct space *space, uintptr_t addr, size_t size,
                                    const uint8_t *bytes, size_t len);
// Maps pages of the kernel's somewhere, to be read. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t space_map_pages(struct space *space, paddr_t paddr, size_t size,
                                     uintptr_t *out);
// Maps zeroed memory of the space's own somewhere, to be read and written. The caller has charged
// it. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_BAD_STATE (as above).
__must_check error_t space_map_zeroed(struct space *space, size_t size, uintptr_t *out);
// Unmaps and frees what one of these two mapped.
void space_unmap(struct space *space, uintptr_t addr);
// A handle maps the folio with these PROT_*; it did with `had` before, 0: not at all. The process
// sees it once, with what any of its handles asked for; with PROT_WRITE there is but one. Errors:
// ERR_NO_MEMORY, ERR_LIMIT. Context: no lock of a rank above HANDLES, as for the next two.
__must_check error_t space_map_folio(struct space *space, struct folio *folio, uint32_t prot,
                                     uint32_t had, uintptr_t *out);
// One handle that mapped the folio is gone. With the last, the process has lost it when this
// returns.
void space_unmap_folio(struct space *space, struct folio *folio);
// What the process has mapped of the folio it can only read when this returns.
void space_protect_folio(struct space *space, struct folio *folio);

// Copies between the kernel's and the process's memory; what is lazy is populated. No lock is held.
// Errors: ERR_ADDRESS.
__must_check error_t space_copy_from(struct space *space, void *dst, uintptr_t src, size_t len);
__must_check error_t space_copy_to(struct space *space, uintptr_t dst, const void *src, size_t len);
// Whether an access that faulted can be tried again. No lock is held.
bool space_resolve_fault(struct space *space, uintptr_t addr, bool write);
// The same of an instruction fetch.
bool space_resolve_fetch(struct space *space, uintptr_t addr);
