// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/mm/chunk.h"

#define END 0xffffffff00000000ul

static void chunks_are_aligned_and_behind_each_other(void **state)
{
	uintptr_t next = 0x3000;
	uintptr_t chunk;

	(void)state;
	assert_true(chunk_carve(&next, END, CHUNK_MIN_SHIFT, &chunk));
	assert_int_equal(chunk, 0x4000);
	assert_true(chunk_carve(&next, END, 20, &chunk));
	assert_int_equal(chunk, 0x100000);
	assert_int_equal(next, 0x200000);
}

static void the_last_chunk_ends_where_the_area_does(void **state)
{
	uintptr_t next = END - 0x4000;
	uintptr_t chunk;

	(void)state;
	assert_false(chunk_carve(&next, END, 15, &chunk));
	assert_int_equal(next, END - 0x4000);
	assert_true(chunk_carve(&next, END, 14, &chunk));
	assert_int_equal(next, END);
	assert_false(chunk_carve(&next, END, CHUNK_MIN_SHIFT, &chunk));
}

// The kernel's area ends less than its largest chunk before the last address.
static void no_chunk_is_behind_the_last_address(void **state)
{
	uintptr_t chunk;

	(void)state;
	for (unsigned shift = 33; shift <= 36; shift++) {
		uintptr_t next = END - 0x2000;

		assert_false(chunk_carve(&next, END, shift, &chunk));
		assert_int_equal(next, END - 0x2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_aligned_and_behind_each_other),
		cmocka_unit_test(the_last_chunk_ends_where_the_area_does),
		cmocka_unit_test(no_chunk_is_behind_the_last_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
