// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/mmu.h"

#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/arch/riscv64/page_table.h"
#include "kernel/arch/riscv64/pte.h"

static uint64_t *root;

static uint64_t *walk(uintptr_t virt, unsigned level, bool create)
{
	size_t num_tables = 0;

	return page_table_walk(root, virt, level, create, &num_tables);
}

uint64_t *mmu_pte(uintptr_t virt, bool create)
{
	return walk(virt, 0, create);
}

error_t mmu_map(uintptr_t virt, paddr_t paddr, size_t size, uint64_t flags)
{
	// Accessed and dirty are set at once: nobody looks at them, and hardware may fault when it
	// has to set them. The kernel's mappings are the same in all address spaces.
	flags |= PTE_A | PTE_D | PTE_G;
	while (size > 0) {
		unsigned level = LEVELS - 1;
		uint64_t *pte;

		while (((virt | paddr) & (leaf_size(level) - 1)) != 0 || size < leaf_size(level))
			level--;
		// A table that earlier, smaller mappings left there serves as well.
		while ((pte = walk(virt, level, true)) != NULL && (*pte & PTE_V) != 0) {
			if (pte_is_leaf(*pte) || level == 0)
				return ERR_EXISTS;
			level--;
		}
		if (pte == NULL)
			return ERR_NO_MEMORY;
		__atomic_store_n(pte, pte_make(paddr, flags), __ATOMIC_RELEASE);
		virt += leaf_size(level);
		paddr += leaf_size(level);
		size -= leaf_size(level);
	}
	return 0;
}

uint64_t mmu_device_flags(void)
{
	return machine.has_svpbmt ? PTE_PBMT_IO : 0;
}

bool mmu_unmap(uintptr_t virt, size_t size)
{
	return page_table_clear(root, virt, virt + size, false);
}

bool mmu_paddr(uintptr_t virt, paddr_t *out)
{
	unsigned level;
	uint64_t *pte = page_table_leaf(root, virt, &level);

	if (pte == NULL)
		return false;
	*out = pte_paddr(*pte) + (virt & (leaf_size(level) - 1));
	return true;
}

bool mmu_allows(uintptr_t virt, bool write)
{
	unsigned level;
	uint64_t *pte = root == NULL ? NULL : page_table_leaf(root, virt, &level);

	return pte != NULL && (*pte & (write ? PTE_W : PTE_R)) != 0;
}

void mmu_flush_local(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

void mmu_flush_all(void)
{
	// The table before any hart's fence: the firmware promises no order between our stores and
	// other harts' fences (privileged specification, "Supervisor Memory-Management Fence
	// Instruction"). Pairs with their SFENCE.VMA.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (num_harts > 1)
		sbi_remote_sfence_vma_all();
	mmu_flush_local();
}

uint64_t mmu_satp(void)
{
	return SATP_SV39 | page_from_virt(root) >> 12;
}

void mmu_share_kernel(uint64_t *table)
{
	for (unsigned i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++)
		table[i] = root[i];
}

static void map_or_panic(uintptr_t virt, paddr_t paddr, size_t size, uint64_t flags)
{
	error_t err = mmu_map(virt, paddr, size, flags);

	if (err != 0)
		panic("mmu: cannot map the kernel at %#lx (%d)", virt, err);
}

static void map_image(const uint8_t *start, const uint8_t *end, uint64_t flags)
{
	map_or_panic((uintptr_t)start, image_paddr(start), (size_t)(end - start), flags);
}

static void map_direct(paddr_t start, paddr_t end, uint64_t flags)
{
	if (start < end)
		map_or_panic(DIRECT_MAP_BASE + start, start, (size_t)(end - start), flags);
}

// The direct map of one range of RAM: the image's text and rodata are read-only in it, and its boot
// stack's guard is left out.
static void map_ram(paddr_t start, paddr_t end)
{
	paddr_t image = image_paddr(__kernel_start);
	paddr_t data = image_paddr(__data_start);
	paddr_t guard = image_paddr(__boot_stack_guard);

	if (start > image || end < image_paddr(__kernel_end)) {
		map_direct(start, end, PTE_R | PTE_W);
		return;
	}
	map_direct(start, image, PTE_R | PTE_W);
	map_direct(image, data, PTE_R);
	map_direct(data, guard, PTE_R | PTE_W);
	map_direct(guard + PAGE_SIZE, end, PTE_R | PTE_W);
}

// The upper tables of the mapping area. Processes' tables share them, so none may come later.
static void make_vmap_tables(void)
{
	size_t count = (VMAP_END - VMAP_BASE) / leaf_size(2);
	unsigned order = 0;
	paddr_t page;

	while (1ul << order < count)
		order++;
	if (page_alloc(order, &page) != 0)
		panic("mmu: no memory for the kernel's page tables");
	page_shrink(page, order, count);
	for (size_t i = 0; i < count; i++)
		root[slot_of(VMAP_BASE, 2) + i] = pte_make(page + i * PAGE_SIZE, 0);
}

void mmu_init(void)
{
	paddr_t page;

	if (page_alloc(0, &page) != 0)
		panic("mmu: no memory for the kernel's page table");
	root = page_to_virt(page);

	map_image(__text_start, __text_end, PTE_R | PTE_X);
	map_image(__rodata_start, __rodata_end, PTE_R);
	map_image(__data_start, __boot_stack_guard, PTE_R | PTE_W);
	map_image(__boot_stack_bottom, __bss_end, PTE_R | PTE_W);
	for (size_t i = 0; i < num_ram_ranges; i++)
		map_ram(ram_ranges[i].start, ram_ranges[i].end);

	make_vmap_tables();
	csr_write(satp, mmu_satp());
	mmu_flush_local();
}
