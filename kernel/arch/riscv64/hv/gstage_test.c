// SPDX-License-Identifier: MIT
//
// The tables on a page allocator that counts.
#include "kernel/arch/riscv64/hv/gstage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/mm/page_fake.h"
#include "libs/abi/folio.h"

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define RAM 0x80000000ull

static int setup_levels(void **state, unsigned levels)
{
	static struct gstage g;

	gstage_set_levels(levels);
	pages_out = 0;
	pages_left = 100;
	assert_int_equal(gstage_init(&g), 0);
	*state = &g;
	return 0;
}

static int setup(void **state)
{
	return setup_levels(state, 3);
}

static int setup_sv48x4(void **state)
{
	return setup_levels(state, 4);
}

static int teardown(void **state)
{
	gstage_deinit(*state);
	assert_int_equal(pages_out, 0);
	return 0;
}

static void expect_lookup(const struct gstage *g, gpa_t gpa, paddr_t want)
{
	uint32_t prot;
	paddr_t paddr;

	assert_true(gstage_lookup(g, gpa, &paddr, &prot));
	assert_true(paddr == want);
}

static void test_pages_and_blocks(void **state)
{
	struct gstage *g = *state;
	uint32_t prot;
	paddr_t paddr;

	assert_int_equal(gstage_map(g, RAM, 0x90000000, BLOCK_SIZE, RWX), 0);
	assert_int_equal(gstage_map(g, RAM + BLOCK_SIZE, 0x12345000, PAGE_SIZE, PROT_READ), 0);
	expect_lookup(g, RAM + 0x1234, 0x90001234);
	expect_lookup(g, RAM + BLOCK_SIZE - 1, 0x90000000 + BLOCK_SIZE - 1);
	assert_true(gstage_lookup(g, RAM + BLOCK_SIZE + 4, &paddr, &prot));
	assert_true(paddr == 0x12345004 && prot == PROT_READ);
	assert_false(gstage_lookup(g, RAM + BLOCK_SIZE + PAGE_SIZE, &paddr, &prot));
	assert_false(gstage_lookup(g, RAM - 1, &paddr, &prot));
	// Root of four pages, one middle table, one of pages.
	assert_int_equal(g->num_tables, gstage_levels() - 1);
}

static void test_conflicts(void **state)
{
	struct gstage *g = *state;

	assert_int_equal(gstage_map(g, RAM, 0x1000, PAGE_SIZE, RWX), 0);
	assert_int_equal(gstage_map(g, RAM, 0x90000000, BLOCK_SIZE, RWX), ERR_EXISTS);
	expect_lookup(g, RAM, 0x1000);
	assert_int_equal(gstage_map(g, RAM + BLOCK_SIZE, 0x90000000, BLOCK_SIZE, RWX), 0);
	assert_int_equal(gstage_map(g, RAM + BLOCK_SIZE + PAGE_SIZE, 0x1000, PAGE_SIZE, RWX), 0);
	expect_lookup(g, RAM + BLOCK_SIZE + PAGE_SIZE, 0x90001000);
}

static void test_range(void **state)
{
	struct gstage *g = *state;
	uint32_t prot;
	paddr_t paddr;

	assert_int_equal(gstage_map(g, GSTAGE_SIZE, 0x1000, PAGE_SIZE, RWX), ERR_RANGE);
	assert_int_equal(gstage_map(g, UINT64_MAX & ~(PAGE_SIZE - 1), 0x1000, PAGE_SIZE, RWX),
	                 ERR_RANGE);
	assert_int_equal(gstage_map(g, GSTAGE_SIZE - PAGE_SIZE, 0x1000, PAGE_SIZE, RWX), 0);
	expect_lookup(g, GSTAGE_SIZE - 1, 0x1fff);
	assert_false(gstage_lookup(g, UINT64_MAX, &paddr, &prot));
}

static void test_unmap(void **state)
{
	struct gstage *g = *state;
	uint32_t prot;
	paddr_t paddr;

	assert_false(gstage_unmap(g, 0, GSTAGE_SIZE));
	assert_int_equal(gstage_map(g, RAM, 0x90000000, BLOCK_SIZE, RWX), 0);
	assert_int_equal(gstage_map(g, RAM + BLOCK_SIZE, 0x1000, PAGE_SIZE, RWX), 0);
	assert_int_equal(gstage_map(g, RAM + BLOCK_SIZE + PAGE_SIZE, 0x5000, PAGE_SIZE, RWX), 0);
	assert_true(gstage_unmap(g, RAM + BLOCK_SIZE, PAGE_SIZE));
	assert_false(gstage_lookup(g, RAM + BLOCK_SIZE, &paddr, &prot));
	expect_lookup(g, RAM + BLOCK_SIZE + PAGE_SIZE, 0x5000);
	// Part of a block takes the block.
	assert_true(gstage_unmap(g, RAM + PAGE_SIZE, PAGE_SIZE));
	assert_false(gstage_lookup(g, RAM, &paddr, &prot));
	assert_false(gstage_unmap(g, RAM, PAGE_SIZE));
}

static void test_out_of_memory(void **state)
{
	struct gstage *g = *state;

	pages_left = (int)gstage_levels() - 2;
	assert_int_equal(gstage_map(g, RAM, 0x1000, PAGE_SIZE, RWX), ERR_NO_MEMORY);
	pages_left = 1;
	assert_int_equal(gstage_map(g, RAM, 0x1000, PAGE_SIZE, RWX), 0);
	expect_lookup(g, RAM, 0x1000);
}

static void test_mode(void **state)
{
	struct gstage *g = *state;
	uint64_t mode = gstage_levels() == 3 ? 8 : 9;

	assert_int_equal(gstage_hgatp(g, 5), mode << 60 | 5ull << 44 | g->root >> 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages_and_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup_sv48x4, teardown),
		cmocka_unit_test_setup_teardown(test_pages_and_blocks, setup_sv48x4, teardown),
		cmocka_unit_test_setup_teardown(test_conflicts, setup_sv48x4, teardown),
		cmocka_unit_test_setup_teardown(test_range, setup_sv48x4, teardown),
		cmocka_unit_test_setup_teardown(test_unmap, setup_sv48x4, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup_sv48x4, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
