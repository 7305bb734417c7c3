// SPDX-License-Identifier: MIT
//
// What may be opened of the host while the OS runs, and what may not.
#include "tools/run/hostfs/binds.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];
static char root[96];
static struct binds binds;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/binds_test.XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(root, sizeof(root), "%s/shared", top);
	run("cd %s; mkdir -p shared/a/b outside shared2; echo x > shared/file; ln -s a/b shared/inner; ln -s ../outside shared/out; "
	    "ln -s %s/a shared/absolute; ln -s nowhere shared/dangling; ln -s shared link; mkfifo shared/pipe",
	    top, root);
	memset(&binds, 0, sizeof(binds));
	binds.path = root;
	binds.root = open(root, O_PATH | O_DIRECTORY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	binds_close(&binds);
	close(binds.root);
	run("rm -rf %s", top);
	return 0;
}

// Opens TOP/`path`; returns the number, or 0, when the refusal says `why`.
static unsigned ask(enum bind_kind kind, const char *path, const char *why)
{
	struct bind_answer answer;
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", top, path);
	binds_open(&binds, kind, whole, &answer);
	if (answer.number == 0 && (!why || !strstr(answer.text, why)))
		fail_msg("%s: %s", path, answer.text);
	return answer.number;
}

// Whether the number is what is at TOP/`path`.
static bool is_at(unsigned number, const char *path)
{
	struct stat one, other;
	char whole[256];
	char name[8];

	snprintf(whole, sizeof(whole), "%s/%s", top, path);
	snprintf(name, sizeof(name), "+%u", number);
	return fstat(binds_find(&binds, name, strlen(name))->fd, &one) == 0 &&
		stat(whole, &other) == 0 && one.st_ino == other.st_ino;
}

static void inside(void **state)
{
	unsigned number;

	(void)state;
	assert_int_equal(ask(BIND_KEEP, "shared", NULL), 1);
	assert_int_equal(ask(BIND_KEEP, "shared/a/b", NULL), 2);
	// The same, whatever leads there.
	assert_int_equal(ask(BIND_KEEP, "shared/a/../a/./b/", NULL), 2);
	assert_int_equal(ask(BIND_KEEP, "shared/inner", NULL), 2);
	assert_int_equal(ask(BIND_KEEP, "shared/absolute/b", NULL), 2);
	assert_int_equal(ask(BIND_KEEP, "link/a/b", NULL), 2);
	number = ask(BIND_KEEP, "shared/file", NULL);
	assert_int_equal(number, 3);
	assert_true(is_at(1, "shared") && is_at(2, "shared/a/b") && is_at(3, "shared/file"));
	// What is there now counts.
	run("rmdir %s/a/b; mkdir %s/a/b", root, root);
	number = ask(BIND_KEEP, "shared/a/b", NULL);
	assert_int_equal(number, 4);
	assert_true(is_at(4, "shared/a/b"));
}

static void outside(void **state)
{
	struct bind_answer answer;

	(void)state;
	assert_int_equal(ask(BIND_MAKE, "outside", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared2", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/out", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/../outside", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "outside/new", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/out/new", "is outside of"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/new/../../outside", "Invalid argument"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/dangling", "symbolic links"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/dangling/new", "error while"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/file/new", "Not a directory"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/pipe", "neither a folder nor a file"), 0);
	binds_open(&binds, BIND_MAKE, "shared", &answer);
	assert_non_null(strstr(answer.text, "must be absolute"));
	run("cd %s; test \"$(ls outside shared2 | tr '\\n' ' ')\" = 'outside:  shared2: '; test ! -e shared/nowhere",
	    top);
}

static void missing(void **state)
{
	(void)state;
	assert_int_equal(ask(BIND_KEEP, "shared/x/y", "bind source path does not exist"), 0);
	assert_int_equal(ask(BIND_MAKE, "shared/x/y//z/", NULL), 1);
	assert_true(is_at(1, "shared/x/y/z"));
	assert_int_equal(ask(BIND_MAKE, "shared/inner/new", NULL), 2);
	assert_true(is_at(2, "shared/a/b/new"));
}

static void names(void **state)
{
	static const char *const wrong[] = {
		"+0", "+2", "+", "1", "+1x", "+-1", "+99999", "+00001"
	};

	(void)state;
	assert_int_equal(ask(BIND_KEEP, "shared", NULL), 1);
	assert_non_null(binds_find(&binds, "+1", 2));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(binds_find(&binds, wrong[i], strlen(wrong[i])));
}

static void datagrams(void **state)
{
	struct bind_answer answer;
	char request[128];
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_true(binds_serve(&binds, pair[0]));  // there is none
	snprintf(request, sizeof(request), "k%s/a", root);
	assert_true(send(pair[1], request, strlen(request), 0) > 0);
	assert_true(binds_serve(&binds, pair[0]));
	assert_int_equal(recv(pair[1], &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.number, 1);
	close(pair[1]);
	assert_false(binds_serve(&binds, pair[0]));
	close(pair[0]);
}

#define bind_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bind_case(inside), bind_case(outside),   bind_case(missing),
		bind_case(names),  bind_case(datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
