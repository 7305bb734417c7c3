// SPDX-License-Identifier: MIT
#include "tools/run/relay/silence.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_machine_that_could_run(void **state)
{
	struct silence silence;

	(void)state;
	silence_begin(&silence, 1000);
	assert_int_equal(silence.due_at, 21000);
	assert_false(silence_is_over(&silence, 20999, 0));
	assert_true(silence_is_over(&silence, 21000, 9999));
}

static void test_a_starved_machine(void **state)
{
	struct silence silence;

	(void)state;
	silence_begin(&silence, 0);
	assert_false(silence_is_over(&silence, 20000, 10000));
	assert_int_equal(silence.due_at, 40000);
	// What it has waited before does not count again.
	assert_true(silence_is_over(&silence, 40000, 19999));
	// There is an end, too, for one that spins on a busy host.
	silence_begin(&silence, 0);
	for (unsigned i = 1; i < 15; i++)
		assert_false(silence_is_over(&silence, i * 20000u, i * 20000u));
	assert_true(silence_is_over(&silence, 15 * 20000u, 15 * 20000u));
}

static void compete(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

// Two on one processor: each waits for the other.
static void test_what_the_kernel_counts(void **state)
{
	pid_t other;

	(void)state;
	if (access("/proc/self/schedstat", R_OK) != 0)
		skip();
	compete();
	other = fork();
	assert_true(other >= 0);
	if (other == 0)
		for (;;)
			;
	while (process_starved(getpid()) < 20)
		;
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	assert_int_equal(process_starved(other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_machine_that_could_run),
		cmocka_unit_test(test_a_starved_machine),
		cmocka_unit_test(test_what_the_kernel_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
