// SPDX-License-Identifier: MIT
//
// The page table of a user-mode process: Sv39, the lower half its own, the upper half the kernel's.
// RISC-V privileged specification, "Sv39: Page-Based 39-bit Virtual-Memory System" and register
// satp.
//
// The kernel never uses a user address: it walks the table and goes through the direct map, so that
// sstatus.SUM stays 0.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/paddr.h"
#include "kernel/arch/riscv64/pte.h"
#include "kernel/arch/riscv64/tlb_tag.h"
#include "libs/abi/error.h"
#include "libs/abi/folio.h"

// The first page is never mapped; the last is left out, so that no range wraps.
#define USER_BASE PAGE_SIZE
#define USER_END (0x4000000000 - PAGE_SIZE)

// How memory is mapped: bits of an entry.
#define SPACE_READ PTE_R
#define SPACE_WRITE PTE_W
#define SPACE_EXECUTE PTE_X
#define SPACE_DEVICE 0x100u  // for software: registers, the kernel does not copy from or to them

struct hart;

// The caller serialises all that changes or walks the table.
struct arch_space {
	uint64_t *root;
	uint64_t satp;  // without the ASID
	struct tlb_tag asid;
	// Counts what was unmapped; atomic. A hart whose `seen` is older may translate to what is
	// gone, and fences before it runs the process again.
	uint64_t unmaps;                   // never wraps: an app could make it
	uint64_t seen[TLB_TAG_MAX_HARTS];  // only its own hart's
	size_t num_tables;                 // pages of page tables, the root included
	bool shared;                       // atomic: more than one thread may run in it
};

// Learns how many ASID bits the harts have. On each hart, before it runs a process.
void arch_space_probe_hart(void);
// An empty space. Errors: ERR_NO_MEMORY.
__must_check error_t arch_space_init(struct arch_space *space);
// Frees the tables, once no hart has them in satp; nothing that was mapped. Waits for other harts:
// no lock is held. No thread of the process runs again.
void arch_space_deinit(struct arch_space *space);
// Maps pages, or with `size` BLOCK_SIZE and both aligned to it a block. `prot`: SPACE_*, W^X.
// What was mapped there for less is replaced. Errors: ERR_NO_MEMORY (what was mapped stays).
__must_check error_t arch_space_map(struct arch_space *space, uintptr_t addr, paddr_t paddr,
                                    size_t size, uint32_t prot);
// All harts fetch the instructions that were stored before. Before pages are mapped with
// SPACE_EXECUTE that are no part of the kernel image.
void arch_space_fence_code(void);
// The entry of the page at `addr`, its tables made; those of the pages behind it, up to a multiple
// of BLOCK_SIZE, follow, and stay there as long as the space. NULL: no memory, or a block is there.
uint64_t *arch_space_entry(struct arch_space *space, uintptr_t addr);
// As arch_space_map of pages, and as arch_space_unmap, that have these entries.
void arch_space_fill(uint64_t *entry, paddr_t paddr, size_t size, uint32_t prot);
void arch_space_clear(struct arch_space *space, uint64_t *entry, uintptr_t addr, size_t size);
// arch_space_fill of one page, which is not a device's.
static inline void arch_space_fill_page(uint64_t *entry, paddr_t paddr, uint32_t prot)
{
	// Accessed and dirty are set at once, as in the kernel's own table. No fence: a hart that
	// remembers that nothing was there faults once (arch_space_allows).
	__atomic_store_n(entry, pte_make(paddr, PTE_U | PTE_A | PTE_D | PTE_R | prot),
	                 __ATOMIC_RELEASE);
}
// As arch_space_unmap, of pages that are the space's own: where each was is kept, until
// arch_space_take_kept, which returns false where none was.
void arch_space_unmap_keeping(struct arch_space *space, uintptr_t addr, size_t size);
bool arch_space_take_kept(struct arch_space *space, uintptr_t addr, paddr_t *out);
// Unmaps all in the range; a block only as a whole. Other harts that run the process have forgotten
// it when this returns, this one before it goes back to the process.
void arch_space_unmap(struct arch_space *space, uintptr_t addr, size_t size);
// The kernel's address of what the process has at `addr`, if it may read or write it there; NULL if
// not. Good to the end of the page.
void *arch_space_translate(const struct arch_space *space, uintptr_t addr, bool write);
// The same for a window, which is good for as long as nothing is unmapped (user_access.h): to be
// read, and if `*writable` to be written.
void *arch_space_window(const struct arch_space *space, uintptr_t addr, bool *writable);
// The process has more than one thread from now on, and windows end; or it has one.
void arch_space_set_shared(struct arch_space *space, bool shared);
// Keeps what was found in the space when `unmaps` was its count, if nothing was unmapped since: an
// unmap on another hart waits from now on until arch_space_release, before which the caller neither
// takes a lock nor waits. Returns false, and keeps nothing, if something was. `held`: this hart's
// word for it. Context: a thread of the space, interrupts off.
static inline bool arch_space_hold(struct arch_space **held, struct arch_space *space,
                                   uint64_t unmaps)
{
	__atomic_store_n(held, space, __ATOMIC_RELAXED);
	// The word before the look at the count. Pairs with the fence of note_unmapped(), which
	// counts before it looks at the word.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&space->unmaps, __ATOMIC_RELAXED) == unmaps, 1))
		return true;
	__atomic_store_n(held, NULL, __ATOMIC_RELEASE);
	return false;
}
static inline void arch_space_release(struct arch_space **held)
{
	// What was done to the memory before the word. Pairs with the load of wait_for_holders().
	__atomic_store_n(held, NULL, __ATOMIC_RELEASE);
}
// The current thread, if it is one of the space, unmaps [addr, addr + size), and so the count goes
// from `unmaps` to the next: its own windows that show something else hold on. user_access.c.
void user_windows_keep(const struct arch_space *space, uintptr_t addr, size_t size,
                       uint64_t unmaps);
// copy_from_app and copy_to_app of the current thread, whose process has a space. user_access.c.
__must_check error_t user_copy_from(void *dst, uintptr_t src, size_t len);
__must_check error_t user_copy_to(uintptr_t dst, const void *src, size_t len);
// Whether `addr` is mapped so that the process may access it: then a fault on it was stale.
bool arch_space_allows(const struct arch_space *space, uintptr_t addr, bool write);
// The same of an instruction fetch.
bool arch_space_executes(const struct arch_space *space, uintptr_t addr);
// Physical address of the page at `addr`, a multiple of PAGE_SIZE; false when nothing is there.
bool arch_space_paddr(const struct arch_space *space, uintptr_t addr, paddr_t *out);

// Makes it this hart's, current. Part of a switch to one of its threads.
void arch_space_enter(struct hart *hart, struct arch_space *space);
// A hart that runs a guest is in no process's space. So an unmap by the process's other threads
// need not interrupt it, which would be an exit of the guest and a wait in the firmware: the hart
// looks itself when it is back, as at a switch of threads. `running`: its word for what it runs.
// Plain stores, for the compiler's atomic ones are swaps.
static inline void arch_space_pause(struct arch_space **running)
{
	*(struct arch_space *volatile *)running = NULL;
}
// Its thread, whose space this is, is about to return to user mode. Returns false when something
// was unmapped since the hart had it last, or it gave it up: then arch_space_return.
static inline bool arch_space_resume(struct arch_space **running, struct arch_space *space,
                                     uint32_t hart)
{
	*(struct arch_space *volatile *)running = space;
	// Who runs before the look at what was unmapped. Pairs with the fence of note_unmapped().
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __builtin_expect(
		space->seen[hart] == __atomic_load_n(&space->unmaps, __ATOMIC_RELAXED), 1);
}
// Makes it so: the table is the hart's again, and what was unmapped is forgotten.
void arch_space_return(struct hart *hart, struct arch_space *space);
// This hart forgets what was unmapped of the space that it has. Before it returns to user mode,
// when hart->arch.space_stale says so.
void arch_space_fence(struct hart *hart);
// The hart goes back to the kernel's table.
void arch_space_leave(struct hart *hart);
// Gives up a space that is to go, if it has one such. From a kick.
void arch_space_serve_evict(struct hart *hart);
