// SPDX-License-Identifier: MIT
// Which word a mistyped one is like.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/common/nearest.h"

static const char *nearest_of(const char *typed)
{
	static const char *const words[] = { "MEMORY",    "SMP",       "CPU", "CPUS",
		                             "HTTP_PORT", "QEMU_ARGS", "" };
	struct nearest nearest = nearest_begin(typed);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_offer(&nearest, words[i]);
	return nearest.word ? nearest.word : "none";
}

static void test_nearest(void **state)
{
	char long_word[200];

	(void)state;
	assert_string_equal(nearest_of("MEMROY"), "MEMORY");
	assert_string_equal(nearest_of("MEMORRY"), "MEMORY");
	assert_string_equal(nearest_of("MEMOR"), "MEMORY");
	assert_string_equal(nearest_of("CPPS"), "CPUS");
	assert_string_equal(nearest_of("HTTPPORT"), "HTTP_PORT");
	assert_string_equal(nearest_of("QEMU_ARG"), "QEMU_ARGS");
	assert_string_equal(nearest_of("SPM"), "SMP");
	assert_string_equal(nearest_of("FOO"), "none");
	assert_string_equal(nearest_of("XX"), "none");
	memset(long_word, 'M', sizeof(long_word));
	long_word[sizeof(long_word) - 1] = '\0';
	assert_string_equal(nearest_of(long_word), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
