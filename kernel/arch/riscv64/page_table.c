// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/page_table.h"

#include "kernel/arch/riscv64/pte.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"

static uint64_t *table_of(uint64_t pte)
{
	return page_to_virt(pte_paddr(pte));
}

uint64_t *page_table_walk(uint64_t *root, uintptr_t virt, unsigned level, bool create,
                          size_t *num_tables)
{
	uint64_t *table = root;

	for (unsigned l = LEVELS - 1; l > level; l--) {
		uint64_t *pte = &table[slot_of(virt, l)];
		paddr_t page;

		if ((*pte & PTE_V) == 0) {
			if (!create || page_alloc(0, &page) != 0)
				return NULL;
			++*num_tables;
			// The zeroed table before the entry, for this hart's and others' walks.
			__atomic_store_n(pte, pte_make(page, 0), __ATOMIC_RELEASE);
		} else if (pte_is_leaf(*pte)) {
			return NULL;
		}
		table = table_of(*pte);
	}
	return &table[slot_of(virt, level)];
}

uint64_t *page_table_leaf(uint64_t *root, uintptr_t virt, unsigned *level)
{
	uint64_t *table = root;

	for (unsigned l = LEVELS; l-- > 0;) {
		uint64_t *pte = &table[slot_of(virt, l)];

		*level = l;
		if ((*pte & PTE_V) == 0)
			return NULL;
		if (pte_is_leaf(*pte))
			return pte;
		table = table_of(*pte);
	}
	return NULL;
}

// The same in the table of a level: each is gone through once, however much of it is empty.
static bool clear_in(uint64_t *table, unsigned level, uintptr_t virt, uintptr_t end,
                     uint64_t cleared_bits)
{
	bool any = false;

	while (virt < end) {
		uintptr_t next = (virt & ~(leaf_size(level) - 1)) + leaf_size(level);
		uint64_t *pte = &table[slot_of(virt, level)];
		uintptr_t stop = next < end ? next : end;

		if ((*pte & PTE_V) != 0 && pte_is_leaf(*pte)) {
			kassert(stop - virt == leaf_size(level));
			__atomic_store_n(pte, *pte & ~cleared_bits, __ATOMIC_RELEASE);
			any = true;
		} else if ((*pte & PTE_V) != 0 && level > 0) {
			any |= clear_in(table_of(*pte), level - 1, virt, stop, cleared_bits);
		}
		virt = stop;
	}
	return any;
}

bool page_table_clear(uint64_t *root, uintptr_t virt, uintptr_t end, bool keep_addresses)
{
	return clear_in(root, LEVELS - 1, virt, end, keep_addresses ? PTE_V : UINT64_MAX);
}
