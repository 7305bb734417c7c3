// SPDX-License-Identifier: MIT
// Times as text, both ways.
#include "libs/base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// Both directions, over each day that nsec_t has, and the edges of days.
static void test_both_ways(void **state)
{
	char text[DATE_LENGTH + 1];
	nsec_t back;

	(void)state;
	date_write(1764398501 * NSEC_PER_SEC + 7, text);
	assert_string_equal(text, "2025-11-29T06:41:41.000000007Z");
	for (uint64_t day = 0; day < UINT64_MAX / NSEC_PER_SEC / 86400; day++) {
		for (unsigned i = 0; i < 2; i++) {
			nsec_t time = (day + i) * 86400 * NSEC_PER_SEC - i;

			date_write(time, text);
			assert_int_equal(strlen(text), DATE_LENGTH);
			assert_true(date_read(text_span(text), &back));
			assert_int_equal(back, time);
		}
	}
	date_write(UINT64_MAX, text);
	assert_true(date_read(text_span(text), &back));
	assert_int_equal(back, UINT64_MAX);
}

static void test_no_dates(void **state)
{
	static const char *const texts[] = {
		"",
		"2025-11-29T06:41:41.00000000Z",
		"2025-11-29T06:41:41.0000000000Z",
		"2025-11-29 06:41:41.000000000Z",
		"2025-13-29T06:41:41.000000000Z",
		"2025-00-29T06:41:41.000000000Z",
		"2025-02-29T06:41:41.000000000Z",
		"2025-04-31T06:41:41.000000000Z",
		"2025-04-00T06:41:41.000000000Z",
		"2025-11-29T24:41:41.000000000Z",
		"2025-11-29T06:60:41.000000000Z",
		"2025-11-29T06:41:60.000000000Z",
		"1969-12-31T23:59:59.999999999Z",
		"2554-07-21T23:34:33.709551616Z",
		"9999-12-31T23:59:59.999999999Z",
		"2o25-11-29T06:41:41.000000000Z",
	};
	nsec_t time;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(date_read(text_span(texts[i]), &time));
	assert_true(date_read(text_span("2024-02-29T00:00:00.000000000Z"), &time));
}

static void test_seconds(void **state)
{
	static const char *const bad[] = {
		"",   "-1",  ".5",   "1.",          "1.0000000001",           "1x",
		"1 ", "now", "1.5s", "18446744074", "99999999999999999999999"
	};
	nsec_t time;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(date_read_seconds(bad[i], &time));
	assert_true(date_read_seconds("0", &time));
	assert_int_equal(time, 0);
	assert_true(date_read_seconds("1764398501.5", &time));
	assert_int_equal(time, 1764398501500000000);
	assert_true(date_read_seconds("7.000000009", &time));
	assert_int_equal(time, 7000000009);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_no_dates),
		cmocka_unit_test(test_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
