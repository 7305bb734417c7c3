// SPDX-License-Identifier: MIT
//
// Archives of a folder of the host, which its tar reads and makes.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/bootd/archive.h"

static char base[] = "/tmp/starina-archive.XXXXXX";

static int shell(const char *command)
{
	char whole[4096];

	snprintf(whole, sizeof(whole), "cd %s && { %s; }", base, command);
	return system(whole);
}

static int get(const char *path, const char *to)
{
	char from[4096], archive[4096];
	int fd, status;

	snprintf(from, sizeof(from), "%s/%s", base, path);
	snprintf(archive, sizeof(archive), "%s/%s", base, to);
	fd = open(archive, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	status = archive_get(from, fd);
	close(fd);
	return status;
}

static int export(const char *path, const char *to)
{
	char from[4096], archive[4096];
	int fd, status;

	snprintf(from, sizeof(from), "%s/%s", base, path);
	snprintf(archive, sizeof(archive), "%s/%s", base, to);
	fd = open(archive, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	status = archive_export(from, fd);
	close(fd);
	return status;
}

static int put(const char *archive, const char *path, const char *options)
{
	const struct archive_put how = { .keep_kinds = strchr(options, 'k') != NULL,
		                         .has_owner = 1,
		                         .uid = getuid(),
		                         .gid = getgid() };
	char from[4096], to[4096];
	int fd, status;

	snprintf(from, sizeof(from), "%s/%s", base, archive);
	snprintf(to, sizeof(to), "%s/%s", base, path);
	fd = open(from, O_RDONLY);
	assert_true(fd >= 0);
	status = archive_put(to, &how, fd);
	close(fd);
	assert_int_equal(chdir("/"), 0);
	return status;
}

// The first line is what docker wants to know; the rest is the archive.
static void split(void)
{
	assert_int_equal(shell("head -n 1 out | base64 -d > stat && tail -n +2 out > out.tar"), 0);
}

static void test_get(void **state)
{
	char old[64], line[128];

	(void)state;
	assert_int_equal(
		shell("mkdir -p d/sub && echo hello > d/file && ln d/file d/sub/hard && "
	              "ln -s file d/link && touch d/\"$(printf 'l%.0s' $(seq 200))\" && "
	              "mkfifo d/fifo && chmod 4711 d/file && touch -d @1000000000 d/file && "
	              "truncate -s 200000 d/hole && touch -d @-86400 d/hole"),
		0);
	assert_int_equal(get("d", "out"), ARCHIVE_OK);
	split();
	assert_int_equal(
		shell("rm -rf x && mkdir x && tar -C x -xf out.tar && diff -r --no-dereference "
	              "-x fifo d x/d && test x/d/file -ef x/d/sub/hard && test -p x/d/fifo && "
	              "test $(stat -c %a%Y x/d/file) = 47111000000000 && "
	              "test $(stat -c %Y x/d/hole) = -86400"),
		0);
	assert_int_equal(
		shell("grep -q '^{\"name\":\"d\",\"size\":[0-9]*,\"mode\":2147484141,\"mtime\":\"' stat"),
		0);
	// What docker's client makes of it depends on the names.
	assert_int_equal(get("d/.", "out"), ARCHIVE_OK);
	split();
	assert_int_equal(shell("tar -tf out.tar | head -n 1 | grep -qx ./ && "
	                       "tar -tf out.tar | grep -qx ./file"),
	                 0);
	assert_int_equal(get("d/link", "out"), ARCHIVE_OK);
	split();
	assert_int_equal(shell("test \"$(tar -tvf out.tar | grep -c 'link -> file')\" = 1 && "
	                       "grep -q '\"mode\":134218239.*linkTarget\":\"/.*/d/file\"' stat"),
	                 0);
	// One that leads nowhere says where that would be.
	assert_int_equal(shell("mkdir other && ln -s sub/../none/x other/dangling"), 0);
	assert_int_equal(get("other/dangling", "out"), ARCHIVE_OK);
	split();
	assert_int_equal(shell("grep -q 'linkTarget\":\"/.*/other/none/x\"' stat"), 0);
	assert_int_equal(export("d", "out.tar"), ARCHIVE_OK);
	assert_int_equal(shell("rm -rf x && mkdir x && tar -C x -xf out.tar && diff -r "
	                       "--no-dereference -x fifo d x"),
	                 0);
	// A year has four digits, also that of a file that is older than ext4 can say.
	snprintf(old, sizeof(old), "../../dev/shm/archive_test.%d", getpid());
	snprintf(line, sizeof(line), "touch -d @-33765811200 %s", old);
	assert_int_equal(shell(line), 0);
	assert_int_equal(get(old, "out"), ARCHIVE_OK);
	snprintf(line, sizeof(line), "rm %s", old);
	assert_int_equal(shell(line), 0);
	split();
	assert_int_equal(shell("grep -q '\"mtime\":\"0900-01-02T00:00:00.000000000Z\"' stat"), 0);
	// What does not fit is not cut: a reader waits for the end of the line.
	assert_int_equal(shell("ln -s \"$(printf 'q%.0s' $(seq 3000) | tr q '\\001')\" far"), 0);
	assert_int_equal(get("far", "out"), ARCHIVE_FAILED);
	assert_int_equal(shell("test ! -s out"), 0);
	assert_int_equal(get("d/nothing", "out"), ARCHIVE_NOT_FOUND);
	assert_int_equal(get("d/file/x", "out"), ARCHIVE_NOT_FOLDER);
}

static void test_put(void **state)
{
	(void)state;
	assert_int_equal(
		shell("rm -rf p in && mkdir -p in/a/b && echo one > in/a/one && "
	              "ln in/a/one in/a/two && ln -s /etc/passwd in/a/out && "
	              "echo long > in/a/\"$(printf 'n%.0s' $(seq 180))\" && chmod 751 in/a/b && "
	              "touch -d @1000000000 in/a/b && mkdir p"),
		0);
	for (int i = 0; i < 3; i++) {
		const char *const formats[] = { "gnu", "pax", "ustar --exclude=nnn*" };
		char command[256];

		snprintf(command, sizeof(command), "tar -C in --format=%s -cf in.tar a",
		         formats[i]);
		assert_int_equal(shell(command), 0);
		assert_int_equal(put("in.tar", "p", ""), ARCHIVE_OK);
		assert_int_equal(
			shell("diff -r --no-dereference in/a p/a && test p/a/one -ef p/a/two && "
		              "test $(stat -c %a%Y p/a/b) = 7511000000000"),
			0);
	}
	// Times before 1970, and records of pax that say nothing.
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			shell(i == 0 ? "touch -d @-1000000000 in/a/one && "
		                       "tar -C in --format=gnu -cf in.tar a"
		                     : "tar -C in --format=pax --pax-option=path:=,size:=,uid:=,linkpath:= "
		                       "-cf in.tar a/one"),
			0);
		assert_int_equal(put("in.tar", "p", ""), ARCHIVE_OK);
		assert_int_equal(shell("test $(stat -c %Y p/a/one) = -1000000000"), 0);
	}
	assert_int_equal(put("in.tar", "nowhere", ""), ARCHIVE_NOT_FOUND);
	assert_int_equal(put("in.tar", "in.tar", ""), ARCHIVE_NOT_FOLDER);
}

static void test_gzip(void **state)
{
	static const char *const packed[] = {
		"gzip -1 < in.tar > in.gz",
		"gzip -9 -N < in.tar > in.gz",
		// Several members, of fixed codes, too, and padding behind.
		"(head -c 9 in.tar | gzip; gzip < /dev/null; tail -c +10 in.tar | gzip; "
		"head -c 512 /dev/zero) > in.gz",
	};
	static const char *const damaged[] = {
		"head -c 1000 in.gz > bad.gz",
		"(head -c 30 in.gz; head -c 2000 /dev/urandom) > bad.gz",
		"printf '\\037\\213' > bad.gz",
		"(head -c 700 in.tar | gzip; echo noise) > bad.gz",
	};

	(void)state;
	// What can be compressed, what cannot, and distances as far as they go.
	assert_int_equal(shell("rm -rf z && mkdir -p z/a && seq 60000 > z/a/seq && head -c 70000 "
	                       "/dev/urandom > z/a/noise && cat z/a/noise z/a/noise > z/a/twice && "
	                       "head -c 32768 z/a/noise > z/a/far && cat z/a/far >> z/a/far2 && "
	                       "cat z/a/far >> z/a/far2 && truncate -s 300000 z/a/zeroes && "
	                       "echo hi > z/a/hi && tar -C z -cf in.tar a"),
	                 0);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		assert_int_equal(shell("rm -rf g && mkdir g"), 0);
		assert_int_equal(shell(packed[i]), 0);
		assert_int_equal(put("in.gz", "g", ""), ARCHIVE_OK);
		assert_int_equal(shell("diff -r z/a g/a"), 0);
	}
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		assert_int_equal(shell(damaged[i]), 0);
		assert_int_equal(put("bad.gz", "g", ""), ARCHIVE_MALFORMED);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(shell("rm -rf k && mkdir -p k/a/one/deep && tar -C in -cf in.tar a && "
	                       "mkdir -p k2 && echo > k2/a"),
	                 0);
	assert_int_equal(put("in.tar", "k", "k"), ARCHIVE_OVER_FOLDER);
	assert_int_equal(put("in.tar", "k2", "k"), ARCHIVE_OVER_OTHER);
	assert_int_equal(put("in.tar", "k", ""), ARCHIVE_OK);
	assert_int_equal(put("in.tar", "k2", ""), ARCHIVE_OK);
	assert_int_equal(shell("test -f k/a/one && test -d k2/a"), 0);
}

// Nothing is put elsewhere, and what is none is told from what is.
static void test_hostile(void **state)
{
	(void)state;
	assert_int_equal(shell("rm -rf h && mkdir h && echo x > evil && "
	                       "tar -P -cf dots.tar --transform 's,evil,../out-of-it,' evil && "
	                       "tar -cf good.tar evil && head -c 700 good.tar > cut.tar && "
	                       "head -c 1000 /dev/urandom > noise.tar && : > empty.tar && "
	                       "tar -P -cf root.tar --transform 's,evil,//abs/./evil,' evil"),
	                 0);
	assert_int_equal(put("dots.tar", "h", ""), ARCHIVE_MALFORMED);
	assert_int_equal(access("/tmp/out-of-it", F_OK), -1);
	assert_int_equal(put("cut.tar", "h", ""), ARCHIVE_MALFORMED);
	assert_int_equal(put("noise.tar", "h", ""), ARCHIVE_MALFORMED);
	assert_int_equal(put("empty.tar", "h", ""), ARCHIVE_OK);
	assert_int_equal(put("root.tar", "h", ""), ARCHIVE_OK);
	assert_int_equal(shell("test -f h/abs/evil"), 0);
}

static void test_words(void **state)
{
	char *const none[] = { NULL };
	char *const unknown[] = { (char *)(uintptr_t) "eat", (char *)(uintptr_t) "/", NULL };
	char *const half[] = { (char *)(uintptr_t) "put", (char *)(uintptr_t) "/", NULL };

	(void)state;
	assert_int_equal(archive_run(none, 0, 0), ARCHIVE_FAILED);
	assert_int_equal(archive_run(unknown, 0, 0), ARCHIVE_FAILED);
	assert_int_equal(archive_run(half, 0, 0), ARCHIVE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),     cmocka_unit_test(test_put),
		cmocka_unit_test(test_gzip),    cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_words),
	};
	int result;

	if (mkdtemp(base) == NULL)
		return 1;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	return shell("cd / && chmod -R u+rwx \"$OLDPWD\" && rm -rf \"$OLDPWD\"") != 0 ? 1 : result;
}
