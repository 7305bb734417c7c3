// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/gstage.h"

#include <stddef.h>

#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/mm/page.h"
#include "libs/abi/folio.h"
#include "libs/base/string.h"

#define PTE_V (1ull << 0)
#define PTE_R (1ull << 1)
#define PTE_W (1ull << 2)
#define PTE_X (1ull << 3)
// All G-stage accesses are made as if from user mode.
#define PTE_U (1ull << 4)
#define PTE_A (1ull << 6)
#define PTE_D (1ull << 7)
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK ((1ull << 44) - 1)

#define ROOT_ORDER 2
#define ROOT_ENTRIES 2048
#define TABLE_ENTRIES 512

static unsigned root_level = 2;

void gstage_set_levels(unsigned levels)
{
	root_level = levels - 1;
}

unsigned gstage_levels(void)
{
	return root_level + 1;
}

static unsigned level_shift(unsigned level)
{
	return 12 + 9 * level;
}

static size_t entry_index(gpa_t gpa, unsigned level)
{
	size_t entries = level == root_level ? ROOT_ENTRIES : TABLE_ENTRIES;

	return (gpa >> level_shift(level)) & (entries - 1);
}

static bool pte_is_leaf(uint64_t pte)
{
	return (pte & PTE_LEAF) != 0;
}

static paddr_t pte_paddr(uint64_t pte)
{
	return ((pte >> PTE_PPN_SHIFT) & PTE_PPN_MASK) << 12;
}

static uint64_t *table_of(paddr_t paddr)
{
	return page_to_virt(paddr);
}

// The hardware walker of another hart may read the entry at any time.
static void pte_store(uint64_t *entry, uint64_t pte)
{
	__atomic_store_n(entry, pte, __ATOMIC_RELEASE);
}

_Static_assert(GSTAGE_ROOT_SIZE == PAGE_SIZE << ROOT_ORDER, "what is charged for");

error_t gstage_init(struct gstage *g)
{
	g->num_tables = 0;
	return page_alloc(ROOT_ORDER, &g->root);
}

// Frees the tables below a table of `level`.
static void free_below(uint64_t *table,
                       unsigned level)  // NOLINT(misc-no-recursion): at most three deep
{
	size_t entries = level == root_level ? ROOT_ENTRIES : TABLE_ENTRIES;

	for (size_t i = 0; i < entries; i++) {
		if ((table[i] & PTE_V) == 0 || pte_is_leaf(table[i]))
			continue;
		if (level > 1)
			free_below(table_of(pte_paddr(table[i])), level - 1);
		page_free(pte_paddr(table[i]), 0);
	}
}

void gstage_deinit(struct gstage *g)
{
	free_below(table_of(g->root), root_level);
	page_free(g->root, ROOT_ORDER);
	g->root = 0;
	g->num_tables = 0;
}

// The table below `entry`, made when there is none.
static error_t table_below(struct gstage *g, uint64_t *entry, uint64_t **out)
{
	paddr_t page;
	error_t err;

	if ((*entry & PTE_V) == 0) {
		err = page_alloc(0, &page);
		if (err != 0)
			return err;
		g->num_tables++;
		pte_store(entry, (page >> 12) << PTE_PPN_SHIFT | PTE_V);
	}
	*out = table_of(pte_paddr(*entry));
	return 0;
}

static uint64_t leaf_pte(paddr_t paddr, uint32_t prot)
{
	// Accessed and dirty are set from the start: nobody asks, and hardware may fault where they
	// are clear.
	uint64_t pte = (paddr >> 12) << PTE_PPN_SHIFT | PTE_V | PTE_U | PTE_A | PTE_D;

	if ((prot & PROT_READ) != 0)
		pte |= PTE_R;
	if ((prot & PROT_WRITE) != 0)
		pte |= PTE_W;
	if ((prot & PROT_EXEC) != 0)
		pte |= PTE_X;
	return pte;
}

error_t gstage_map(struct gstage *g, gpa_t gpa, paddr_t paddr, uint64_t size, uint32_t prot)
{
	unsigned level = size == BLOCK_SIZE ? 1 : 0;
	uint64_t *table = table_of(g->root);
	uint64_t *entry;
	error_t err;

	if (gpa >= GSTAGE_SIZE || size > GSTAGE_SIZE - gpa)
		return ERR_RANGE;

	for (unsigned at = root_level;; at--) {
		entry = &table[entry_index(gpa, at)];
		if (at == level)
			break;
		// A page inside a block that is mapped already: the block serves it.
		if ((*entry & PTE_V) != 0 && pte_is_leaf(*entry))
			return 0;
		err = table_below(g, entry, &table);
		if (err != 0)
			return err;
	}
	if ((*entry & PTE_V) != 0 && !pte_is_leaf(*entry))
		return ERR_EXISTS;
	pte_store(entry, leaf_pte(paddr, prot));
	return 0;
}

// Finds the leaf entry of `gpa`. `*level` is where the walk ended, also when it found none.
static uint64_t *find_leaf(const struct gstage *g, gpa_t gpa, unsigned *level)
{
	uint64_t *table = table_of(g->root);

	for (*level = root_level;; (*level)--) {
		uint64_t *entry = &table[entry_index(gpa, *level)];

		if ((*entry & PTE_V) == 0)
			return NULL;
		if (pte_is_leaf(*entry))
			return entry;
		if (*level == 0)
			return NULL;
		table = table_of(pte_paddr(*entry));
	}
}

bool gstage_unmap(struct gstage *g, gpa_t gpa, uint64_t length)
{
	gpa_t end = gpa + length;
	bool any = false;

	while (gpa < end && gpa < GSTAGE_SIZE) {
		unsigned level;
		uint64_t *entry = find_leaf(g, gpa, &level);
		uint64_t size = 1ull << level_shift(level);

		if (entry != NULL) {
			pte_store(entry, 0);
			any = true;
		}
		gpa = (gpa & ~(size - 1)) + size;
	}
	return any;
}

bool gstage_lookup(const struct gstage *g, gpa_t gpa, paddr_t *paddr, uint32_t *prot)
{
	unsigned level;
	uint64_t *entry;

	if (gpa >= GSTAGE_SIZE)
		return false;
	entry = find_leaf(g, gpa, &level);
	if (entry == NULL)
		return false;
	*paddr = pte_paddr(*entry) + (gpa & ((1ull << level_shift(level)) - 1));
	*prot = ((*entry & PTE_R) != 0 ? PROT_READ : 0) | ((*entry & PTE_W) != 0 ? PROT_WRITE : 0) |
		((*entry & PTE_X) != 0 ? PROT_EXEC : 0);
	return true;
}

uint64_t gstage_hgatp(const struct gstage *g, uint32_t vmid)
{
	uint64_t mode = root_level == 2 ? HGATP_MODE_SV39X4 : HGATP_MODE_SV48X4;

	return mode << HGATP_MODE_SHIFT | (uint64_t)vmid << HGATP_VMID_SHIFT | g->root >> 12;
}
