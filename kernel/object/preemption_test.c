// SPDX-License-Identifier: MIT
//
// Long calls: interrupts are taken in their midst, other threads have their turns, and the end of
// the process ends them.
#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/space_test.h"

#define BLOCKS 6u
#define LONG_STACK (1024ul * 1024)

static handle_t large;
static unsigned interrupts;
static unsigned turns;  // of the other thread
static unsigned turns_before_the_end;
static error_t result;

static struct folio *large_folio(void)
{
	return folio_from_object(handle_valid_slot_locked(&self->handles, large)->object);
}

static void count_interrupt(void)
{
	interrupts++;
	assert_false(spin_is_held(&large_folio()->lock));
}

static void end_time_slice(void)
{
	interrupts++;
	arch_this_hart()->need_resched = 1;
}

static void kill_caller(void)
{
	interrupts++;
	(void)process_end_begin(self, PROCESS_END_KILLED, 0);
}

static void make_large(void)
{
	interrupts = turns = 0;
	assert_int_equal(CALL_3(folio_create, BLOCKS * BLOCK_SIZE, FOLIO_LAZY, &large), 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		size_t size;
		paddr_t paddr;

		assert_int_equal(folio_populate(large_folio(), i * BLOCK_SIZE, &paddr, &size), 0);
	}
}

static void discard_all(void *arg)
{
	(void)arg;
	result = CALL_3(folio_discard, large, 0, BLOCKS * BLOCK_SIZE);
	turns_before_the_end = turns;
	sched_return_to_app();
}

static void take_turns(void *arg)
{
	(void)arg;
	while (turns < BLOCKS) {
		turns++;
		(void)CALL_1(thread_yield, 0);
	}
}

static void a_discard_is_interrupted_between_blocks(void **state)
{
	(void)state;
	make_large();
	host_pending = count_interrupt;
	assert_int_equal(CALL_3(folio_discard, large, 0, BLOCKS * BLOCK_SIZE), 0);
	assert_int_equal(interrupts, BLOCKS - 1);
	assert_int_equal(large_folio()->populated, 0);
	// A short one is not.
	interrupts = 0;
	assert_int_equal(CALL_3(folio_discard, large, PAGE_SIZE, BLOCK_SIZE - PAGE_SIZE), 0);
	assert_int_equal(interrupts, 0);
}

static void others_have_their_turns_meanwhile(void **state)
{
	(void)state;
	make_large();
	host_pending = end_time_slice;
	assert_int_equal(CALL_4(thread_create, discard_all, NULL, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, take_turns, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(result, 0);
	assert_true(turns_before_the_end >= BLOCKS - 1);
}

static void a_discard_ends_with_its_process(void **state)
{
	struct folio *folio;

	(void)state;
	make_large();
	folio = large_folio();
	object_get(&folio->object);
	host_pending = kill_caller;
	assert_int_equal(CALL_4(thread_create, discard_all, NULL, 0, NULL), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(result, ERR_BAD_STATE);
	assert_int_equal(interrupts, 1);
	assert_int_equal(folio->populated, (BLOCKS - 1) * BLOCK_SIZE / PAGE_SIZE);
	object_put(&folio->object);
}

static void count_only(void)
{
	interrupts++;
	assert_false(spin_is_held(&user->space->lock) || spin_is_held(&user->lock));
}

static void a_long_stack_is_zeroed_in_pieces(void **state)
{
	(void)state;
	interrupts = 0;
	host_pending = count_only;
	assert_int_equal(CALL_4(thread_create, HOST_LOWEST_CODE, NULL, LONG_STACK, OUT), 0);
	assert_int_equal(interrupts, LONG_STACK / (64 * 1024) - 1);
	host_pending = NULL;
	(void)process_end_begin(user, PROCESS_END_KILLED, 0);
	host_run(NSEC_NEVER);
}

int test_preemption(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_discard_is_interrupted_between_blocks),
		test_case(others_have_their_turns_meanwhile),
		test_case(a_discard_ends_with_its_process),
		space_test_case(a_long_stack_is_zeroed_in_pieces),
	};

	return cmocka_run_group_tests_name("long calls", tests, NULL, NULL);
}
