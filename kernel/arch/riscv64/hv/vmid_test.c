// SPDX-License-Identifier: MIT
//
// VMIDs over rollovers, on harts that are numbers.
#include "kernel/arch/riscv64/hv/vmid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/sched/spinlock.h"

static void test_first_use_fences(void **state)
{
	struct vmid a = {0};
	struct vmid b = {0};

	(void)state;
	vmid_init(2);
	// Nobody knows what a hart remembers from before.
	assert_true(vmid_refresh(&a, 0));
	assert_false(vmid_refresh(&a, 0));
	assert_true(vmid_refresh(&a, 1));
	assert_false(vmid_refresh(&b, 1));
	assert_int_not_equal(a.id, b.id);
}

static void test_rollover(void **state)
{
	struct vmid spaces[5] = {{0}};

	(void)state;
	vmid_init(2);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(vmid_refresh(&spaces[i], 0) == (i == 0));
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(spaces[i].id < 4);
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(spaces[i].id, spaces[j].id);
	}
	// The fifth begins a new generation: each hart fences once, each space takes a new number.
	assert_true(vmid_refresh(&spaces[4], 0));
	assert_false(vmid_refresh(&spaces[3], 0));
	assert_int_not_equal(spaces[3].id, spaces[4].id);
	assert_true(spaces[3].generation == spaces[4].generation);
	// A hart that was asleep over the rollover fences even for a space that has its number already.
	assert_true(vmid_refresh(&spaces[4], 1));
	assert_false(vmid_refresh(&spaces[4], 1));
}

// Without VMID bits all spaces are number 0: each change of the space is a rollover.
static void test_no_bits(void **state)
{
	struct vmid a = {0};
	struct vmid b = {0};

	(void)state;
	vmid_init(0);
	assert_true(vmid_refresh(&a, 0));
	assert_false(vmid_refresh(&a, 0));
	assert_true(vmid_refresh(&b, 0));
	assert_true(vmid_refresh(&a, 0));
	assert_int_equal(a.id, 0);
	assert_int_equal(b.id, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_use_fences),
		cmocka_unit_test(test_rollover),
		cmocka_unit_test(test_no_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
