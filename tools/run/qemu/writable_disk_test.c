// SPDX-License-Identifier: MIT
// Disks for the writable layer: made, found again, locked, and refused when they are something
// else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/qemu/writable_disk.h"

#define MIB ((uint64_t)1 << 20)

static char directory[] = "/tmp/writable_disk_test.XXXXXX";
static struct error err;

static int setup(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink("disk");
	unlink("writable.ext4");
	return chdir("/") == 0 ? rmdir(directory) : -1;
}

static void assert_refused(const char *path, uint64_t size, const char *said)
{
	struct writable_disk disk;

	assert_int_equal(writable_disk_open(&disk, path, size, &err), -1);
	assert_string_equal(disk.path, "");
	if (!strstr(err.text, said))
		fail_msg("\"%s\" is not in: %s", said, err.text);
}

static void test_of_one_run(void **state)
{
	struct writable_disk disk;
	struct stat stat_buffer;

	(void)state;
	assert_int_equal(writable_disk_make(&disk, ".", 40 * MIB + 1, &err), 0);
	assert_false(disk.kept);
	assert_int_equal(stat(disk.path, &stat_buffer), 0);
	assert_int_equal(stat_buffer.st_size, 41 * MIB);
	// Sparse.
	assert_true(stat_buffer.st_blocks * 512 < (long)(8 * MIB));
	assert_int_equal(writable_disk_make(&disk, "/no/such/place", 40 * MIB, &err), -1);
}

static void test_kept(void **state)
{
	struct writable_disk disk;
	char words[64];

	(void)state;
	assert_int_equal(writable_disk_open(&disk, "disk", 32 * MIB, &err), 0);
	assert_true(disk.kept && disk.path[0] == '/');
	snprintf(words, sizeof(words), "in use by another run (process %d)", (int)getpid());
	assert_refused("disk", 0, words);
	writable_disk_release(&disk);
	assert_int_equal(writable_disk_open(&disk, "disk", 0, &err), 0);
	writable_disk_release(&disk);
	assert_int_equal(writable_disk_open(&disk, "disk", 32 * MIB - 1, &err), 0);
	writable_disk_release(&disk);
	writable_disk_release(&disk);
	assert_refused("disk", 64 * MIB, "of 32 MiB, not of 64");
	assert_int_equal(truncate("disk", 31 * MIB), 0);
	assert_refused("disk", 0, "damaged");
	assert_int_equal(writable_disk_open(&disk, "-n", 32 * MIB, &err), 0);
	writable_disk_release(&disk);
	assert_int_equal(unlink("-n"), 0);
}

// A run that was killed while it made the disk: the next one takes what it left, and leaves
// nothing.
static void test_left_by_a_killed_run(void **state)
{
	struct writable_disk disk;
	int fd = open("disk.starina-making", O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, 64 * MIB), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_refused("disk", 32 * MIB, "in use by another run");
	close(fd);
	assert_int_equal(writable_disk_open(&disk, "disk", 32 * MIB, &err), 0);
	writable_disk_release(&disk);
	assert_int_equal(access("disk.starina-making", F_OK), -1);
}

static void test_something_else(void **state)
{
	static const uint8_t magic[] = { 0x53, 0xef };
	int fd = open("disk", O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_refused("disk", 0, "something else");
	assert_int_equal(ftruncate(fd, 16 * MIB), 0);
	assert_refused("disk", 0, "something else");
	// An ext4 of other origin.
	assert_int_equal(pwrite(fd, magic, 2, 1024 + 0x38), 2);
	assert_refused("disk", 0, "something else");
	// One of ours that says it has 2^64 blocks.
	assert_int_equal(pwrite(fd, "starina", 8, 1024 + 0x78), 8);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 1024 + 4), 4);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 1024 + 0x150), 4);
	assert_refused("disk", 0, "damaged");
	close(fd);
	assert_refused("/no/such/place", 0, "/no/such/place");
	assert_refused(".", 0, "Is a directory");
	assert_refused("disk2", 1, "16M to 1T");
	assert_refused("disk2", UINT64_MAX - MIB, "16M to 1T");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_one_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_by_a_killed_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_something_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
