// SPDX-License-Identifier: MIT
//
// Tags over rollovers, on harts that are numbers.
#include "kernel/arch/riscv64/tlb_tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/sched/spinlock.h"

static struct tlb_tags tags;

static bool fences(struct tlb_tag *tag, uint32_t hart, uint32_t *id)
{
	bool must_fence;

	*id = tlb_tag_enter(&tags, tag, hart, &must_fence);
	return must_fence;
}

static void test_first_use_fences(void **state)
{
	struct tlb_tag a = { 0 };
	struct tlb_tag b = { 0 };
	uint32_t id_a, id_b;

	(void)state;
	tlb_tags_init(&tags, 2);
	// Nobody knows what a hart remembers from before.
	assert_true(fences(&a, 0, &id_a));
	assert_false(fences(&a, 0, &id_a));
	assert_true(fences(&a, 1, &id_a));
	assert_false(fences(&b, 1, &id_b));
	assert_int_not_equal(id_a, id_b);
}

static void test_rollover(void **state)
{
	struct tlb_tag spaces[4] = { { 0 } };
	uint32_t ids[4];

	(void)state;
	tlb_tags_init(&tags, 2);
	// Three, for 0 is nobody's.
	for (uint32_t i = 0; i < 3; i++)
		assert_true(fences(&spaces[i], 0, &ids[i]) == (i == 0));
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(ids[i] > 0 && ids[i] < 4);
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	// The fourth begins a new generation: each hart fences once, each space takes a new number.
	assert_true(fences(&spaces[3], 0, &ids[3]));
	assert_false(fences(&spaces[2], 0, &ids[2]));
	assert_int_not_equal(ids[2], ids[3]);
	// A hart that was asleep over the rollover fences even for a space that has its number
	// already.
	assert_true(fences(&spaces[3], 1, &ids[3]));
	assert_false(fences(&spaces[3], 1, &ids[3]));
}

// Without bits all spaces, are number 0: each entry fences.
static void test_no_bits(void **state)
{
	struct tlb_tag a = { 0 };
	struct tlb_tag b = { 0 };
	uint32_t id;

	(void)state;
	tlb_tags_init(&tags, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(fences(&a, 0, &id));
		assert_int_equal(id, 0);
		assert_true(fences(&b, 0, &id));
		assert_int_equal(id, 0);
	}
}

// A hart with fewer bits begins a new generation, with numbers that it has, too.
static void test_a_late_hart_with_fewer_bits(void **state)
{
	struct tlb_tag spaces[5] = { { 0 } };
	uint32_t ids[5];

	(void)state;
	tlb_tags_init(&tags, 3);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(fences(&spaces[i], 0, &ids[i]) == (i == 0));
	// It has as many, or more: nothing changes.
	tlb_tags_shrink(&tags, 3);
	tlb_tags_shrink(&tags, 16);
	assert_false(fences(&spaces[4], 0, &ids[4]));
	assert_int_equal(ids[4], 5);
	tlb_tags_shrink(&tags, 2);
	for (uint32_t i = 0; i < 3; i++) {
		assert_false(tlb_tag_is_current(&tags, &spaces[i], 0, &ids[i]));
		assert_true(fences(&spaces[i], 0, &ids[i]) == (i == 0));
		assert_int_equal(ids[i], i + 1);
	}
	// Whose number it was has to take another one.
	assert_true(fences(&spaces[4], 0, &ids[4]));
	assert_true(ids[4] > 0 && ids[4] < 4);
	tlb_tags_shrink(&tags, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(fences(&spaces[i], 0, &ids[i]));
		assert_int_equal(ids[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_use_fences),
		cmocka_unit_test(test_rollover),
		cmocka_unit_test(test_no_bits),
		cmocka_unit_test(test_a_late_hart_with_fewer_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
