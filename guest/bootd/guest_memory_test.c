// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guest/bootd/guest_memory.h"

// Of a guest of 128 MiB, in kB; 1820 are in none of the figures.
#define USES                                                                                      \
	"Buffers:               0 kB\nCached:             2240 kB\nSwapCached:            0 kB\n" \
	"Active:              200 kB\nAnonPages:           252 kB\nMapped:             1400 kB\n" \
	"Shmem:               472 kB\nKReclaimable:        900 kB\nSlab:               3248 kB\n" \
	"SReclaimable:        900 kB\nKernelStack:         560 kB\nPageTables:          116 kB\n" \
	"VmallocUsed:         632 kB\nPercpu:               64 kB\n"
static const char meminfo[] = "MemTotal:         123564 kB\nMemFree:          115264 kB\n" USES;

static void test_nothing_reported(void **state)
{
	(void)state;
	assert_int_equal(memory_free(meminfo, 115264ull << 10), 115264ull << 10);
}

// As it was found: 4 MiB were left on the free lists.
static void test_nearly_all_reported(void **state)
{
	uint64_t found;

	(void)state;
	found = memory_free(meminfo, 4ull << 20);
	assert_in_range(found, 113ull * 1000 << 10, 115264ull << 10);
}

// Not to know is to believe the kernel.
static void test_no_word(void **state)
{
	(void)state;
	assert_int_equal(memory_free("", 7), 7);
	assert_int_equal(memory_free("MemTotal: 100 kB", 7), 7);
	assert_int_equal(memory_free("MemTotal:\nSlab: x\n", 7), 7);
	assert_int_equal(memory_free("NotMemTotal: 99999999 kB\n", 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_reported),
		cmocka_unit_test(test_nearly_all_reported),
		cmocka_unit_test(test_no_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
