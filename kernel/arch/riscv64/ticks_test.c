// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/clock.h"

static const uint64_t frequencies[] = { 1000000, 10000000, 32768, 24000000, 999999999 };

// Never early, and at most one tick late.
static void test_a_deadline_is_rounded_up(void **state)
{
	static const nsec_t whens[] = {
		0, 1, 99, 100, 101, NSEC_PER_SEC, 3600 * NSEC_PER_SEC + 1, 1ull << 62
	};

	(void)state;
	for (size_t f = 0; f < sizeof(frequencies) / sizeof(frequencies[0]); f++) {
		ticks_init(frequencies[f]);
		for (size_t i = 0; i < sizeof(whens) / sizeof(whens[0]); i++) {
			uint64_t ticks = clock_ticks_of(whens[i]);

			assert_true(clock_of_ticks(ticks) >= whens[i]);
			assert_true(ticks == 0 || clock_of_ticks(ticks - 1) < whens[i]);
		}
	}
}

// An app may ask for any deadline: this neither wraps around nor takes for ever.
static void test_the_end_of_time(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(frequencies) / sizeof(frequencies[0]); f++) {
		ticks_init(frequencies[f]);
		assert_true(clock_of_ticks(UINT64_MAX) == NSEC_NEVER ||
		            frequencies[f] > NSEC_PER_SEC / 2);
		for (uint64_t i = 1; i < 70000; i += 13)
			assert_true(clock_of_ticks(clock_ticks_of(NSEC_NEVER - i)) >=
			            NSEC_NEVER - i);
		assert_int_equal(clock_ticks_of(NSEC_NEVER), UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_deadline_is_rounded_up),
		cmocka_unit_test(test_the_end_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
