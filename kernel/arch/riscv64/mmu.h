// SPDX-License-Identifier: MIT
//
// The kernel's address space: Sv39. RISC-V privileged specification, "Sv39: Page-Based 39-bit
// Virtual-Memory System".
//
//   0xffffffc000000000  direct map of RAM (128 GiB), never executable; kernel text and rodata only
//                       readable in it
//   0xffffffe000000000  vmap area (kernel/mm/vmap.h)
//   0xffffffff80200000  kernel image
#pragma once

#define KERNEL_VIRT 0xffffffff80200000
#define KERNEL_BLOCK_SIZE 0x200000  // the image may be loaded at any multiple
#define SLOT_1GIB(virt) (((virt) >> 30) & 511)
#define DIRECT_MAP_FIRST_SLOT 256
#define DIRECT_MAP_SLOTS 128
#define DIRECT_MAP_BASE 0xffffffc000000000
#define DIRECT_MAP_SIZE 0x2000000000
#define VMAP_BASE 0xffffffe000000000
#define VMAP_END 0xffffffff00000000

#define SATP_SV39 0x8000000000000000

#define PTE_V 0x01
#define PTE_R 0x02
#define PTE_W 0x04
#define PTE_X 0x08
#define PTE_U 0x10
#define PTE_G 0x20
#define PTE_A 0x40
#define PTE_D 0x80
#define PTE_PBMT_IO 0x4000000000000000
#define PTE_EARLY_CODE (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define PTE_EARLY_DATA (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/paddr.h"
#include "libs/abi/error.h"

// Builds the kernel's final page table and turns it on: per-section permissions, no identity map.
// Needs the page allocator and the ranges of RAM (machine.h). Panics when memory is
// out.
void mmu_init(void);
// Makes the upper half of a process's table the kernel's.
void mmu_share_kernel(uint64_t *table);
// satp of the kernel's table.
uint64_t mmu_satp(void);
// Maps [virt, virt + size) with the largest leaves that fit; `flags` are PTE_R, PTE_W, PTE_X,
// PTE_PBMT_IO. The caller serialises. Errors: ERR_NO_MEMORY (what was mapped stays), ERR_EXISTS.
__must_check error_t mmu_map(uintptr_t virt, paddr_t paddr, size_t size, uint64_t flags);
// Clears what is mapped in the range, leaves of 2 MiB only as a whole. The caller serialises and
// flushes. Returns whether anything was mapped.
bool mmu_unmap(uintptr_t virt, size_t size);
// Where `virt` is mapped to; false when it is not.
bool mmu_paddr(uintptr_t virt, paddr_t *out);
// What a mapping of device registers has besides: with Svpbmt (privileged specification) it is I/O,
// whatever memory the address would be by itself; without, the address decides (physical memory
// attributes).
uint64_t mmu_device_flags(void);
// The 4 KiB entry of `virt`, its tables made when `create`. NULL without one, or when memory is
// out.
uint64_t *mmu_pte(uintptr_t virt, bool create);
// Whether the mapping of `virt` allows the access now: then a fault on it was a stale translation.
bool mmu_allows(uintptr_t virt, bool write);
// This hart forgets all translations; mmu_flush_all makes all harts do so, and returns when they
// have.
void mmu_flush_local(void);
void mmu_flush_all(void);
#ifdef STARINA_HOST
// This hart forgets an address space, but for the kernel's translations, which are global.
void mmu_flush_asid(uint64_t asid);
#else
static inline void mmu_flush_asid(uint64_t asid)
{
	__asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}
#endif
#endif
