// SPDX-License-Identifier: MIT
#include <ucontext.h>

#include "kernel/mm/test_arena.h"

#define NUM_PAGES (ARENA_SIZE / PAGE_SIZE)

// A second hart, which cleans, and how often the lock was about to be taken or was given away.
static ucontext_t first_hart, second_hart;
static unsigned moments;
static bool two_harts;

static void test_pages_are_aligned_zeroed_and_distinct(void **state)
{
	static const uint8_t zeros[PAGE_SIZE];
	static paddr_t pages[NUM_PAGES];
	size_t n = 0;

	(void)state;
	arena_reset();
	assert_int_equal(page_total_count(), NUM_PAGES);
	for (; n < NUM_PAGES; n++) {
		assert_int_equal(page_alloc(0, &pages[n]), 0);
		assert_int_equal(pages[n] % PAGE_SIZE, 0);
		assert_memory_equal(page_to_virt(pages[n]), zeros, PAGE_SIZE);
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

// Whether a block of the largest order is as it was before it was added.
static bool is_untouched(size_t block)
{
	const size_t size = PAGE_SIZE << PAGE_MAX_ORDER;
	const uint8_t *bytes = arena + block * size;

	// All bytes are the first one, if each is its neighbour.
	return bytes[0] == 0xa5 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static void test_blocks_are_untouched_until_they_are_needed(void **state)
{
	const size_t num_blocks = NUM_PAGES >> PAGE_MAX_ORDER;
	paddr_t page;

	(void)state;
	arena_reset();
	for (size_t i = 0; i < num_blocks; i++)
		assert_true(is_untouched(i));
	// Each is taken whole before the next one is begun.
	for (size_t left = num_blocks; left > 0; left--) {
		for (size_t i = 0; i < 1u << PAGE_MAX_ORDER; i++) {
			assert_int_equal(page_alloc(0, &page), 0);
			assert_false(is_untouched(left - 1));
			assert_true(left == 1 || is_untouched(left - 2));
		}
	}
	assert_int_equal(page_alloc(0, &page), ERR_NO_MEMORY);
}

// How many blocks of the arena are untouched when ranges of so many blocks, one behind the other,
// are added; all can be allocated.
static size_t untouched_of_ranges(const size_t *sizes, size_t count)
{
	const paddr_t block = PAGE_SIZE << PAGE_MAX_ORDER;
	paddr_t at = ARENA_BASE;
	size_t untouched = 0;
	paddr_t page;

	memset(arena, 0xa5, sizeof(arena));
	page_init(ARENA_BASE, ARENA_BASE + ARENA_SIZE, arena_map);
	for (size_t i = 0; i < count; i++) {
		page_add_range(at, at + sizes[i] * block);
		at += sizes[i] * block;
	}
	assert_int_equal(at, ARENA_BASE + ARENA_SIZE);
	assert_int_equal(page_total_count(), NUM_PAGES);
	assert_int_equal(page_free_count(), NUM_PAGES);
	for (size_t i = 0; i < NUM_PAGES >> PAGE_MAX_ORDER; i++)
		untouched += is_untouched(i);
	for (size_t i = 0; i < NUM_PAGES >> PAGE_MAX_ORDER; i++)
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &page), 0);
	assert_int_equal(page_alloc(0, &page), ERR_NO_MEMORY);
	assert_int_equal(page_free_count(), 0);
	return untouched;
}

static void dirty_all(paddr_t *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[i]), 0);
		memset(page_to_virt(blocks[i]), 0xff, PAGE_SIZE << PAGE_MAX_ORDER);
	}
	for (size_t i = 0; i < count; i++)
		page_free(blocks[i], PAGE_MAX_ORDER);
}

static void assert_zero(paddr_t page, unsigned order)
{
	const uint64_t *words = page_to_virt(page);

	for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof(*words); i++)
		assert_int_equal(words[i], 0);
}

// All but the block that small pages come from next. It counts as free meanwhile.
static void test_large_blocks_are_cleaned(void **state)
{
	paddr_t blocks[NUM_PAGES >> PAGE_MAX_ORDER], page, other;
	size_t count = NUM_PAGES >> PAGE_MAX_ORDER, steps = 0;

	(void)state;
	arena_reset();
	assert_false(page_clean_some());  // nothing was needed yet
	dirty_all(blocks, count);
	for (; page_clean_some(); steps++)
		assert_int_equal(page_free_count(), NUM_PAGES);
	assert_int_equal(steps, (count - 1) << PAGE_MAX_ORDER);
	// A small page leaves what is clean alone, and so does its end.
	assert_int_equal(page_alloc(0, &page), 0);
	assert_zero(page, 0);
	memset(page_to_virt(page), 0xff, PAGE_SIZE);
	page_free(page, 0);
	assert_false(page_clean_some());
	// A large one is clean; its halves stay so when it is split, and when they are one again.
	assert_int_equal(page_alloc(BLOCK_ORDER, &page), 0);
	assert_zero(page, BLOCK_ORDER);
	assert_int_equal(page_alloc(BLOCK_ORDER, &other), 0);
	assert_int_equal(other, page + BLOCK_SIZE);
	assert_zero(other, BLOCK_ORDER);
	page_free(page, BLOCK_ORDER);
	page_free(other, BLOCK_ORDER);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[i]), 0);
		assert_zero(blocks[i], PAGE_MAX_ORDER);
	}
	assert_int_equal(page_alloc(0, &page), ERR_NO_MEMORY);
}

static void test_what_is_being_cleaned_is_there_when_it_is_needed(void **state)
{
	paddr_t blocks[NUM_PAGES >> PAGE_MAX_ORDER];
	size_t count = NUM_PAGES >> PAGE_MAX_ORDER;

	(void)state;
	arena_reset();
	dirty_all(blocks, count);
	assert_true(page_clean_some());
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[i]), 0);
		assert_zero(blocks[i], PAGE_MAX_ORDER);
	}
	assert_int_equal(page_alloc(0, &blocks[0]), ERR_NO_MEMORY);
	assert_int_equal(page_free_count(), 0);
	assert_false(page_clean_some());
}

// A page of a clean block that comes back makes it dirty; another block is spared then.
static void test_clean_and_dirty_are_dirty(void **state)
{
	paddr_t blocks[NUM_PAGES >> PAGE_MAX_ORDER], page;
	size_t count = NUM_PAGES >> PAGE_MAX_ORDER, steps = 0;

	(void)state;
	arena_reset();
	dirty_all(blocks, count);
	while (page_clean_some())
		;
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[i]), 0);
	assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[count - 1]), 0);
	page_free(blocks[0], PAGE_MAX_ORDER);
	while (page_clean_some())
		;
	page_free(blocks[1], PAGE_MAX_ORDER);
	for (; page_clean_some(); steps++)
		;
	assert_int_equal(steps, 1 << PAGE_MAX_ORDER);
	assert_int_equal(page_alloc(0, &page), 0);
	assert_zero(page, 0);
}

// The second hart is interrupted while it writes, and goes on while the first waits for that.
void host_come_between(void)
{
	if (!two_harts)
		return;
	moments++;
	if (moments == 2)
		assert_int_equal(swapcontext(&second_hart, &first_hart), 0);
	else if (moments == 4)
		assert_int_equal(swapcontext(&first_hart, &second_hart), 0);
}

static void clean_on_second_hart(void)
{
	(void)page_clean_some();
}

static void test_the_last_block_becomes_clean_while_it_is_waited_for(void **state)
{
	static char stack[64 * 1024];
	paddr_t blocks[NUM_PAGES >> PAGE_MAX_ORDER];
	size_t count = NUM_PAGES >> PAGE_MAX_ORDER;

	(void)state;
	arena_reset();
	dirty_all(blocks, count);
	for (size_t i = 0; i + 1 < 1 << PAGE_MAX_ORDER; i++)
		assert_true(page_clean_some());
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[i]), 0);
	assert_int_equal(getcontext(&second_hart), 0);
	second_hart.uc_stack.ss_sp = stack;
	second_hart.uc_stack.ss_size = sizeof(stack);
	second_hart.uc_link = &first_hart;
	makecontext(&second_hart, clean_on_second_hart, 0);
	moments = 0;
	two_harts = true;
	assert_int_equal(swapcontext(&first_hart, &second_hart), 0);
	assert_int_equal(moments, 2);
	assert_int_equal(page_alloc(PAGE_MAX_ORDER, &blocks[count - 1]), 0);
	two_harts = false;
	assert_int_equal(moments, 8);
	assert_zero(blocks[count - 1], PAGE_MAX_ORDER);
	assert_int_equal(page_free_count(), 0);
}

static void test_several_ranges(void **state)
{
	(void)state;
	assert_int_equal(untouched_of_ranges((const size_t[]){ 4 }, 1), 4);
	assert_int_equal(untouched_of_ranges((const size_t[]){ 1, 3 }, 2), 4);
	assert_int_equal(untouched_of_ranges((const size_t[]){ 1, 2, 1 }, 3), 4);
	// One more than can be kept.
	assert_int_equal(untouched_of_ranges((const size_t[]){ 1, 1, 1, 1 }, 4), 3);
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
		cmocka_unit_test(test_blocks_are_untouched_until_they_are_needed),
		cmocka_unit_test(test_large_blocks_are_cleaned),
		cmocka_unit_test(test_what_is_being_cleaned_is_there_when_it_is_needed),
		cmocka_unit_test(test_clean_and_dirty_are_dirty),
		cmocka_unit_test(test_the_last_block_becomes_clean_while_it_is_waited_for),
		cmocka_unit_test(test_several_ranges),
		cmocka_unit_test(test_double_free_panics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
