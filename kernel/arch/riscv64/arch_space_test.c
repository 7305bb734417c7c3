// SPDX-License-Identifier: MIT
//
// Page tables of processes: what is mapped, and how.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/arch_space_fake.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/mm/page.h"

static void test_pages(void **state)
{
	struct arch_space space;
	paddr_t paddr;

	(void)state;
	init(&space);
	assert_int_equal(space.root[511], PTE_V);
	assert_int_equal(space.num_tables, 1);
	assert_int_equal(arch_space_map(&space, BASE, 0x5000, 3 * PAGE_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	assert_ptr_equal(arch_space_translate(&space, BASE + PAGE_SIZE + 7, true), 0x6007);
	assert_true(arch_space_paddr(&space, BASE + 2 * PAGE_SIZE, &paddr));
	assert_int_equal(paddr, 0x7000);
	assert_null(arch_space_translate(&space, BASE - 1, false));
	assert_null(arch_space_translate(&space, BASE + 3 * PAGE_SIZE, false));
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_non_null(arch_space_translate(&space, BASE, false));
	assert_null(arch_space_translate(&space, BASE + PAGE_SIZE, false));
	assert_non_null(arch_space_translate(&space, BASE + 2 * PAGE_SIZE, false));
	// The rest, over all that is not there before and behind it.
	arch_space_unmap(&space, USER_BASE, USER_END - USER_BASE);
	assert_null(arch_space_translate(&space, BASE, false));
	assert_null(arch_space_translate(&space, BASE + 2 * PAGE_SIZE, false));
	arch_space_deinit(&space);
}

static void test_blocks(void **state)
{
	struct arch_space space;
	paddr_t paddr;

	(void)state;
	init(&space);
	assert_int_equal(arch_space_map(&space, BASE, 0x40200000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 2);
	assert_ptr_equal(arch_space_translate(&space, BASE + BLOCK_SIZE - 1, true), 0x403fffff);
	assert_true(arch_space_paddr(&space, BASE + 5 * PAGE_SIZE, &paddr));
	assert_int_equal(paddr, 0x40205000);
	// A page does not fit into it.
	assert_int_equal(arch_space_map(&space, BASE, 0x1000, PAGE_SIZE, RW), ERR_NO_MEMORY);
	arch_space_unmap(&space, BASE, BLOCK_SIZE);
	assert_null(arch_space_translate(&space, BASE, false));
	// Not aligned: pages.
	assert_int_equal(arch_space_map(&space, BASE, 0x40201000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	arch_space_unmap(&space, BASE, BLOCK_SIZE);
	// The table of pages serves a block, too.
	assert_int_equal(arch_space_map(&space, BASE, 0x40200000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	assert_ptr_equal(arch_space_translate(&space, BASE + BLOCK_SIZE - 1, true), 0x403fffff);
	arch_space_deinit(&space);
}

static void test_rights(void **state)
{
	static const struct {
		uint32_t prot;
		bool write, copied;
		uint64_t flags;
	} kinds[] = {
		{ SPACE_READ, false, true, PTE_R },
		{ RW, true, true, PTE_R | PTE_W },
		{ SPACE_READ | SPACE_EXECUTE, false, true, PTE_R | PTE_X },
		{ RW | SPACE_DEVICE, true, false, PTE_R | PTE_W | 0x100 | PTE_PBMT_IO },
	};
	struct arch_space space;

	(void)state;
	init(&space);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uintptr_t at = BASE + i * PAGE_SIZE;
		bool writable = !kinds[i].write;
		const uint64_t *table;

		assert_int_equal(arch_space_map(&space, at, 0x9000, PAGE_SIZE, kinds[i].prot), 0);
		assert_int_equal(arch_space_translate(&space, at, false) != NULL, kinds[i].copied);
		assert_int_equal(arch_space_translate(&space, at, true) != NULL,
		                 kinds[i].copied && kinds[i].write);
		assert_true(arch_space_allows(&space, at, false));
		assert_int_equal(arch_space_allows(&space, at, true), kinds[i].write);
		assert_int_equal(arch_space_window(&space, at, &writable) != NULL, kinds[i].copied);
		if (kinds[i].copied)
			assert_int_equal(writable, kinds[i].write);
		// Valid, of user mode, not global, accessed and dirty.
		table = page_to_virt((space.root[BASE >> 30] >> 10) << 12);
		table = page_to_virt((table[0] >> 10) << 12);
		assert_int_equal(table[i],
		                 0x9000 >> 2 | kinds[i].flags | PTE_V | 0x10 | PTE_A | PTE_D);
	}
	assert_int_equal(arch_space_map(&space, BASE, 0x9000, PAGE_SIZE, SPACE_READ), 0);
	assert_false(arch_space_allows(&space, BASE, true));
	expect_assert_failure(map_with(&space, 0, 0x9000, RW | SPACE_EXECUTE));
	arch_space_deinit(&space);
}

static void test_bounds(void **state)
{
	static const uintptr_t beyond[] = {
		0, USER_BASE - 1, USER_END, BASE + 0x8000000000, BASE | 1ull << 63, UINTPTR_MAX
	};
	struct arch_space space;
	paddr_t paddr;
	bool writable;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		assert_null(arch_space_translate(&space, beyond[i], false));
		assert_null(arch_space_window(&space, beyond[i], &writable));
		assert_false(arch_space_allows(&space, beyond[i], false));
		assert_false(arch_space_paddr(&space, beyond[i], &paddr));
	}
	arch_space_deinit(&space);
}

static void test_windows_end(void **state)
{
	struct arch_space *held = NULL;
	struct arch_space space;
	uint64_t unmaps;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	unmaps = space.unmaps;
	assert_true(arch_space_hold(&held, &space, unmaps));
	assert_ptr_equal(held, &space);
	arch_space_release(&held);
	assert_null(held);
	// With the second thread, and when it has gone.
	for (unsigned i = 0; i < 2; i++) {
		arch_space_set_shared(&space, i == 0);
		assert_int_not_equal(space.unmaps, unmaps);
		assert_false(arch_space_hold(&held, &space, unmaps));
		assert_null(held);
		unmaps = space.unmaps;
	}
	// An app has time for 2^32 of them.
	space.unmaps = unmaps = UINT32_MAX;
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	assert_true(space.unmaps > unmaps);
	assert_false(arch_space_hold(&held, &space, unmaps));
	arch_space_deinit(&space);
}

// Far apart, at several levels: each table is gone through once.
static void test_a_sparse_range_is_unmapped(void **state)
{
	static const uintptr_t places[] = { 0,
		                            PAGE_SIZE,
		                            511 * PAGE_SIZE,
		                            BLOCK_SIZE,
		                            700 * BLOCK_SIZE + 3 * PAGE_SIZE,
		                            2000 * BLOCK_SIZE };
	struct arch_space space;
	uint64_t unmaps;

	(void)state;
	init(&space);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		assert_int_equal(arch_space_map(&space, BASE + places[i], 0x5000, PAGE_SIZE, RW),
		                 0);
	unmaps = space.unmaps;
	arch_space_unmap(&space, BASE + PAGE_SIZE, 2000 * BLOCK_SIZE - PAGE_SIZE);
	assert_int_equal(space.unmaps, unmaps + 1);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		assert_int_equal(arch_space_allows(&space, BASE + places[i], false),
		                 i == 0 || i == 5);
	arch_space_unmap(&space, BASE, 2001 * BLOCK_SIZE);
	assert_int_equal(space.unmaps, unmaps + 2);
	arch_space_unmap(&space, BASE, 2001 * BLOCK_SIZE);
	assert_int_equal(space.unmaps, unmaps + 2);
	arch_space_deinit(&space);
}

static void test_unmapped_pages_are_kept_until_taken(void **state)
{
	struct arch_space space;
	uint64_t unmaps;
	paddr_t page;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	map(&space, 2, 0x6000);
	unmaps = space.unmaps;
	assert_false(arch_space_take_kept(&space, BASE, &page));
	arch_space_unmap_keeping(&space, BASE, 3 * PAGE_SIZE);
	assert_int_equal(space.unmaps, unmaps + 1);
	assert_false(arch_space_allows(&space, BASE, false));
	assert_true(arch_space_take_kept(&space, BASE, &page) && page == 0x5000);
	assert_false(arch_space_take_kept(&space, BASE, &page));
	assert_false(arch_space_take_kept(&space, BASE + PAGE_SIZE, &page));
	assert_true(arch_space_take_kept(&space, BASE + 2 * PAGE_SIZE, &page) && page == 0x6000);
	arch_space_deinit(&space);
}

static void test_without_memory(void **state)
{
	struct arch_space space;

	(void)state;
	pages_left = 0;
	assert_int_equal(arch_space_init(&space), ERR_NO_MEMORY);
	for (int n = 1; n < 3; n++) {
		pages_left = n;
		init(&space);
		assert_int_equal(arch_space_map(&space, BASE, 0x5000, PAGE_SIZE, RW),
		                 ERR_NO_MEMORY);
		assert_int_equal(space.num_tables, n);
		arch_space_deinit(&space);
		assert_int_equal(pages_out, 0);
	}
	// The second page needs tables of its own.
	pages_left = 3;
	init(&space);
	assert_int_equal(
		arch_space_map(&space, BASE + BLOCK_SIZE - PAGE_SIZE, 0x5000, 2 * PAGE_SIZE, RW),
		ERR_NO_MEMORY);
	assert_non_null(arch_space_translate(&space, BASE + BLOCK_SIZE - PAGE_SIZE, true));
	pages_left = -1;
	arch_space_deinit(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_pages),
		test(test_blocks),
		test(test_rights),
		test(test_bounds),
		test(test_windows_end),
		test(test_a_sparse_range_is_unmapped),
		test(test_unmapped_pages_are_kept_until_taken),
		test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
