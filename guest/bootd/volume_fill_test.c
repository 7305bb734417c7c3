// SPDX-License-Identifier: MIT
// What a new volume gets of the image: all of it as it is, once, and nothing through links.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/bootd/volume_fill.h"

static char directory[64];
static struct failure failure;

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/volume_fill_test.XXXXXX");
	if (!mkdtemp(directory) || chdir(directory) != 0)
		return -1;
	return mkdir("image", 0755) != 0 || mkdir("volume", 0755) != 0;
}

static int teardown(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -r %s", directory, directory);
	return chdir("/") == 0 ? system(command) : -1;
}

static void all_kinds(void **state)
{
	struct stat a, b;

	(void)state;
	run("cd image; mkdir -p d/e; echo one > d/one; ln d/one d/e/two; ln -s /etc/passwd d/link; ln -s nowhere dangling; "
	    "mkfifo pipe; truncate -s 300k sparse; echo x >> sparse; : > empty; chmod 4751 d/one; chmod 1770 d; touch -d @1000 d d/e d/link -h; "
	    "chmod 750 .");
	assert_true(setxattr("image/sparse", "user.a", "value", 5, 0) == 0 || errno == ENOTSUP);
	if (geteuid() == 0) {
		run("cd image; chown 7:8 d/one; chown -h 9:9 d/link; chown 5:6 .; chmod 4751 d/one; mknod null c 1 3");
	}
	assert_int_equal(volume_fill("image", "volume", &failure), 0);
	run("sums() { (cd $1 && find . -type f -exec cksum {} + | sort); }; sums image > a; sums volume > b; diff a b");
	// Names, types, modes, owners, times and devices.
	run("list() { (cd $1 && find . -printf '%p %y %m %U %G %T@ %l %n\\n' | grep -v '^\\./null' | sort); }; "
	    "list image > a; list volume > b; diff a b");
	assert_true(stat("volume/d/one", &a) == 0 && stat("volume/d/e/two", &b) == 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(stat("volume/sparse", &a), 0);
	assert_true(a.st_size == 300 * 1024 + 2 && a.st_blocks * 512 < 200 * 1024);
	if (geteuid() == 0) {
		assert_int_equal(stat("volume/null", &a), 0);
		assert_true(S_ISCHR(a.st_mode) && a.st_rdev == 0x103);
	}
}

static void once(void **state)
{
	(void)state;
	run("echo image > image/file; echo volume > volume/other; chmod 700 image");
	assert_int_equal(volume_fill("image", "volume", &failure), 0);
	run("test ! -e volume/file && test $(stat -c %a volume) = 755");
	run("rm volume/other");
	assert_int_equal(volume_fill("image", "volume", &failure), 0);
	run("test $(cat volume/file) = image && test $(stat -c %a volume) = 700");
}

static void what_is_too_deep(void **state)
{
	(void)state;
	run("d=image; for i in $(seq 300); do d=$d/x; done; mkdir -p $d");
	assert_true(volume_fill("image", "volume", &failure) < 0);
	assert_non_null(strstr(failure.message, "fill a volume with image/x/x"));
	assert_true(volume_fill("nowhere", "volume/nowhere", &failure) < 0);
}

// A fill that broke off in the middle is made good at the next start, whatever it had made.
static void what_broke_off(void **state)
{
	struct stat a, b;

	(void)state;
	if (setxattr("volume", VOLUME_FILL_MARK, "", 0, 0) != 0 ||
	    removexattr("volume", VOLUME_FILL_MARK) != 0)
		skip();  // trusted attributes are root's
	run("cd image; mkdir -p d/e; echo one > d/one; ln d/one d/e/two; ln -s nowhere d/link; mkfifo pipe; echo last > last; "
	    "chmod 4751 d/one; chmod 1770 d; touch -d @1000 d/one d/e d; d=deep; for i in $(seq 300); do d=$d/x; done; mkdir -p $d");
	assert_true(volume_fill("image", "volume", &failure) < 0);
	assert_true(getxattr("volume", VOLUME_FILL_MARK, NULL, 0) >= 0);
	// As if it had ended elsewhere: some things are missing, some have not got their modes.
	run("rm -r image/deep volume/deep; cd volume; mkdir -p d/e; chmod 700 d; rm -f last d/link d/e/two");
	assert_int_equal(volume_fill("image", "volume", &failure), 0);
	run("list() { (cd $1 && find . -printf '%p %y %m %U %G %T@ %l %n\\n' | sort); }; list image > a; list volume > b; diff a b");
	run("test $(cat volume/d/one) = one && test $(cat volume/last) = last");
	assert_true(stat("volume/d/one", &a) == 0 && stat("volume/d/e/two", &b) == 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_true(getxattr("volume", VOLUME_FILL_MARK, NULL, 0) < 0);
	// It is whole: what is removed from it stays so.
	run("rm volume/last");
	assert_int_equal(volume_fill("image", "volume", &failure), 0);
	run("test ! -e volume/last");
	// Something else that has the name is not written through.
	run("rm -r volume/*; ln -s /tmp volume/d");
	assert_int_equal(setxattr("volume", VOLUME_FILL_MARK, "", 0, 0), 0);
	assert_true(volume_fill("image", "volume", &failure) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_kinds),
		TEST(once),
		TEST(what_is_too_deep),
		TEST(what_broke_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
