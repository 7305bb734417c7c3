// SPDX-License-Identifier: MIT
//
// Stacks: pages in the mapping area, between its guard pages.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_private.h"
#include "kernel/mm/vmap.h"

// What is zeroed before interrupts have their turns.
#define BYTES_AT_ONCE (64ul * 1024)

error_t vmap_alloc_stack(size_t size, uintptr_t *top)
{
	uintptr_t bottom;
	paddr_t page;
	error_t err;

	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	err = vmap_reserve(size, PAGE_SIZE, &bottom);
	if (err != 0)
		return err;
	for (size_t offset = 0; offset < size; offset += PAGE_SIZE) {
		if (offset > 0 && offset % BYTES_AT_ONCE == 0)
			arch_take_interrupts();
		err = page_alloc(0, &page);
		if (err != 0)
			goto out_free;
		err = vmap_map(bottom + offset, page, PAGE_SIZE, VMAP_READ | VMAP_WRITE);
		if (err != 0) {
			page_free(page, 0);
			goto out_free;
		}
	}
	// A trap's frame goes to the stack, so its first touch may not fault, on any hart that the
	// thread may ever run on. Pairs with the stores of vmap_map().
	mmu_flush_all();
	*top = bottom + size;
	return 0;

out_free:
	vmap_free_stack(bottom + size, size);
	return err;
}

void vmap_free_stack(uintptr_t top, size_t size)
{
	uintptr_t bottom;
	size_t done = 0;

	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	bottom = top - size;
	// The pages are noted before the mapping goes, and freed after no hart translates to them:
	// some at a time.
	while (done < size) {
		paddr_t batch[32];
		size_t start = done;
		size_t num = 0;

		for (; done < size && done - start < sizeof(batch) / sizeof(batch[0]) * PAGE_SIZE;
		     done += PAGE_SIZE) {
			if (mmu_paddr(bottom + done, &batch[num]))
				num++;
		}
		vmap_unmap(bottom + start, done - start);
		for (size_t i = 0; i < num; i++)
			page_free(batch[i], 0);
	}
	vmap_release(bottom, size);
}
