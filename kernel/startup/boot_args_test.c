// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "kernel/startup/boot_args.h"

static void check(const char *args, const char *app, const char *name, const char *expected)
{
	char value[16] = "untouched";
	bool found = boot_args_lookup(args, app, name, value, sizeof(value));

	assert_int_equal(found, expected != NULL);
	assert_string_equal(value, expected != NULL ? expected : "untouched");
}

static void test_values(void **state)
{
	(void)state;
	check("tcpip.address=10.0.2.15", "tcpip", "address", "10.0.2.15");
	check("  quiet\ttcpip.address=1 httpd.port=80 ", "httpd", "port", "80");
	check("a.b=", "a", "b", "");
	check("a.b=c=d", "a", "b", "c=d");
	check("a.b=1 a.b=2", "a", "b", "2");
	check("a.b=\"two words\" c.d=1", "a", "b", "two words");
	check("a.b=\"two words\" c.d=1", "c", "d", "1");
	check("a.b=\"open", "a", "b", "open");
	check("a.b=0123456789abcdefghij", "a", "b", "0123456789abcde");
}

static void test_what_is_not_there(void **state)
{
	(void)state;
	check("", "a", "b", NULL);
	check("a.b", "a", "b", NULL);
	check("a.bc=1", "a", "b", NULL);
	check("aa.b=1", "a", "b", NULL);
	check("xa.b=1", "a", "b", NULL);
	check("c.d=\"x a.b=1\"", "a", "b", NULL);
	check("a.b =1", "a", "b", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
