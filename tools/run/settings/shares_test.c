// SPDX-License-Identifier: MIT
#include "tools/run/settings/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct shares shares;
static struct error err;

static int teardown(void **state)
{
	(void)state;
	shares_deinit(&shares);
	return 0;
}

static void test_list(void **state)
{
	(void)state;
	assert_int_equal(shares_add(&shares, "a=/tmp,b-1.c_=/tmp:ro,ro=:ro", true, "S", &err), 0);
	assert_int_equal(shares.count, 3);
	assert_string_equal(shares.items[0].name, "a");
	assert_string_equal(shares.items[0].path, "/tmp");
	assert_false(shares.items[0].read_only);
	assert_string_equal(shares.items[1].name, "b-1.c_");
	assert_string_equal(shares.items[1].path, "/tmp");
	assert_true(shares.items[1].read_only);
	assert_string_equal(shares.items[2].path, ":ro");
	assert_int_equal(shares_add(&shares, "c=./a,b=c", false, "S", &err), 0);
	assert_string_equal(shares.items[3].path, "./a,b=c");
}

static void test_refused(void **state)
{
	static const char *const wrong[] = { "",     "a",     "=/tmp", "a=",      "0=/tmp",
		                             "..=/", "a/b=/", "a b=/", "a=/tmp,", "a=/,a=/" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(shares_add(&shares, wrong[i], true, "STARINA_SHARES", &err), -1);
		assert_non_null(strstr(err.text, "STARINA_SHARES"));
		shares_deinit(&shares);
	}
	assert_int_equal(
		shares_add(&shares, "a23456789012345678901234567890123=/", true, "S", &err), -1);
	assert_int_equal(
		shares_add(&shares, "a=/,b=/,c=/,d=/,e=/,f=/,g=/,h=/,i=/", true, "S", &err), -1);
}

static void test_open(void **state)
{
	char path[] = "/tmp/shares_test.XXXXXX";
	int fd = mkstemp(path);
	char text[64] = "file=";

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(shares_add(&shares, "tmp=/tmp", true, "S", &err), 0);
	assert_int_equal(shares_open(&shares, &err), 0);
	assert_true(shares.items[0].fd >= 0);
	// A file is not a folder.
	strcat(text, path);
	assert_int_equal(shares_add(&shares, text, true, "S", &err), 0);
	assert_int_equal(shares_open(&shares, &err), -1);
	assert_non_null(strstr(err.text, path));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_list, teardown),
		cmocka_unit_test_teardown(test_refused, teardown),
		cmocka_unit_test_teardown(test_open, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
