// SPDX-License-Identifier: MIT
#include "kernel/mm/kmalloc.h"

#include "kernel/mm/test_arena.h"

static const size_t sizes[] = { 1,    8,    16,   17,   64,   100,  255,  256,  300,
	                        1000, 1008, 1009, 2016, 2017, 4096, 5000, 65536 };
#define NUM_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void test_every_size_is_aligned_zeroed_and_its_own(void **state)
{
	uint8_t *blocks[NUM_SIZES][8];
	uint64_t before;

	(void)state;
	kmalloc_trim();
	arena_reset();
	before = page_free_count() + kmalloc_kept_pages();
	for (int round = 0; round < 3; round++) {
		for (size_t s = 0; s < NUM_SIZES; s++) {
			for (size_t i = 0; i < 8; i++) {
				uint8_t *p = kmalloc(sizes[s]);

				assert_non_null(p);
				assert_int_equal((uintptr_t)p % 16, 0);
				for (size_t b = 0; b < sizes[s]; b++)
					assert_int_equal(p[b], 0);
				memset(p, (int)(s * 8 + i + 1), sizes[s]);
				blocks[s][i] = p;
			}
		}
		// An overlap would have overwritten somebody's mark.
		for (size_t s = 0; s < NUM_SIZES; s++) {
			for (size_t i = 0; i < 8; i++) {
				for (size_t b = 0; b < sizes[s]; b++)
					assert_int_equal(blocks[s][i][b], (s * 8 + i + 1) & 0xff);
				kfree(blocks[s][i]);
			}
		}
		assert_int_equal(page_free_count() + kmalloc_kept_pages(), before);
	}
}

static void test_memory_runs_out_and_comes_back(void **state)
{
	void *first = NULL;
	uint64_t before;
	size_t n = 0;
	void **p;

	(void)state;
	kmalloc_trim();
	arena_reset();
	before = page_free_count() + kmalloc_kept_pages();
	// A chain through the objects themselves.
	while ((p = kmalloc(128)) != NULL) {
		*p = first;
		first = p;
		n++;
	}
	assert_true(n > ARENA_SIZE / 128 * 9 / 10);
	assert_null(kmalloc(16));
	assert_null(kmalloc(100000));
	while (first != NULL) {
		void *next = *(void **)first;

		kfree(first);
		first = next;
	}
	assert_int_equal(page_free_count() + kmalloc_kept_pages(), before);
	kmalloc_trim();
	assert_int_equal(kmalloc_kept_pages(), 0);
	assert_int_equal(page_free_count(), before);
	p = kmalloc(FOLIO_MAX_CONTIGUOUS);
	assert_non_null(p);
	kfree(p);
	assert_null(kmalloc(FOLIO_MAX_CONTIGUOUS + 1));
	kfree(NULL);
}

static void test_bad_free_panics(void **state)
{
	uint8_t *p;

	(void)state;
	kmalloc_trim();
	arena_reset();
	p = kmalloc(64);
	expect_assert_failure(kfree(p + 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size_is_aligned_zeroed_and_its_own),
		cmocka_unit_test(test_memory_runs_out_and_comes_back),
		cmocka_unit_test(test_bad_free_panics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
