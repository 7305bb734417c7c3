// SPDX-License-Identifier: MIT
#include "libs/base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_reads_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, value;
	} good[] = {
		{ "0", 0, 0 },
		{ "7", 7, 7 },
		{ "007", 7, 7 },
		{ "65535", UINT16_MAX, 65535 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX },
	};
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = {
		{ "", 9 },
		{ "1", 0 },
		{ "8", 7 },
		{ "10", 9 },
		{ "65536", UINT16_MAX },
		{ "18446744073709551616", UINT64_MAX },
		{ "99999999999999999999", UINT64_MAX },
		{ "184467440737095516150", UINT64_MAX },
		{ "-1", 9 },
		{ "+1", 9 },
		{ " 1", 9 },
		{ "1 ", 9 },
		{ "0x1", 9 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(decimal_read(text_span(good[i].text), good[i].max, &value));
		assert_true(value == good[i].value);
	}
	value = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(decimal_read(text_span(bad[i].text), bad[i].max, &value));
	assert_int_equal(value, 77);
}

static void test_takes_the_digits_in_front(void **state)
{
	struct span text = text_span("12-30");
	uint64_t value = 77;

	(void)state;
	assert_true(decimal_take(&text, 12, &value));
	assert_int_equal(value, 12);
	assert_true(span_is(text, "-30"));
	assert_false(decimal_take(&text, 99, &value));
	text = text_span("300x");
	assert_false(decimal_take(&text, 255, &value));
	assert_true(span_is(text, "300x"));
	assert_int_equal(value, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_whole_numbers),
		cmocka_unit_test(test_takes_the_digits_in_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
