// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/bootd/lookup.h"

static char directory[] = "/tmp/lookup_test.XXXXXX";
static char found[4096];
static struct failure failure;

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL || chdir(directory) != 0)
		return -1;
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("a/prog", 0755);
	close(open("a/plain", O_CREAT | O_WRONLY, 0644));
	close(open("b/plain", O_CREAT | O_WRONLY, 0755));
	close(open("b/prog", O_CREAT | O_WRONLY, 0755));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink("a/plain");
	unlink("b/plain");
	unlink("b/prog");
	rmdir("a/prog");
	rmdir("a");
	rmdir("b");
	return rmdir(directory);
}

static void searches_in_order(void **state)
{
	(void)state;
	assert_int_equal(lookup_program("prog", "a:b", found, sizeof(found), &failure), 0);
	assert_string_equal(found, "b/prog");
	assert_int_equal(lookup_program("plain", "none::a:b", found, sizeof(found), &failure), 0);
	assert_string_equal(found, "b/plain");
	assert_int_equal(lookup_program("sh", NULL, found, sizeof(found), &failure), 0);
}

static void says_not_found(void **state)
{
	static const char *const paths[] = { "a:b", "", ":", "none" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(lookup_program("foo", paths[i], found, sizeof(found), &failure),
		                 -ENOENT);
		assert_int_equal(failure.status, 127);
		assert_string_equal(failure.message,
		                    "exec: \"foo\": executable file not found in $PATH");
	}
	assert_int_equal(lookup_program("", "a:b", found, sizeof(found), &failure), -ENOENT);
	// A buffer that holds no path at all finds nothing and overruns nothing.
	assert_int_equal(lookup_program("prog", "a:b", found, 4, &failure), -ENOENT);
}

static void tells_why_a_path_cannot_run(void **state)
{
	(void)state;
	assert_int_equal(lookup_program("a/none", NULL, found, sizeof(found), &failure), -ENOENT);
	assert_int_equal(failure.status, 127);
	// docker's client ends with 127 by these words, letter for letter.
	assert_string_equal(failure.message,
	                    "exec: \"a/none\": stat a/none: no such file or directory");
	assert_int_equal(lookup_program("b/prog/x", NULL, found, sizeof(found), &failure),
	                 -ENOTDIR);
	assert_int_equal(failure.status, 127);
	assert_int_equal(lookup_program("a/prog", NULL, found, sizeof(found), &failure), -EISDIR);
	assert_int_equal(failure.status, 126);
	assert_int_equal(lookup_program("a/plain", NULL, found, sizeof(found), &failure), -EACCES);
	assert_int_equal(failure.status, 126);
	assert_int_equal(lookup_program("./b/prog", NULL, found, sizeof(found), &failure), 0);
	assert_string_equal(found, "./b/prog");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_in_order),
		cmocka_unit_test(says_not_found),
		cmocka_unit_test(tells_why_a_path_cannot_run),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
