// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/common/line_reader.h"

// The lines that come out of `size` bytes, each followed by '|'.
static const char *lines_of(const char *bytes, size_t size)
{
	static char lines[64];
	char line[6];
	struct line_reader reader;

	lines[0] = '\0';
	line_reader_init(&reader, line, sizeof(line));
	for (size_t i = 0; i < size; i++) {
		if (!line_reader_push(&reader, bytes[i]))
			continue;
		strcat(lines, line);
		strcat(lines, "|");
	}
	return lines;
}

#define LINES_OF(text) lines_of(text, sizeof(text) - 1)

static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(LINES_OF("one\ntwo\n\nthree"), "one|two||");
}

static void test_lines_that_do_not_fit(void **state)
{
	(void)state;
	assert_string_equal(LINES_OF("12345\n123456\n1234567890\n1\n"), "12345|1|");
}

static void test_nul_bytes(void **state)
{
	(void)state;
	assert_string_equal(LINES_OF("a\0b\nc\n\0\nd\n"), "c|d|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_that_do_not_fit),
		cmocka_unit_test(test_nul_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
