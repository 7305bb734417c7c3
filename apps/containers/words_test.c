// SPDX-License-Identifier: MIT
// Names, times and signals, as Docker writes them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "apps/containers/signal_text.h"

static void test_times(void **state)
{
	static const unsigned lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	char text[TIME_TEXT_MAX], wanted[TIME_TEXT_MAX];

	(void)state;
	words_time(0, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	words_time(1764398501 * NSEC_PER_SEC + 7, text);
	assert_string_equal(text, "2025-11-29T06:41:41.000000007Z");
	// Each day of 500 years, counted as people do.
	for (uint64_t days = 0, year = 1970; year < 2470; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (unsigned month = 1; month <= 12; month++) {
			for (unsigned day = 1; day <= lengths[month - 1] + (leap && month == 2);
			     day++) {
				snprintf(wanted, sizeof(wanted),
				         "%04u-%02u-%02uT23:59:58.000000001Z", (unsigned)year,
				         month, day);
				words_time((days * 86400 + 86398) * NSEC_PER_SEC + 1, text);
				assert_string_equal(text, wanted);
				days++;
			}
		}
	}
}

static void test_durations(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "Less than a second" }, { 1, "1 second" },   { 119, "119 seconds" },
		{ 120, "2 minutes" },        { 7200, "2 hours" }, { 172800, "2 days" },
		{ 1209600, "2 weeks" },
	};
	char text[TIME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		words_duration(cases[i].seconds * NSEC_PER_SEC, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_signals(void **state)
{
	(void)state;
	assert_int_equal(signal_read("SIGTERM"), 15);
	assert_int_equal(signal_read("term"), 15);
	assert_int_equal(signal_read("KILL"), 9);
	assert_int_equal(signal_read("SIGSYS"), 31);
	assert_int_equal(signal_read("64"), 64);
	assert_int_equal(signal_read("65"), 0);
	assert_int_equal(signal_read("99999999999"), 0);
	assert_int_equal(signal_read("9x"), 0);
	assert_int_equal(signal_read("0"), 0);
	assert_int_equal(signal_read("SIG"), 0);
	assert_int_equal(signal_read("TERMINATE"), 0);
	assert_int_equal(signal_read(""), 0);
	assert_int_equal(signal_read("SIGRTMIN"), 34);
	assert_int_equal(signal_read("SIGRTMIN+3"), 37);
	assert_int_equal(signal_read("rtmin+15"), 49);
	assert_int_equal(signal_read("RTMAX-14"), 50);
	assert_int_equal(signal_read("RTMAX"), 64);
	assert_int_equal(signal_read("CLD"), 17);
	assert_int_equal(signal_read("SIGPOLL"), 29);
	assert_int_equal(signal_read("RTMIN+16"), 0);
	assert_int_equal(signal_read("RTMIN-1"), 0);
	assert_int_equal(signal_read("RTMAX-15"), 0);
	assert_int_equal(signal_read("RTMIN+"), 0);
	assert_int_equal(signal_read("RTMIN+0"), 0);
	assert_int_equal(signal_read("RTMINI"), 0);
}

static void test_names(void **state)
{
	char name[CONTAINER_NAME_MAX];

	(void)state;
	words_name(UINT64_MAX, name);
	assert_non_null(strchr(name, '_'));
	words_name(0, name);
	assert_string_equal(name, "amber_anchor0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
