// SPDX-License-Identifier: MIT
#include "libs/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *bytes, const char *expected)
{
	char text[64];
	size_t len = base64_encode(text_span(bytes), text);

	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
	assert_true(len + 1 <= BASE64_SIZE(strlen(bytes)));
}

// RFC 4648, 10.
static void the_vectors(void **state)
{
	(void)state;
	check("", "");
	check("f", "Zg==");
	check("fo", "Zm8=");
	check("foo", "Zm9v");
	check("foob", "Zm9vYg==");
	check("fooba", "Zm9vYmE=");
	check("foobar", "Zm9vYmFy");
}

static void the_alphabet_for_addresses(void **state)
{
	static const uint8_t bytes[] = { 0xfb, 0xff, 0xfe, 0xff };
	char text[16];

	(void)state;
	base64_encode((struct span){ .data = bytes, .len = 4 }, text);
	assert_string_equal(text, "+//+/w==");
	assert_int_equal(base64url_encode((struct span){ .data = bytes, .len = 4 }, text), 6);
	assert_string_equal(text, "-__-_w");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors),
		cmocka_unit_test(the_alphabet_for_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
