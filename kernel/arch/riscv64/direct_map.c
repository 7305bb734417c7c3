// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"

void *page_to_virt(paddr_t paddr)
{
	kassert(paddr < DIRECT_MAP_SIZE);
	return (void *)(DIRECT_MAP_BASE + paddr);
}

paddr_t page_from_virt(const void *virt)
{
	kassert((uintptr_t)virt - DIRECT_MAP_BASE < DIRECT_MAP_SIZE);
	return (uintptr_t)virt - DIRECT_MAP_BASE;
}
