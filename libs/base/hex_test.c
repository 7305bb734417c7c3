// SPDX-License-Identifier: MIT
#include "libs/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_digits(void **state)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	unsigned num_digits = 0;

	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(hex_digit((uint8_t)lower[i]), i);
		assert_int_equal(hex_digit((uint8_t)upper[i]), i);
	}
	for (unsigned c = 0; c < 256; c++)
		num_digits += hex_digit((uint8_t)c) >= 0;
	assert_int_equal(num_digits, 22);
}

static void test_bytes(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x9a, 0xff };
	char text[HEX_SIZE(sizeof(bytes))];
	uint8_t out[sizeof(bytes)];

	(void)state;
	hex_write(bytes, sizeof(bytes), text);
	assert_string_equal(text, "009aff");
	assert_true(hex_read(text, out, sizeof(out)));
	assert_memory_equal(out, bytes, sizeof(bytes));
	assert_false(hex_read("009aff0", out, sizeof(out)));
	assert_false(hex_read("009af", out, sizeof(out)));
	assert_false(hex_read("009AFF", out, sizeof(out)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
