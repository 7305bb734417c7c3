// SPDX-License-Identifier: MIT
// Healthcheck: of a container, and what it takes from its image.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/health_settings.h"

static void test_merge(void **state)
{
	struct health_settings own, image;
	struct string_list command = { 0 };
	struct json_writer w = { 0 };
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(health_settings_parse(&own, "{\"Retries\":7,\"Test\":null}", error), 0);
	assert_int_equal(health_settings_parse(&image,
	                                       "{\"Test\":[\"CMD-SHELL\",\"true\"],\"Retries\":2,"
	                                       "\"Timeout\":1000000}",
	                                       error),
	                 0);
	assert_false(health_settings_has_test(&own));
	assert_int_equal(health_settings_merge(&own, &image), 0);
	assert_true(health_settings_has_test(&own));
	health_settings_write(&own, &w);
	assert_string_equal(json_writer_text(&w),
	                    "{\"Test\":[\"CMD-SHELL\",\"true\"],\"Timeout\":"
	                    "1000000,\"Retries\":7}");
	health_settings_complete(&own);
	assert_int_equal(own.timeout, 1000000);
	assert_int_equal(own.interval, 30000000000);
	assert_int_equal(own.start_period, 0);
	assert_int_equal(health_settings_command(&own, &command), 0);
	assert_int_equal(command.count, 3);
	assert_string_equal(command.items[0], "/bin/sh");
	assert_string_equal(command.items[2], "true");
	string_list_deinit(&command);
	json_writer_deinit(&w);
	health_settings_deinit(&own);
	health_settings_deinit(&image);
}

static void test_none(void **state)
{
	struct health_settings own, image;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(health_settings_parse(&own, "{\"Test\":[\"NONE\"]}", error), 0);
	assert_int_equal(health_settings_parse(&image, "{\"Test\":[\"CMD\",\"x\"]}", error), 0);
	assert_int_equal(health_settings_merge(&own, &image), 0);
	assert_false(health_settings_has_test(&own));
	health_settings_deinit(&own);
	health_settings_deinit(&image);
	assert_int_equal(health_settings_parse(&own, NULL, error), 0);
	assert_false(health_settings_has_test(&own));
}

static void test_refused(void **state)
{
	static const struct {
		const char *json;
		const char *says;
	} cases[] = {
		{ "{\"Interval\":1}", "Interval" },
		{ "{\"Interval\":-5}", "Interval" },
		{ "{\"Timeout\":999999}", "Timeout" },
		{ "{\"StartPeriod\":1}", "StartPeriod" },
		{ "{\"StartInterval\":1}", "StartInterval" },
		{ "{\"Interval\":1000000000000000001}", "Interval" },
		{ "{\"Retries\":-1}", "Retries" },
		{ "{\"Test\":[\"CMD\"]}", "Test" },
		{ "{\"Test\":[\"x\"]}", "Test" },
		{ "{\"Test\":[\"CMD-SHELL\",\"a\",\"b\"]}", "Test" },
		{ "{\"Test\":[1]}", "Test" },
		{ "{\"Other\":1}", "Other" },
		{ "[]", "" },
	};
	char error[SETTINGS_ERROR_MAX];
	struct health_settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(health_settings_parse(&s, cases[i].json, error) < 0);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].json, error);
		assert_null(s.test.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
