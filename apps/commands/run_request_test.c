// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/commands/commands.h"

static struct run_request request;
static char bytes[64];

#define READ(args, env, text) read_request(args, env, text, sizeof(text))

// In memory that ends where the bytes do.
static error_t read_request(uint16_t num_args, uint16_t num_env, const char *text, size_t length)
{
	struct msg_commands_run run = { .num_args = num_args, .num_env = num_env };
	char *copy = bytes + sizeof(bytes) - length;

	memcpy(copy, text, length);
	return run_request_read(&run, copy, length, &request);
}

static void test_all(void **state)
{
	(void)state;
	assert_int_equal(READ(2, 2, "image\0/dir\0user\0a\0b c\0A=1=2\0B="), 0);
	assert_string_equal(request.image, "image");
	assert_string_equal(request.workdir, "/dir");
	assert_string_equal(request.user, "user");
	assert_string_equal(request.args[1], "b c");
	assert_string_equal(request.env[0], "A");
	assert_string_equal(request.env[0] + 2, "1=2");
	assert_string_equal(request.env[1], "B");
	assert_string_equal(request.env[1] + 2, "");
	assert_int_equal(READ(0, 0, "\0\0"), 0);
}

static void test_wrong(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, "\0"), ERR_PROTOCOL);
	assert_int_equal(READ(0, 0, "\0\0\0"), ERR_PROTOCOL);
	assert_int_equal(READ(1, 0, "\0\0"), ERR_PROTOCOL);
	assert_int_equal(READ(1, 1, "\0\0\0a"), ERR_PROTOCOL);
	assert_int_equal(READ(0, 1, "\0\0\0a"), ERR_INVALID);
	assert_int_equal(READ(0, 1, "\0\0\0=a"), ERR_INVALID);
	assert_int_equal(read_request(1, 0, "\0\0\0a", 4), ERR_PROTOCOL);
	assert_int_equal(read_request(0, 0, "", 0), ERR_PROTOCOL);
	assert_int_equal(READ(RUN_WORDS_MAX + 1, 0, "\0\0"), ERR_TOO_LARGE);
	assert_int_equal(READ(0, UINT16_MAX, "\0\0"), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
