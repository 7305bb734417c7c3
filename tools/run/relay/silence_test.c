// SPDX-License-Identifier: MIT
#include "tools/run/relay/silence.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
	// The thread that waited longest may have ended.
	silence_begin(&silence, 0);
	assert_false(silence_is_over(&silence, 20000, 15000));
	assert_true(silence_is_over(&silence, 40000, 1000));
	// There is an end, too, for one that spins on a busy host.
	silence_begin(&silence, 0);
	for (unsigned i = 1; i < 15; i++)
		assert_false(silence_is_over(&silence, i * 20000u, i * 20000u));
	assert_true(silence_is_over(&silence, 15 * 20000u, 15 * 20000u));
}

// Some kernels have the file, and count nothing.
static bool kernel_counts(void)
{
	FILE *file = fopen("/proc/self/schedstat", "re");
	unsigned long long ran = 0;
	bool is_read = file && fscanf(file, "%llu", &ran) == 1;

	if (file)
		fclose(file);
	return is_read && ran > 0;
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
	if (!kernel_counts())
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
