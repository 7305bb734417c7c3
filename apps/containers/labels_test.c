// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apps/containers/labels.h"

static void check(const char *own, const char *of_image, const char *both)
{
	struct json_writer w = { 0 };

	labels_merge(&w, own, of_image);
	assert_non_null(json_writer_text(&w));
	assert_string_equal(json_writer_text(&w), both);
	json_writer_deinit(&w);
}

static void test_merge(void **state)
{
	(void)state;
	check(NULL, NULL, "{}");
	check("{}", "{}", "{}");
	check("{\"a\":\"1\"}", NULL, "{\"a\":\"1\"}");
	check(NULL, "{\"b\":\"{\\\"\"}", "{\"b\":\"{\\\"\"}");
	check("{}", "{\"b\":\"2\"}", "{\"b\":\"2\"}");
	check("{\"a\":\"\",\"c\":\"3\"}", "{\"b\":\"2\",\"a\":\"image\",\"aa\":\"4\"}",
	      "{\"a\":\"\",\"c\":\"3\",\"b\":\"2\",\"aa\":\"4\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_merge) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
