// SPDX-License-Identifier: MIT
#include "tools/common/address_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RUNS 4
#define ROUNDS 300

static char directory[] = "/tmp/address_file_test.XXXXXX";

static int enter(void **state)
{
	(void)state;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	(void)state;
	unlink("addr");
	unlink("lock");
	unlink("other");
	return rmdir(directory);
}

static const char *content(const char *path)
{
	static char text[128];
	FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return NULL;
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	return text;
}

static void test_newest_line_stays(void **state)
{
	struct error err = { 0 };
	struct stat stat;

	(void)state;
	assert_int_equal(address_file_write("addr", "/first", &err), 0);
	assert_int_equal(chmod("addr", 0644), 0);
	assert_int_equal(address_file_write("addr", "/second", &err), 0);
	assert_string_equal(content("addr"), "/second\n");
	assert_int_equal(lstat("addr", &stat), 0);
	assert_int_equal(stat.st_mode & 0777, 0600);
	address_file_remove("addr", "/first");
	address_file_remove("addr", "/secon");
	address_file_remove("addr", "/second/");
	assert_string_equal(content("addr"), "/second\n");
	address_file_remove("addr", "/second");
	assert_null(content("addr"));
	address_file_remove("addr", "/second");
	address_file_remove("nosuch/addr", "/second");
}

// A link is replaced: what it leads to is not touched.
static void test_links_are_not_followed(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(address_file_write("other", "kept", &err), 0);
	assert_int_equal(symlink("other", "addr"), 0);
	address_file_remove("addr", "kept");
	assert_string_equal(content("addr"), "kept\n");
	assert_int_equal(address_file_write("addr", "/new", &err), 0);
	assert_string_equal(content("addr"), "/new\n");
	assert_string_equal(content("other"), "kept\n");
	address_file_remove("addr", "/new");
}

static void test_what_cannot_be_written(void **state)
{
	struct error err = { 0 };
	char line[8192];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(address_file_write("addr", line, &err), -1);
	assert_int_equal(address_file_write("nosuch/addr", "x", &err), -1);
	assert_int_equal(address_file_write(line, "x", &err), -1);
	assert_null(content("addr"));
}

// What a run does of the file from its start to its end, over and over.
static void come_and_go(unsigned run)
{
	struct error err = { 0 };
	char line[32];

	snprintf(line, sizeof(line), "/run.%u", run);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (address_file_write("addr", line, &err) < 0)
			_exit(1);
		address_file_remove("addr", line);
	}
	_exit(0);
}

static void test_many_runs_at_a_time(void **state)
{
	pid_t runs[RUNS];
	int left = RUNS;
	int status;

	(void)state;
	for (unsigned i = 0; i < RUNS; i++) {
		runs[i] = fork();
		if (runs[i] == 0)
			come_and_go(i);
		assert_true(runs[i] > 0);
	}
	while (left) {
		const char *text = content("addr");
		pid_t ended = waitpid(-1, &status, WNOHANG);

		if (text) {
			assert_int_equal(strlen(text), strlen("/run.0\n"));
			assert_int_equal(strncmp(text, "/run.", 5), 0);
		}
		if (ended > 0) {
			assert_int_equal(status, 0);
			left--;
		}
	}
	assert_null(content("addr"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_line_stays),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_what_cannot_be_written),
		cmocka_unit_test(test_many_runs_at_a_time),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
