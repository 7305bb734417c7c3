// SPDX-License-Identifier: MIT
#include "libs/base/fmt.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// The C library's snprintf is the reference: same bytes, same length, and nothing past the end of
// the buffer.
#define check(...)                                                                \
	do {                                                                      \
		for (size_t size = 0; size <= 80; size += size < 8 ? 1 : 24) {    \
			char expected[96], got[96];                               \
			int len;                                                  \
                                                                                  \
			memset(expected, '#', sizeof(expected));                  \
			memset(got, '#', sizeof(got));                            \
			len = snprintf(expected, size, __VA_ARGS__);              \
			assert_int_equal(fmt_write(got, size, __VA_ARGS__), len); \
			assert_memory_equal(got, expected, sizeof(got));          \
		}                                                                 \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"
// Flags that have no effect together are part of what is tested.
#pragma GCC diagnostic ignored "-Wformat"

static void test_integers(void **state)
{
	(void)state;
	check("%d %i %u", 0, -1, 4000000000u);
	check("%d", INT32_MIN);
	check("%ld %lld", INT64_MIN, (long long)INT64_MAX);
	check("%lu %zu %jx", UINT64_MAX, (size_t)77, (uintmax_t)0xabc);
	check("%hhd %hhu %hd %hu", -1, 255, -32768, 65535);
	check("%x %X %#x %#X %#x %o", 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu, 0u, 8u);
	check("%+d % d %+d", 5, 5, -5);
}

static void test_width_and_precision(void **state)
{
	(void)state;
	check("[%5d] [%-5d] [%05d] [%5d]", 42, 42, 42, -42);
	check("[%05d] [%-05d]", -42, -42);
	check("[%.3d] [%8.3d] [%-8.3d] [%08.3d]", 7, 7, 7, 7);
	check("[%.0d] [%.0d]", 0, 1);
	check("[%*d] [%-*d] [%*d]", 6, 1, 6, 2, -6, 3);
	check("[%.*d] [%.*d]", 4, 5, -4, 6);
	check("%02x:%02x", 0xau, 0xffu);
	check("%016lx", 0x1234567890abcdeful);
}

static void test_strings(void **state)
{
	const char unterminated[3] = { 'a', 'b', 'c' };

	(void)state;
	check("%s and %s", "one", "");
	check("[%8s] [%-8s] [%.2s] [%8.2s]", "word", "word", "word", "word");
	check("%.*s|", 3, unterminated);
	check("%c%c [%3c] [%-3c]", 'x', 'y', 'z', 'w');
	check("100%% of %s", "it");
	check("%p", (void *)(uintptr_t)0xdead0000);
	check("no conversion");
}

static void test_odd_formats(void **state)
{
	char got[32];
	const char *volatile null = NULL;
	const char *volatile format = "%y %";

	(void)state;
	fmt_write(got, sizeof(got), "%s", null);
	assert_string_equal(got, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	// Unknown conversions show as they are; a lone % at the end is dropped.
	assert_int_equal(fmt_write(got, sizeof(got), format), 3);
#pragma GCC diagnostic pop
	assert_string_equal(got, "%y ");
	assert_int_equal(fmt_write(NULL, 0, "%d", 12345), 5);
}

static size_t line(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t line(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vline(buf, size, format, args);
	va_end(args);
	return len;
}

static void test_lines(void **state)
{
	char got[8];

	(void)state;
	assert_int_equal(line(got, sizeof(got), "%d", 12345), 6);
	assert_memory_equal(got, "12345\n", 6);
	// What fits, with its newline, leaves a byte.
	assert_int_equal(line(got, sizeof(got), "%s", "1234567"), 7);
	assert_memory_equal(got, "123456\n", 7);
	assert_int_equal(line(got, 2, "%s", "12"), 1);
	assert_memory_equal(got, "\n", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers), cmocka_unit_test(test_width_and_precision),
		cmocka_unit_test(test_strings),  cmocka_unit_test(test_odd_formats),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
