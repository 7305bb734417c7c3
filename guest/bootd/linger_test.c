// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guest/bootd/linger.h"

static void test_orphans(void **state)
{
	(void)state;
	assert_int_equal(
		linger_orphans(
			"sockets: used 4\nTCP: inuse 1 orphan 12 tw 3 alloc 5 mem 0\nUDP: inuse 0 mem 0\n"),
		12);
	assert_int_equal(linger_orphans("TCP: inuse 1 orphan 0 tw 3 alloc 5 mem 0\n"), 0);
	assert_int_equal(linger_orphans("TCP: inuse 1 orphan 7"), 7);
}

// Not to know is not to wait.
static void test_no_word(void **state)
{
	(void)state;
	assert_int_equal(linger_orphans(""), 0);
	assert_int_equal(linger_orphans("sockets: used 4 orphan 3\n"), 0);
	assert_int_equal(linger_orphans("TCP: inuse 1 orphan "), 0);
	assert_int_equal(linger_orphans("TCP: inuse 1 orphan x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_orphans),
		                            cmocka_unit_test(test_no_word) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
