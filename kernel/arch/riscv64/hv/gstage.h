// SPDX-License-Identifier: MIT
//
// G-stage translation tables, Sv39x4 or Sv48x4: 2048 root entries (16 KiB), then tables of 512.
// Guest-physical addresses have 41 bits in either, for that is what Sv39x4 has. RISC-V privileged
// specification, section "Guest-Page-Table Walk" of chapter "H". Portable: the host tests run it on
// a fake page allocator.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/paddr.h"
#include "libs/abi/error.h"
#include "libs/abi/vm.h"

#define GSTAGE_ADDRESS_BITS 41
#define GSTAGE_SIZE (1ull << GSTAGE_ADDRESS_BITS)

// What gstage_init takes; gstage_map takes a page for each level below the root at most.
#define GSTAGE_ROOT_SIZE (4 * PAGE_SIZE)

struct gstage {
	paddr_t root;
	uint64_t num_tables;  // pages taken beside the root
};

// How many levels all tables have: 3 (Sv39x4, and so from the start) or 4 (Sv48x4). Before the
// first gstage_init.
void gstage_set_levels(unsigned levels);
unsigned gstage_levels(void);
// An empty table. Errors: ERR_NO_MEMORY.
__must_check error_t gstage_init(struct gstage *g);
// Frees all tables; the memory that they mapped is not touched. No hart may use them any more.
void gstage_deinit(struct gstage *g);
// Maps `size` bytes (PAGE_SIZE or BLOCK_SIZE; both addresses are aligned to it) with `prot`
// (PROT_*). What is mapped there already is replaced. Errors: ERR_NO_MEMORY; ERR_EXISTS when a
// block is to be mapped where pages are (nothing is changed); ERR_RANGE.
__must_check error_t gstage_map(struct gstage *g, gpa_t gpa, paddr_t paddr, uint64_t size,
                                uint32_t prot);
// Unmaps all of [gpa, gpa + length). A block that is only partly in it goes whole: touching the
// rest maps it anew. Returns whether anything was mapped, that is, whether translations have to be
// fenced.
bool gstage_unmap(struct gstage *g, gpa_t gpa, uint64_t length);
// What `gpa` translates to. Returns false when nothing is mapped.
bool gstage_lookup(const struct gstage *g, gpa_t gpa, paddr_t *paddr, uint32_t *prot);
// The value of hgatp for this table and `vmid`.
uint64_t gstage_hgatp(const struct gstage *g, uint32_t vmid);
