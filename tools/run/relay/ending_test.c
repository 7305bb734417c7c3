// SPDX-License-Identifier: MIT
#include "tools/run/relay/ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_patience_and_the_kill(void **state)
{
	struct ending ending;

	(void)state;
	ending_init(&ending, 10);
	assert_int_equal(ending_due(&ending, UINT64_MAX - 1), ENDING_WAIT);
	assert_int_equal(ending_ask(&ending, 1000), ENDING_WAIT);
	// A second request does not make it longer.
	assert_int_equal(ending_ask(&ending, 5000), ENDING_WAIT);
	assert_int_equal(ending.due_at, 11000);
	assert_int_equal(ending_due(&ending, 10999), ENDING_WAIT);
	assert_int_equal(ending_due(&ending, 11000), ENDING_KILL);
	assert_int_equal(ending_due(&ending, 70999), ENDING_WAIT);
	assert_int_equal(ending_due(&ending, 71000), ENDING_QUIT);
}

static void test_the_third_request_kills(void **state)
{
	struct ending ending;

	(void)state;
	ending_init(&ending, UINT32_MAX);
	assert_int_equal(ending_ask(&ending, 0), ENDING_WAIT);
	assert_int_equal(ending_ask(&ending, 0), ENDING_WAIT);
	assert_int_equal(ending.due_at, UINT64_MAX);
	assert_int_equal(ending_ask(&ending, 0), ENDING_KILL);
	assert_int_equal(ending.due_at, 60000);
	assert_int_equal(ending_ask(&ending, 1), ENDING_QUIT);
}

static void test_who_insists(void **state)
{
	struct ending ending;

	(void)state;
	ending_init(&ending, 10);
	assert_int_equal(ending_insist(&ending, 5), ENDING_KILL);
	assert_int_equal(ending_ask(&ending, 6), ENDING_QUIT);
	ending_init(&ending, 10);
	assert_int_equal(ending_insist(&ending, 5), ENDING_KILL);
	assert_int_equal(ending_insist(&ending, 6), ENDING_QUIT);
}

// What it wrote is brought home without a limit of ours, but not against the user.
static void test_a_container_that_has_ended(void **state)
{
	struct ending ending;

	(void)state;
	ending_init(&ending, 1);
	assert_int_equal(ending_ask(&ending, 0), ENDING_WAIT);
	ending_is_over(&ending);
	assert_int_equal(ending_due(&ending, 1000), ENDING_WAIT);
	assert_int_equal(ending_ask(&ending, 1000), ENDING_WAIT);
	assert_int_equal(ending_due(&ending, 100000), ENDING_WAIT);
	assert_int_equal(ending_ask(&ending, 100000), ENDING_QUIT);
	ending_init(&ending, 1);
	assert_int_equal(ending_insist(&ending, 0), ENDING_KILL);
	ending_is_over(&ending);
	assert_int_equal(ending_due(&ending, 100000), ENDING_WAIT);
	assert_int_equal(ending_insist(&ending, 100000), ENDING_QUIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patience_and_the_kill),
		cmocka_unit_test(test_the_third_request_kills),
		cmocka_unit_test(test_who_insists),
		cmocka_unit_test(test_a_container_that_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
