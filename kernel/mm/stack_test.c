// SPDX-License-Identifier: MIT
//
// A kernel stack's first touch may not fault: each hart forgets that its pages were unmapped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/mm/page_private.h"
#include "kernel/mm/vmap.h"

#define BOTTOM 0x40000000ul
#define PAGES 4u

static bool mapped[PAGES];
static bool fenced[PAGES];  // by all harts, since it was mapped
static unsigned pages_out;
static unsigned maps_left;

void arch_take_interrupts(void)
{
}

error_t vmap_reserve(size_t size, size_t align, uintptr_t *out)
{
	assert_int_equal(size, PAGES * PAGE_SIZE);
	assert_int_equal(align, PAGE_SIZE);
	*out = BOTTOM;
	return 0;
}

error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot)
{
	size_t page = (addr - BOTTOM) / PAGE_SIZE;

	(void)paddr;
	assert_int_equal(size, PAGE_SIZE);
	assert_int_equal(prot, VMAP_READ | VMAP_WRITE);
	assert_true(page < PAGES);
	if (maps_left == 0)
		return ERR_NO_MEMORY;
	maps_left--;
	mapped[page] = true;
	fenced[page] = false;
	return 0;
}

void vmap_unmap(uintptr_t addr, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE_SIZE)
		mapped[(addr - BOTTOM + at) / PAGE_SIZE] = false;
}

void vmap_release(uintptr_t addr, size_t size)
{
	assert_int_equal(addr, BOTTOM);
	assert_int_equal(size, PAGES * PAGE_SIZE);
}

bool mmu_paddr(uintptr_t virt, paddr_t *out)
{
	*out = 0;
	return mapped[(virt - BOTTOM) / PAGE_SIZE];
}

void mmu_flush_all(void)
{
	for (size_t i = 0; i < PAGES; i++)
		fenced[i] = mapped[i];
}

error_t page_alloc(unsigned order, paddr_t *out)
{
	assert_int_equal(order, 0);
	pages_out++;
	*out = 0;
	return 0;
}

void page_free(paddr_t page, unsigned order)
{
	(void)page;
	assert_int_equal(order, 0);
	assert_true(pages_out > 0);
	pages_out--;
}

static void test_all_pages_are_fenced(void **state)
{
	uintptr_t top;

	(void)state;
	maps_left = PAGES;
	assert_int_equal(vmap_alloc_stack(PAGES * PAGE_SIZE, &top), 0);
	assert_int_equal(top, BOTTOM + PAGES * PAGE_SIZE);
	for (size_t i = 0; i < PAGES; i++)
		assert_true(mapped[i] && fenced[i]);
	vmap_free_stack(top, PAGES * PAGE_SIZE);
	assert_int_equal(pages_out, 0);
}

static void test_no_memory_gives_all_back(void **state)
{
	uintptr_t top;

	(void)state;
	maps_left = PAGES - 1;
	assert_int_equal(vmap_alloc_stack(PAGES * PAGE_SIZE, &top), ERR_NO_MEMORY);
	assert_int_equal(pages_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pages_are_fenced),
		cmocka_unit_test(test_no_memory_gives_all_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
