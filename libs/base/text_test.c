// SPDX-License-Identifier: MIT
#include "libs/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_visible(void **state)
{
	static const char *const shown[] = { "a",      "~",          " ",
		                             "\u00a0", "\u00db",     "\u0fff",
		                             "\u2603", "\U0001f600", "\U0010ffff" };

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_int_equal(text_visible(shown[i], strlen(shown[i])), strlen(shown[i]));
	assert_int_equal(text_visible("ab", 2), 1);
	assert_int_equal(text_visible("", 0), 0);
}

static void test_controls(void **state)
{
	static const char *const hidden[] = {
		"\x1b[2J",
		"\n",
		"\t",
		"\x7f",
		// C1, as a byte and as UTF-8: CSI, OSC, and the first and the last.
		"\x9b"
		"2J",
		"\x9d",
		"\x80",
		"\x9f",
		"\xc2\x9b"
		"2J",
		"\xc2\x80",
		"\xc2\x9f",
		// In more bytes than needed: ESC, CSI.
		"\xc0\x9b",
		"\xe0\x80\x9b",
		"\xe0\x82\x9b",
		"\xf0\x80\x82\x9b",
		// No UTF-8: cut off, without a beginning, a surrogate, beyond the last character.
		"\xc2",
		"\xe2\x98",
		"\xe2\x98z",
		"\xbf",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_int_equal(text_visible(hidden[i], strlen(hidden[i])), 0);
	// A character may not be longer than what is there.
	assert_int_equal(text_visible("\u2603", 2), 0);
}

static void test_copy(void **state)
{
	char out[32];

	(void)state;
	text_copy_visible(out,
	                  "a\x9b"
	                  "b\u2603\xc2\x9b\x1b\xc3",
	                  10);
	assert_string_equal(out, "a?b\u2603????");
	text_copy_visible(out, "", 0);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
