// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "libs/base/closest.h"

static size_t distance(const char *a, const char *b)
{
	return edit_distance(a, strlen(a), b, strlen(b));
}

static void test_distances(void **state)
{
	char longest[CLOSEST_MAX_LEN + 2];

	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("log", "log"), 0);
	assert_int_equal(distance("lgo", "log"), 1);
	assert_int_equal(distance("lo", "log"), 1);
	assert_int_equal(distance("logg", "log"), 1);
	assert_int_equal(distance("lag", "log"), 1);
	assert_int_equal(distance("", "log"), 3);
	assert_int_equal(distance("netswitch", "newtswich"), 2);
	memset(longest, 'x', CLOSEST_MAX_LEN + 1);
	longest[CLOSEST_MAX_LEN + 1] = '\0';
	assert_int_equal(distance(longest, "x"), CLOSEST_MAX_LEN + 1);
	assert_int_equal(distance("x", longest), CLOSEST_MAX_LEN + 1);
	assert_int_equal(distance(longest + 1, longest + 2), 1);
}

static const char *meant(const char *word)
{
	static const char *const names[] = { "log", "panic", "memory",    "poweroff",
		                             "CPU", "CPUS",  "HTTP_PORT", "" };
	struct closest closest = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		closest_offer(&closest, word, strlen(word), names[i]);
	return closest.name;
}

static void test_the_nearest_is_taken(void **state)
{
	(void)state;
	assert_string_equal(meant("lgo"), "log");
	assert_string_equal(meant("memroy"), "memory");
	assert_string_equal(meant("powerof"), "poweroff");
	assert_string_equal(meant("panics"), "panic");
	assert_string_equal(meant("CPPS"), "CPUS");
	assert_string_equal(meant("HTTPPORT"), "HTTP_PORT");
	assert_null(meant("bogus"));
	assert_null(meant("x"));
	assert_null(meant(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_the_nearest_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
