// SPDX-License-Identifier: MIT
//
// Flushes. An unmap clears the entries, counts itself in `unmaps`, and then fences the harts that
// run a thread of the process at that moment; all others see the count when they switch to one
// (arch_space_enter). Either the unmapping hart sees who runs, or that one sees the count: each
// writes its own word, fences, and then reads the other's. In the same way a kernel that reaches
// the memory without the space's lock is waited for, or sees the count (arch_space_hold). A
// process's only thread has nobody to look at.
#include "kernel/arch/riscv64/arch_space.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/fp.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/arch/riscv64/page_table.h"
#include "kernel/arch/riscv64/pte.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"
#include "libs/base/string.h"

#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK 0xffffull

_Static_assert(TLB_TAG_MAX_HARTS >= MAX_HARTS, "a word for each hart");

// Not a count of unmaps.
#define NEVER_SEEN UINT64_MAX

static struct tlb_tags asids;
static bool probed;

void arch_space_probe_hart(void)
{
	uint64_t satp = csr_read(satp);
	uint32_t bits;

	// The bits that a hart does not have read as 0 (privileged specification, register satp).
	csr_write(satp, satp | SATP_ASID_MASK << SATP_ASID_SHIFT);
	bits = (uint32_t)__builtin_popcountll(csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK);
	csr_write(satp, satp);
	mmu_flush_local();
	if (!probed)
		tlb_tags_init(&asids, bits);
	else
		tlb_tags_shrink(&asids, bits);
	probed = true;
}

static uint64_t *table_of(uint64_t pte)
{
	return page_to_virt(pte_paddr(pte));
}

error_t arch_space_init(struct arch_space *space)
{
	paddr_t page;
	error_t error = page_alloc(0, &page);

	if (error != 0)
		return error;
	*space = (struct arch_space){
		.root = page_to_virt(page),
		.satp = SATP_SV39 | page >> 12,
		.num_tables = 1,
	};
	mmu_share_kernel(space->root);
	return 0;
}

static void free_table(uint64_t *table)
{
	page_free(page_from_virt(table), 0);
}

void arch_space_deinit(struct arch_space *space)
{
	struct hart *self = arch_this_hart();

	if (self->arch.space == space)
		arch_space_leave(self);
	for (uint32_t i = 0; i < num_harts; i++) {
		struct hart *hart = &harts[i];

		if (__atomic_load_n(&hart->arch.space, __ATOMIC_ACQUIRE) != space)
			continue;
		// A hart keeps the last space until it runs another process's thread, or is asked.
		store_release(&hart->arch.evict_space, true);
		arch_hart_kick(i);
		while (__atomic_load_n(&hart->arch.space, __ATOMIC_ACQUIRE) == space)
			arch_space_serve_evict(self);
	}
	for (unsigned i = 0; i < TABLE_ENTRIES / 2; i++) {
		uint64_t *middle;

		if ((space->root[i] & PTE_V) == 0)
			continue;
		middle = table_of(space->root[i]);
		for (unsigned k = 0; k < TABLE_ENTRIES; k++) {
			if ((middle[k] & PTE_V) != 0 && (middle[k] & PTE_LEAF) == 0)
				free_table(table_of(middle[k]));
		}
		free_table(middle);
	}
	free_table(space->root);
}

static inline void fill(uint64_t *entry, paddr_t paddr, size_t size, uint64_t flags)
{
	// No fence: a hart that remembers that nothing was there faults once (arch_space_allows).
	for (size_t offset = 0; offset < size; offset += PAGE_SIZE)
		store_release(entry++, pte_make(paddr + offset, flags));
}

// A function of its own: others need no registers saved.
static __attribute__((noinline)) void fill_device(uint64_t *entry, paddr_t paddr, size_t size,
                                                  uint64_t flags)
{
	fill(entry, paddr, size, flags | mmu_device_flags());
}

void arch_space_fill(uint64_t *entry, paddr_t paddr, size_t size, uint32_t prot)
{
	// Accessed and dirty are set at once, as in the kernel's own table.
	uint64_t flags = PTE_U | PTE_A | PTE_D | PTE_R | prot;

	kassert((prot & (SPACE_WRITE | SPACE_EXECUTE)) != (SPACE_WRITE | SPACE_EXECUTE));
	if ((prot & SPACE_DEVICE) != 0)
		fill_device(entry, paddr, size, flags);
	else
		fill(entry, paddr, size, flags);
}

uint64_t *arch_space_entry(struct arch_space *space, uintptr_t addr)
{
	return page_table_walk(space->root, addr, 0, true, &space->num_tables);
}

// Maps a block, if no table of smaller mappings is there; that serves as well. Returns whether it
// did.
static bool map_block(struct arch_space *space, uintptr_t addr, paddr_t paddr, uint32_t prot)
{
	uint64_t *entry = page_table_walk(space->root, addr, 1, true, &space->num_tables);

	if (entry == NULL || ((*entry & PTE_V) != 0 && !pte_is_leaf(*entry)))
		return false;
	arch_space_fill(entry, paddr, PAGE_SIZE, prot);
	return true;
}

error_t arch_space_map(struct arch_space *space, uintptr_t addr, paddr_t paddr, size_t size,
                       uint32_t prot)
{
	if (size == BLOCK_SIZE && ((addr | paddr) & (BLOCK_SIZE - 1)) == 0 &&
	    map_block(space, addr, paddr, prot))
		return 0;
	while (size > 0) {
		size_t step = BLOCK_SIZE - (addr & (BLOCK_SIZE - 1));
		uint64_t *entry = arch_space_entry(space, addr);

		if (entry == NULL)
			return ERR_NO_MEMORY;
		if (step > size)
			step = size;
		arch_space_fill(entry, paddr, step, prot);
		addr += step;
		paddr += step;
		size -= step;
	}
	return 0;
}

// The leaf that maps `addr`, which may be any, and its level; NULL when nothing does.
static uint64_t *find_leaf(const struct arch_space *space, uintptr_t addr, unsigned *level)
{
	if (addr < USER_BASE || addr >= USER_END)
		return NULL;
	return page_table_leaf(space->root, addr, level);
}

// Harts that reach what was unmapped in the kernel, whom no fence stops.
static void wait_for_holders(const struct arch_space *space)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		// Pairs with the stores of arch_space_release(). This hart holds nothing.
		while (__atomic_load_n(&harts[i].arch.held_space, __ATOMIC_ACQUIRE) == space)
			;
	}
}

// Of a process whose threads may run on several harts. As note_unmapped: a function of its own,
// so that what is usual needs no registers saved.
static __attribute__((noinline)) void note_to_all(struct arch_space *space, struct hart *self,
                                                  uintptr_t addr, size_t size, uint64_t before)
{
	uint64_t mask = 0;

	// Entries and count before the look at who runs, and who holds. Pairs with the fences of
	// arch_space_enter() and arch_space_hold().
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (self->arch.space == space)
		self->arch.space_stale = true;
	for (uint32_t i = 0; i < num_harts; i++) {
		if (&harts[i] != self &&
		    __atomic_load_n(&harts[i].arch.running_space, __ATOMIC_RELAXED) == space)
			mask |= 1ull << i;
	}
	for (; mask != 0; mask &= mask - 1)
		sbi_remote_sfence_vma(harts[__builtin_ctzll(mask)].firmware_id);
	wait_for_holders(space);
	user_windows_keep(space, addr, size, before);
}

static inline void note_unmapped(struct arch_space *space, uintptr_t addr, size_t size)
{
	struct hart *self = arch_this_hart();
	// The entries before the count: who sees the count walks the cleared entries.
	uint64_t before = __atomic_fetch_add(&space->unmaps, 1, __ATOMIC_RELEASE);

	// The process's only thread is the one that unmaps. Pairs with the store of
	// arch_space_set_shared(): what the last of the others did is over.
	if (self->arch.running_space == space &&
	    !__atomic_load_n(&space->shared, __ATOMIC_ACQUIRE)) {
		self->arch.space_stale = true;
		user_windows_keep(space, addr, size, before);
	} else {
		note_to_all(space, self, addr, size, before);
	}
}

void arch_space_fence_code(void)
{
	// The stores before any hart's FENCE.I: the firmware promises no order between them
	// (unprivileged specification, Zifencei). Pairs with the harts' fetches.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sbi_remote_fence_i_all();
}

void arch_space_unmap(struct arch_space *space, uintptr_t addr, size_t size)
{
	if (page_table_clear(space->root, addr, addr + size, false))
		note_unmapped(space, addr, size);
}

void arch_space_clear(struct arch_space *space, uint64_t *entry, uintptr_t addr, size_t size)
{
	uint64_t any = 0;

	for (size_t i = 0; i < size / PAGE_SIZE; i++) {
		any |= entry[i];
		store_relaxed(&entry[i], 0);
	}
	if ((any & PTE_V) != 0)
		note_unmapped(space, addr, size);
}

void arch_space_unmap_keeping(struct arch_space *space, uintptr_t addr, size_t size)
{
	if (page_table_clear(space->root, addr, addr + size, true))
		note_unmapped(space, addr, size);
}

bool arch_space_take_kept(struct arch_space *space, uintptr_t addr, paddr_t *out)
{
	uint64_t *entry = page_table_walk(space->root, addr, 0, false, &space->num_tables);

	if (entry == NULL || *entry == 0 || (*entry & PTE_V) != 0)
		return false;
	*out = pte_paddr(*entry);
	__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
	return true;
}

void *arch_space_translate(const struct arch_space *space, uintptr_t addr, bool write)
{
	uint64_t wanted = write ? PTE_U | PTE_W : PTE_U | PTE_R;
	unsigned level;
	const uint64_t *pte = find_leaf(space, addr, &level);

	if (pte == NULL || (*pte & (wanted | SPACE_DEVICE)) != wanted)
		return NULL;
	return (uint8_t *)page_to_virt(pte_paddr(*pte)) + (addr & (leaf_size(level) - 1));
}

void *arch_space_window(const struct arch_space *space, uintptr_t addr, bool *writable)
{
	unsigned level;
	const uint64_t *pte = find_leaf(space, addr, &level);

	if (pte == NULL || (*pte & (PTE_U | PTE_R | SPACE_DEVICE)) != (PTE_U | PTE_R))
		return NULL;
	*writable = (*pte & PTE_W) != 0;
	return (uint8_t *)page_to_virt(pte_paddr(*pte)) + (addr & (leaf_size(level) - 1));
}

void arch_space_set_shared(struct arch_space *space, bool shared)
{
	__atomic_store_n(&space->shared, shared, __ATOMIC_RELEASE);
	__atomic_fetch_add(&space->unmaps, 1, __ATOMIC_RELAXED);
}

bool arch_space_allows(const struct arch_space *space, uintptr_t addr, bool write)
{
	uint64_t wanted = write ? PTE_W : PTE_R;
	unsigned level;
	const uint64_t *pte = find_leaf(space, addr, &level);

	return pte != NULL && (*pte & wanted) != 0;
}

bool arch_space_executes(const struct arch_space *space, uintptr_t addr)
{
	unsigned level;
	const uint64_t *pte = find_leaf(space, addr, &level);

	return pte != NULL && (*pte & PTE_X) != 0;
}

bool arch_space_paddr(const struct arch_space *space, uintptr_t addr, paddr_t *out)
{
	unsigned level;
	const uint64_t *pte = find_leaf(space, addr, &level);

	if (pte == NULL)
		return false;
	*out = pte_paddr(*pte) + (addr & (leaf_size(level) - 1));
	return true;
}

// --- Harts ---

static void set_satp(struct hart *hart, struct arch_space *space, uint32_t asid)
{
	csr_write(satp, space->satp | (uint64_t)asid << SATP_ASID_SHIFT);
	store_relaxed(&hart->arch.space, space);
	hart->arch.space_stale = false;
}

// The hart's, whatever it had before. What was unmapped since it had this one it will forget.
static void take(struct hart *hart, struct arch_space *space, uint64_t unmaps)
{
	uint32_t asid;
	bool must_fence;

	if (hart->arch.space == space) {
		if (space->seen[hart->id] != unmaps)
			hart->arch.space_stale = true;
		return;
	}
	// A number that no hart has translations of is quicker than a fence.
	if (space->seen[hart->id] != unmaps)
		__atomic_store_n(&space->asid.word, 0, __ATOMIC_RELAXED);
	asid = tlb_tag_enter(&asids, &space->asid, hart->id, &must_fence);
	set_satp(hart, space, asid);
	space->seen[hart->id] = unmaps;
	if (must_fence)
		mmu_flush_local();
}

// The first entry for long, after something was unmapped, or with nobody else in between.
static __attribute__((noinline)) void enter_slowly(struct hart *hart, struct arch_space *space,
                                                   uint64_t unmaps)
{
	if (!hart->arch.fp_zeroed)
		fp_hide(hart);
	take(hart, space, unmaps);
}

void arch_space_return(struct hart *hart, struct arch_space *space)
{
	take(hart, space, __atomic_load_n(&space->unmaps, __ATOMIC_RELAXED));
}

void arch_space_enter(struct hart *hart, struct arch_space *space)
{
	uint64_t unmaps;
	uint32_t asid;

	store_relaxed(&hart->arch.running_space, space);
	// Who runs before the look at what was unmapped. Pairs with the fence of note_unmapped().
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	unmaps = __atomic_load_n(&space->unmaps, __ATOMIC_RELAXED);
	if (!hart->arch.fp_zeroed || hart->arch.space == space || space->seen[hart->id] != unmaps ||
	    !tlb_tag_is_current(&asids, &space->asid, hart->id, &asid))
		enter_slowly(hart, space, unmaps);
	else
		set_satp(hart, space, asid);
}

void arch_space_fence(struct hart *hart)
{
	struct arch_space *space = hart->arch.space;

	hart->arch.space_stale = false;
	if (space == NULL)
		return;
	space->seen[hart->id] = __atomic_load_n(&space->unmaps, __ATOMIC_ACQUIRE);
	mmu_flush_asid(csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK);
}

void arch_space_leave(struct hart *hart)
{
	// Whoever is to come back to it sees that it is gone (arch_space_resume).
	hart->arch.space->seen[hart->id] = NEVER_SEEN;
	csr_write(satp, mmu_satp());
	// Without ASIDs the kernel's number is the processes', too.
	mmu_flush_local();
	hart->arch.space_stale = false;
	__atomic_store_n(&hart->arch.space, NULL, __ATOMIC_RELEASE);
}

void arch_space_serve_evict(struct hart *hart)
{
	if (!__atomic_load_n(&hart->arch.evict_space, __ATOMIC_ACQUIRE))
		return;
	store_relaxed(&hart->arch.evict_space, false);
	if (hart->arch.running_space == NULL && hart->arch.space != NULL)
		arch_space_leave(hart);
}
