// SPDX-License-Identifier: MIT
//
// Page tables of processes that change while harts remember them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/arch_space_fake.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/mm/page.h"

#define NUM_SPACES 5u

static void test_only_harts_that_run_it_are_fenced(void **state)
{
	struct arch_space space, other;

	(void)state;
	init(&space);
	init(&other);
	arch_space_set_shared(&space, true);
	map(&space, 0, 0x5000);
	map(&space, 1, 0x6000);
	map(&other, 0, 0x7000);
	run(0, &space);
	run(1, &space);
	run(2, &space);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		assert_int_equal(look(i, 0), 0x5000);
	run(2, &other);
	self = &harts[0];
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	assert_int_equal(look(0, 0), 0);
	assert_int_equal(look(1, 0), 0);
	// The third finds out when it switches back.
	run(2, &space);
	assert_int_equal(look(2, 0), 0);
	// A hart that only has the table still finds out, too.
	assert_int_equal(look(2, 1), 0x6000);
	run(2, NULL);
	fenced = 0;
	self = &harts[0];
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	run(2, &space);
	assert_int_equal(look(2, 1), 0);
	// Nothing was there: nobody is asked.
	fenced = 0;
	arch_space_unmap(&space, BASE, 2 * PAGE_SIZE);
	assert_int_equal(fenced, 0);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, NULL);
	arch_space_deinit(&space);
	arch_space_deinit(&other);
}

static void test_an_only_thread_tells_nobody(void **state)
{
	struct arch_space space;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	map(&space, 1, 0x6000);
	map(&space, 2, 0x7000);
	// It has been on two harts, and the first remembers what it saw there.
	run(0, &space);
	assert_int_equal(look(0, 0), 0x5000);
	run(0, NULL);
	run(1, &space);
	assert_int_equal(look(1, 0), 0x5000);
	harts[2].arch.held_space = &space;  // nobody looks
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	harts[2].arch.held_space = NULL;
	assert_int_equal(fenced, 0);
	assert_true(harts[1].arch.space_stale);
	assert_int_equal(look(1, 0), 0);
	run(1, NULL);
	run(0, &space);
	assert_int_equal(look(0, 0), 0);
	// Somebody else unmaps, as when a process is made: then it is told.
	self = &harts[2];
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 0);
	// It was joined by a second one, which is gone again.
	fenced = 0;
	arch_space_set_shared(&space, true);
	run(1, &space);
	self = &harts[0];
	arch_space_unmap(&space, BASE + 2 * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	run(1, NULL);
	arch_space_set_shared(&space, false);
	run(0, NULL);
	self = &harts[0];
	arch_space_deinit(&space);
}

static void come_back(uint32_t hart, struct arch_space *space)
{
	if (!arch_space_resume(&harts[hart].arch.running_space, space, hart))
		arch_space_return(&harts[hart], space);
}

static void test_a_hart_with_a_guest_is_left_alone(void **state)
{
	struct arch_space space;

	(void)state;
	init(&space);
	arch_space_set_shared(&space, true);
	map(&space, 0, 0x5000);
	map(&space, 1, 0x6000);
	run(0, &space);
	run(1, &space);
	assert_int_equal(look(1, 0), 0x5000);
	arch_space_pause(&harts[1].arch.running_space);
	self = &harts[0];
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	assert_int_equal(fenced, 0);
	// It finds out when it is back, and is told again from then on.
	self = &harts[1];
	come_back(1, &space);
	assert_int_equal(look(1, 0), 0);
	assert_int_equal(look(1, 1), 0x6000);
	assert_false(harts[1].arch.space_stale);
	self = &harts[0];
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	assert_int_equal(look(1, 1), 0);
	// What was asked of it for a space that it had before makes it give up this one.
	arch_space_pause(&harts[1].arch.running_space);
	harts[1].arch.evict_space = true;
	arch_hart_kick(1);
	assert_null(harts[1].arch.space);
	self = &harts[1];
	map(&space, 0, 0x5000);
	come_back(1, &space);
	assert_ptr_equal(harts[1].arch.space, &space);
	assert_int_equal(look(1, 0), 0x5000);
	run(1, NULL);
	run(0, NULL);
	self = &harts[0];
	arch_space_deinit(&space);
}

static void test_a_space_that_goes_is_in_no_satp(void **state)
{
	struct arch_space space, other;

	(void)state;
	init(&space);
	init(&other);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, &space);
	run(1, &other);
	run(0, NULL);
	run(2, NULL);
	self = &harts[0];
	arch_space_deinit(&space);
	assert_int_equal(evictions, 1);
	assert_int_equal(satp_of(0), mmu_satp());
	assert_int_equal(satp_of(2), mmu_satp());
	assert_ptr_equal(harts[1].arch.space, &other);
	// It runs something else: what was asked of it is done.
	harts[1].arch.evict_space = true;
	arch_hart_kick(1);
	assert_ptr_equal(harts[1].arch.space, &other);
	assert_int_not_equal(satp_of(1), mmu_satp());
	run(1, NULL);
	self = &harts[1];
	arch_space_deinit(&other);
	assert_int_equal(satp_of(1), mmu_satp());
}

static void init_one(struct arch_space *spaces, size_t which)
{
	init(&spaces[which]);
	arch_space_set_shared(&spaces[which], which % 2 == 0);
}

// A thread of the space runs on the hart from now on: every second space has but one.
static void run_one(uint32_t hart, struct arch_space *space, bool shared)
{
	for (uint32_t h = 0; h < NUM_HARTS && !shared; h++) {
		if (harts[h].arch.running_space == space)
			run(h, NULL);
	}
	run(hart, space);
}

// Spaces and harts by chance: no process sees what is not in its table.
static void by_chance(unsigned bits, unsigned seed)
{
	static struct arch_space spaces[NUM_SPACES];
	paddr_t there[NUM_SPACES][NUM_ADDRESSES] = { { 0 } };
	uint32_t random = seed;
	paddr_t next = 0x1000;

	boot(bits);
	for (size_t i = 0; i < NUM_SPACES; i++)
		init_one(spaces, i);
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t hart, which, i;

		random = random * 1103515245u + 12345u;
		hart = (random >> 8) % NUM_HARTS;
		which = (random >> 12) % NUM_SPACES;
		i = (random >> 16) % NUM_ADDRESSES;
		self = &harts[hart];
		switch ((random >> 20) % 8) {
		case 0: run_one(hart, &spaces[which], which % 2 == 0); break;
		case 1: run(hart, NULL); break;
		case 2:
			if (there[which][i] == 0)
				map(&spaces[which], i, there[which][i] = next += PAGE_SIZE);
			break;
		case 3:
			arch_space_unmap(&spaces[which], BASE + i * PAGE_SIZE, PAGE_SIZE);
			there[which][i] = 0;
			break;
		case 4:
			if ((random >> 24) % 16 == 0) {
				for (uint32_t h = 0; h < NUM_HARTS; h++) {
					if (harts[h].arch.running_space == &spaces[which])
						run(h, NULL);
				}
				self = &harts[hart];
				arch_space_deinit(&spaces[which]);
				init_one(spaces, which);
				memset(there[which], 0, sizeof(there[which]));
			}
			break;
		default:
			if (self->arch.running_space == NULL)
				break;
			which = (uint32_t)(self->arch.running_space - spaces);
			assert_int_equal(look(hart, i), there[which][i]);
		}
	}
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, NULL);
	for (size_t i = 0; i < NUM_SPACES; i++)
		arch_space_deinit(&spaces[i]);
}

static void test_nobody_sees_what_was_unmapped(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 10; seed++) {
		for (unsigned bits = 0; bits <= 3; bits++)
			by_chance(bits, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_only_harts_that_run_it_are_fenced),
		test(test_an_only_thread_tells_nobody),
		test(test_a_hart_with_a_guest_is_left_alone),
		test(test_a_space_that_goes_is_in_no_satp),
		test(test_nobody_sees_what_was_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
