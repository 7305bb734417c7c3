// SPDX-License-Identifier: MIT
#include "libs/starina/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "libs/starina/host_kernel.h"

#define KEPT_AT_MOST (64ul * 1024)

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static void check_filled(const uint8_t *p, size_t size, uint8_t byte)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], byte);
}

static void test_zeroed_and_aligned(void **state)
{
	(void)state;
	for (size_t size = 0; size < 3000; size += 7) {
		uint8_t *p = heap_alloc(size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		check_filled(p, size, 0);
		memset(p, 0xee, size);
		heap_free(p);
	}
	heap_free(NULL);
}

// What was in it is there after a change of its size.
static void resize(uint8_t **p, size_t *size, size_t new_size, uint8_t byte)
{
	*p = heap_resize(*p, new_size);
	assert_non_null(*p);
	assert_int_equal((uintptr_t)*p % 16, 0);
	assert_true(heap_size(*p) >= new_size);
	check_filled(*p, new_size < *size ? new_size : *size, byte);
	memset(*p, byte, heap_size(*p));
	*size = new_size;
}

// Bytes grow where they are, into what is free behind them, and what they give up is free.
static void test_resize_in_place(void **state)
{
	uint8_t *a = heap_alloc(1000), *b = heap_alloc(1000), *c;

	(void)state;
	heap_free(b);
	assert_ptr_equal(heap_resize(a, 1900), a);
	assert_ptr_equal(heap_resize(a, 500), a);
	c = heap_alloc(1400);
	assert_true(c > a && c < a + 2000);
	a = heap_resize(a, 1000000);
	assert_non_null(a);
	assert_null(heap_resize(a, SIZE_MAX));
	heap_free(a);
	heap_free(c);
	c = heap_resize(NULL, 10);
	assert_non_null(c);
	heap_free(c);
}

// Random sizes, lives and orders: no block overlaps another, and in the end all but one spare arena
// is given back.
static void test_many_blocks(void **state)
{
	enum { LIVE = 500, STEPS = 40000 };
	static struct {
		uint8_t *p;
		size_t size;
	} live[LIVE];

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		size_t i = random_next() % LIVE;
		size_t most = random_next() % 50 == 0 ? 200000
			: random_next() % 5 == 0      ? 9000
						      : 300;

		if (live[i].p != NULL) {
			check_filled(live[i].p, live[i].size, (uint8_t)i);
			if (random_next() % 2 == 0) {
				resize(&live[i].p, &live[i].size, random_next() % most, (uint8_t)i);
				continue;
			}
			heap_free(live[i].p);
			live[i].p = NULL;
			continue;
		}
		live[i].size = random_next() % most;
		live[i].p = heap_alloc(live[i].size);
		assert_non_null(live[i].p);
		check_filled(live[i].p, live[i].size, 0);
		memset(live[i].p, (int)i, live[i].size);
	}
	for (size_t i = 0; i < LIVE; i++) {
		if (live[i].p == NULL)
			continue;
		check_filled(live[i].p, live[i].size, (uint8_t)i);
		heap_free(live[i].p);
	}
	assert_true(host_kernel.memory <= KEPT_AT_MOST);
}

static void test_large_blocks(void **state)
{
	uint8_t *one = heap_alloc(FOLIO_MAX_CONTIGUOUS * 2);
	uint8_t *two = heap_alloc(1000000);

	(void)state;
	assert_non_null(one);
	assert_non_null(two);
	memset(one, 1, FOLIO_MAX_CONTIGUOUS * 2);
	memset(two, 2, 1000000);
	check_filled(one, FOLIO_MAX_CONTIGUOUS * 2, 1);
	heap_free(one);
	heap_free(two);
	assert_true(host_kernel.memory <= KEPT_AT_MOST);
	assert_null(heap_alloc(SIZE_MAX));
	assert_null(heap_alloc(SIZE_MAX - 20));
}

static void test_limit(void **state)
{
	void *blocks[64];
	size_t count = 0;

	(void)state;
	host_kernel.memory_limit = 512 * 1024;
	while (count < 64 && (blocks[count] = heap_alloc(20000)) != NULL)
		count++;
	assert_in_range(count, 20, 26);
	heap_free(blocks[--count]);
	blocks[count] = heap_alloc(20000);
	assert_non_null(blocks[count]);
	for (size_t i = 0; i <= count; i++)
		heap_free(blocks[i]);
	host_kernel.memory_limit = 0;
	assert_true(host_kernel.memory <= KEPT_AT_MOST);
}

// An arena full of small blocks has little else in it.
static void test_overhead(void **state)
{
	enum { COUNT = 10000 };
	static void *blocks[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = heap_alloc(48);
		assert_non_null(blocks[i]);
	}
	assert_true(host_kernel.memory < COUNT * 64 * 11 / 10 + KEPT_AT_MOST);
	for (size_t i = 0; i < COUNT; i++)
		heap_free(blocks[i]);
	assert_true(host_kernel.memory <= KEPT_AT_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned), cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_large_blocks),       cmocka_unit_test(test_limit),
		cmocka_unit_test(test_overhead),           cmocka_unit_test(test_resize_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
