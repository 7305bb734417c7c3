// SPDX-License-Identifier: MIT
//
// The functions of string.c under names of their own, against the C library's, over all alignments.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#undef STARINA_HOST
#define memcpy tested_memcpy
#define memmove tested_memmove
#define memset tested_memset
#define memcmp tested_memcmp
#define memchr tested_memchr
#define strlen tested_strlen
#define strnlen tested_strnlen
#define strcmp tested_strcmp
#define strncmp tested_strncmp
#define strchr tested_strchr
#include "libs/base/string.c"  // to test it under other names
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define AREA 256

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 37 + 11);
}

static void test_copies(void **state)
{
	(void)state;
	for (size_t dst = 0; dst < 9; dst++) {
		for (size_t src = 0; src < 9; src++) {
			for (size_t len = 0; len <= 150; len++) {
				uint8_t from[AREA], got[AREA] = { 0 }, expected[AREA] = { 0 };

				for (size_t i = 0; i < AREA; i++)
					from[i] = pattern(i);
				memcpy(expected + dst, from + src, len);
				assert_ptr_equal(tested_memcpy(got + dst, from + src, len),
				                 got + dst);
				assert_memory_equal(got, expected, AREA);
			}
		}
	}
}

static void test_overlapping_moves(void **state)
{
	(void)state;
	for (size_t dst = 0; dst < 40; dst++) {
		for (size_t src = 0; src < 40; src++) {
			for (size_t len = 0; len <= 100; len += len < 20 ? 1 : 9) {
				uint8_t got[AREA], expected[AREA];

				for (size_t i = 0; i < AREA; i++)
					got[i] = expected[i] = pattern(i);
				memmove(expected + dst, expected + src, len);
				tested_memmove(got + dst, got + src, len);
				assert_memory_equal(got, expected, AREA);
			}
		}
	}
}

static void test_sets(void **state)
{
	(void)state;
	for (size_t dst = 0; dst < 9; dst++) {
		// Up to two rounds of the unrolled loop, and what is left over of each kind.
		for (size_t len = 0; len <= 2 * SET_WORDS * WORD + 80; len++) {
			uint8_t got[4 * AREA] = { 0 }, expected[4 * AREA] = { 0 };

			memset(expected + dst, 0x1a5, len);
			tested_memset(got + dst, 0x1a5, len);
			assert_memory_equal(got, expected, sizeof(got));
		}
	}
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void test_comparisons(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = pattern(i);
	for (size_t offset = 0; offset < 9; offset++) {
		assert_int_equal(tested_memcmp(a + offset, b + offset, 40), 0);
		for (size_t at = 0; at < 40; at++) {
			b[offset + at] ^= 0x80;
			assert_int_equal(sign(tested_memcmp(a + offset, b + offset, 40)),
			                 sign(memcmp(a + offset, b + offset, 40)));
			assert_int_equal(tested_memcmp(a + offset, b + offset, at), 0);
			b[offset + at] ^= 0x80;
		}
	}
	assert_int_equal(sign(tested_strcmp("abc", "abd")), -1);
	assert_int_equal(sign(tested_strcmp("abc", "ab")), 1);
	assert_int_equal(tested_strcmp("", ""), 0);
	assert_int_equal(sign(tested_strcmp("\xff", "a")), 1);
	assert_int_equal(tested_strncmp("abc", "abd", 2), 0);
	assert_int_equal(sign(tested_strncmp("abc", "abd", 3)), -1);
	assert_int_equal(tested_strncmp("ab", "ab", 9), 0);
}

static void test_searches(void **state)
{
	const char *text = "needle";

	(void)state;
	assert_int_equal(tested_strlen(text), 6);
	assert_int_equal(tested_strlen(""), 0);
	assert_int_equal(tested_strnlen(text, 3), 3);
	assert_int_equal(tested_strnlen(text, 30), 6);
	assert_ptr_equal(tested_strchr(text, 'd'), text + 3);
	assert_ptr_equal(tested_strchr(text, '\0'), text + 6);
	assert_null(tested_strchr(text, 'x'));
	assert_ptr_equal(tested_memchr(text, 'e', 6), text + 1);
	assert_null(tested_memchr(text, 'd', 3));
}

static void test_bounded_copy(void **state)
{
	char dst[4] = "zzz";

	(void)state;
	assert_int_equal(str_copy(dst, "longer", sizeof(dst)), 6);
	assert_string_equal(dst, "lon");
	assert_int_equal(str_copy(dst, "ab", sizeof(dst)), 2);
	assert_string_equal(dst, "ab");
	assert_int_equal(str_copy(dst, "none", 0), 4);
	assert_string_equal(dst, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),   cmocka_unit_test(test_overlapping_moves),
		cmocka_unit_test(test_sets),     cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_searches), cmocka_unit_test(test_bounded_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
