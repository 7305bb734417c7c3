// SPDX-License-Identifier: MIT
#include "kernel/mm/test_arena.h"

#define NUM_PAGES (ARENA_SIZE / PAGE_SIZE)

static void test_pages_are_aligned_zeroed_and_distinct(void **state)
{
	static paddr_t pages[NUM_PAGES];
	size_t n = 0;

	(void)state;
	arena_reset();
	assert_int_equal(page_total_count(), NUM_PAGES);
	for (; n < NUM_PAGES; n++) {
		const uint8_t *bytes;

		assert_int_equal(page_alloc(0, &pages[n]), 0);
		assert_int_equal(pages[n] % PAGE_SIZE, 0);
		bytes = page_to_virt(pages[n]);
		for (size_t i = 0; i < PAGE_SIZE; i++)
			assert_int_equal(bytes[i], 0);
		// Whoever gets the page again sees the mark.
		memset(page_to_virt(pages[n]), 0xff, PAGE_SIZE);
	}
	assert_int_equal(page_alloc(0, &pages[0]), ERR_NO_MEMORY);
	assert_int_equal(page_free_count(), 0);
	for (size_t i = 0; i < NUM_PAGES; i++)
		page_free(pages[i], 0);
	assert_int_equal(page_free_count(), NUM_PAGES);
}

static void test_buddies_merge_again(void **state)
{
	paddr_t pages[NUM_PAGES];
	paddr_t big;

	(void)state;
	arena_reset();
	for (size_t i = 0; i < NUM_PAGES; i++)
		assert_int_equal(page_alloc(0, &pages[i]), 0);
	// In an order that merges late: odd ones first.
	for (size_t i = 1; i < NUM_PAGES; i += 2)
		page_free(pages[i], 0);
	assert_int_equal(page_alloc(1, &big), ERR_NO_MEMORY);
	for (size_t i = 0; i < NUM_PAGES; i += 2)
		page_free(pages[i], 0);
	for (size_t i = 0; i < NUM_PAGES >> PAGE_MAX_ORDER; i++) {
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &big), 0);
		assert_int_equal(big % (PAGE_SIZE << PAGE_MAX_ORDER), 0);
	}
	assert_int_equal(page_alloc(0, &big), ERR_NO_MEMORY);
}

static void test_orders(void **state)
{
	paddr_t page;

	(void)state;
	arena_reset();
	for (unsigned order = 0; order <= PAGE_MAX_ORDER; order++) {
		assert_int_equal(page_alloc(order, &page), 0);
		assert_int_equal(page % (PAGE_SIZE << order), 0);
		assert_int_equal(page_order(page), order);
		assert_int_equal(page_free_count(), NUM_PAGES - (1u << order));
		page_free(page, order);
	}
	assert_int_equal(page_alloc(PAGE_MAX_ORDER + 1, &page), ERR_NO_MEMORY);
	assert_int_equal(page_free_count(), NUM_PAGES);
}

static void test_odd_ranges_never_reach_outside(void **state)
{
	paddr_t page;
	size_t n = 0;

	(void)state;
	memset(arena_map, 0xff, sizeof(arena_map));
	page_init(ARENA_BASE, ARENA_BASE + ARENA_SIZE, arena_map);
	// Bounds within pages: only whole pages count. And a hole between two ranges.
	page_add_range(ARENA_BASE + 1, ARENA_BASE + 8 * PAGE_SIZE + 100);
	page_add_range(ARENA_BASE + 9 * PAGE_SIZE, ARENA_BASE + 16 * PAGE_SIZE);
	assert_int_equal(page_total_count(), 7 + 7);
	while (page_alloc(0, &page) == 0) {
		uint64_t index = (page - ARENA_BASE) / PAGE_SIZE;

		assert_in_range(index, 1, 15);
		assert_int_not_equal(index, 8);
		n++;
	}
	assert_int_equal(n, 14);
}

static void test_double_free_panics(void **state)
{
	paddr_t page;

	(void)state;
	arena_reset();
	assert_int_equal(page_alloc(2, &page), 0);
	expect_assert_failure(page_free(page, 1));
	arena_reset();
	assert_int_equal(page_alloc(2, &page), 0);
	page_free(page, 2);
	expect_assert_failure(page_free(page, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_are_aligned_zeroed_and_distinct),
		cmocka_unit_test(test_buddies_merge_again),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_odd_ranges_never_reach_outside),
		cmocka_unit_test(test_double_free_panics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
