// SPDX-License-Identifier: MIT
//
// Tables and entries of Sv39, the kernel's and processes'. RISC-V privileged specification, "Sv39:
// Page-Based 39-bit Virtual-Memory System".
#pragma once

#include "kernel/arch/riscv64/mmu.h"
#include "libs/abi/folio.h"

#define LEVELS 3
#define TABLE_ENTRIES 512u
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)

// Which entry of a table of `level` (0 to 2) is for `virt`, and how much one maps.
static inline unsigned slot_of(uintptr_t virt, unsigned level)
{
	return (virt >> (12 + 9 * level)) & (TABLE_ENTRIES - 1);
}
static inline size_t leaf_size(unsigned level)
{
	// A level is 0 to 2.
	// NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
	return PAGE_SIZE << (9 * level);
}

static inline paddr_t pte_paddr(uint64_t pte)
{
	return (pte >> 10 & ((1ull << 44) - 1)) << 12;
}
static inline uint64_t pte_make(paddr_t paddr, uint64_t flags)
{
	return (paddr >> 12 << 10) | PTE_V | flags;
}
static inline bool pte_is_leaf(uint64_t pte)
{
	return (pte & PTE_LEAF) != 0;
}
