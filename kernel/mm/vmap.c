// SPDX-License-Identifier: MIT
//
// The mapping area is handed out in chunks (chunk.h). The links of the lists of free ones lie in
// the guard page's own (invalid) page table entry, so that nothing has to be allocated to give
// address space back.
#include "kernel/mm/vmap.h"

#include "kernel/arch/riscv64/mmu.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/chunk.h"
#include "kernel/sched/spinlock.h"

#define MIN_SHIFT CHUNK_MIN_SHIFT
#define MAX_SHIFT 36
#define NUM_SHIFTS (MAX_SHIFT - MIN_SHIFT + 1)

// What the guard's entry says of its range. PTE_V is clear: the hardware ignores the rest.
#define NOTE_USED (1ull << 1)
#define NOTE_SHIFT(note) ((unsigned)((note) >> 2 & 63))
#define NOTE_MAKE_SHIFT(shift) ((uint64_t)(shift) << 2)
// The next free range's address, which is a multiple of PAGE_SIZE; bits 63 to 39 are all ones in a
// kernel address.
#define NOTE_NEXT_MASK 0x7ffffff000ull

enum chunk_kind { CHUNK_PAGES, CHUNK_BLOCKS, NUM_KINDS };

static struct {
	struct spinlock lock;  // LOCK_RANK_MEMORY, guards all below and the area's page tables
	uintptr_t next;        // never used from here on
	uintptr_t free[NUM_KINDS][NUM_SHIFTS];  // first range of each list, 0: none
	struct vmap_lazy_range *lazy;
} area = { .lock = { .rank = LOCK_RANK_MEMORY }, .next = VMAP_BASE };

static uint64_t *guard_note(uintptr_t addr, bool create)
{
	return mmu_pte(addr - PAGE_SIZE, create);
}

static enum chunk_kind kind_of(uintptr_t addr, unsigned shift)
{
	// A range begins its alignment into its chunk.
	return (addr & ((1ull << shift) - 1)) == PAGE_SIZE ? CHUNK_PAGES : CHUNK_BLOCKS;
}

static error_t take_fresh(unsigned shift, size_t align, uintptr_t *out)
{
	uintptr_t chunk;

	if (!chunk_carve(&area.next, VMAP_END - PAGE_SIZE, shift, &chunk))
		return ERR_NO_MEMORY;
	*out = chunk + align;
	return 0;
}

// Takes the first range off a list of free ones; 0 when it is empty.
static uintptr_t take_freed(uintptr_t *head)
{
	uintptr_t addr = *head;
	uint64_t next;

	if (addr == 0)
		return 0;
	next = *guard_note(addr, false) & NOTE_NEXT_MASK;
	*head = next == 0 ? 0 : next | ~(NOTE_NEXT_MASK | (PAGE_SIZE - 1));
	return addr;
}

error_t vmap_reserve(size_t size, size_t align, uintptr_t *out)
{
	enum chunk_kind kind = align > PAGE_SIZE ? CHUNK_BLOCKS : CHUNK_PAGES;
	unsigned shift;
	uintptr_t addr;
	uint64_t *note;
	error_t err = 0;

	if (size == 0 || size > 1ull << MAX_SHIFT || align > BLOCK_SIZE)
		return ERR_NO_MEMORY;
	align = kind == CHUNK_BLOCKS ? BLOCK_SIZE : PAGE_SIZE;
	shift = chunk_shift(size, align);
	if (shift > MAX_SHIFT)
		return ERR_NO_MEMORY;

	spin_lock(&area.lock);
	addr = take_freed(&area.free[kind][shift - MIN_SHIFT]);
	if (addr == 0)
		err = take_fresh(shift, align, &addr);
	if (err == 0) {
		// Makes the table that the note lies in; a fresh chunk without one is lost, which
		// memory being out bounds.
		note = guard_note(addr, true);
		if (note == NULL)
			err = ERR_NO_MEMORY;
		else
			*note = NOTE_USED | NOTE_MAKE_SHIFT(shift);
	}
	spin_unlock(&area.lock);
	if (err == 0)
		*out = addr;
	return err;
}

void vmap_release(uintptr_t addr, size_t size)
{
	uint64_t *note;
	uintptr_t *head;
	unsigned shift;

	vmap_unmap(addr, size);
	spin_lock(&area.lock);
	note = guard_note(addr, false);
	kassert(note != NULL && (*note & (NOTE_USED | PTE_V)) == NOTE_USED);
	shift = NOTE_SHIFT(*note);
	head = &area.free[kind_of(addr, shift)][shift - MIN_SHIFT];
	*note = NOTE_MAKE_SHIFT(shift) | (*head & NOTE_NEXT_MASK);
	*head = addr;
	spin_unlock(&area.lock);
}

error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot)
{
	uint64_t flags = PTE_R;
	bool undone = false;
	error_t err;

	if ((prot & VMAP_WRITE) != 0)
		flags |= PTE_W;
	if ((prot & VMAP_DEVICE) != 0)
		flags |= mmu_device_flags();
	spin_lock(&area.lock);
	err = mmu_map(addr, paddr, size, flags);
	// What is mapped there already was not ours to undo.
	if (err != 0 && err != ERR_EXISTS)
		undone = mmu_unmap(addr, size);
	spin_unlock(&area.lock);
	// A hart may have looked it up ahead of time.
	if (undone)
		mmu_flush_all();
	// No fence: a hart that has cached the absence of the mapping (privileged specification,
	// "Supervisor Memory-Management Fence Instruction") faults once, and the trap handler sees
	// that the fault is over (trap.c, resolve_stale). A kernel stack cannot fault:
	// vmap_alloc_stack() fences.
	return err;
}

void vmap_unmap(uintptr_t addr, size_t size)
{
	bool any;

	spin_lock(&area.lock);
	any = mmu_unmap(addr, size);
	spin_unlock(&area.lock);
	if (any)
		mmu_flush_all();
}

error_t vmap_fault(uintptr_t addr, bool write)
{
	struct vmap_lazy_range *range;
	error_t err;

	if (addr < VMAP_BASE || addr >= VMAP_END)
		return ERR_ADDRESS;
	spin_lock(&area.lock);
	for (range = area.lazy; range != NULL; range = range->next) {
		if (range->start <= addr && addr < range->end)
			break;
	}
	if (range != NULL)
		range->busy++;
	spin_unlock(&area.lock);
	if (range == NULL)
		return ERR_ADDRESS;

	err = range->populate(range, addr, write);

	spin_lock(&area.lock);
	range->busy--;
	spin_unlock(&area.lock);
	return err;
}

void vmap_add_lazy(struct vmap_lazy_range *range)
{
	range->busy = 0;
	spin_lock(&area.lock);
	range->next = area.lazy;
	area.lazy = range;
	spin_unlock(&area.lock);
}

void vmap_remove_lazy(struct vmap_lazy_range *range)
{
	struct vmap_lazy_range **link = &area.lazy;
	bool busy = true;

	spin_lock(&area.lock);
	while (*link != NULL && *link != range)
		link = &(*link)->next;
	kassert(*link == range);
	*link = range->next;
	spin_unlock(&area.lock);
	// Another hart may be populating it: that is short, and the storage is the caller's again
	// when this returns.
	while (busy) {
		spin_lock(&area.lock);
		busy = range->busy != 0;
		spin_unlock(&area.lock);
	}
}
