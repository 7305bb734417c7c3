// SPDX-License-Identifier: MIT
// Where the state disk is, that it is made at first need only, what is in its file system, and that
// it belongs to one run at a time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/qemu/state_disk.h"

// Of the superblock (Linux: Documentation/filesystems/ext4/super.rst).
#define SUPER_FEATURES (1024 + 0x5c)
#define COMPATIBLE (0x4 | 0x8 | 0x20)                      // journal, ext_attr, dir_index
#define INCOMPATIBLE (0x2 | 0x40 | 0x80 | 0x200)           // filetype, extents, 64bit, flex_bg
#define READ_ONLY (0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400)  // ..., metadata_csum

static char directory[64];
static struct error err;

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/state_disk_test.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	unsetenv("STARINA_DISK");
	unsetenv("XDG_STATE_HOME");
	return setenv("HOME", directory, 1);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void assert_path(const char *end)
{
	char path[PATH_MAX];
	char expected[PATH_MAX];

	snprintf(expected, sizeof(expected), "%s%s", directory, end);
	assert_int_equal(state_disk_path(path, &err), 0);
	assert_string_equal(path, expected);
}

static void assert_refused(const char *said)
{
	struct writable_disk disk;

	assert_int_equal(state_disk_open(&disk, true, &err), -1);
	assert_string_equal(disk.path, "");
	if (!strstr(err.text, said))
		fail_msg("\"%s\" is not in: %s", said, err.text);
}

static void places(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_path("/.local/state/starina/state.img");
	setenv("XDG_STATE_HOME", "relative", 1);
	assert_path("/.local/state/starina/state.img");
	snprintf(path, sizeof(path), "%s/state", directory);
	setenv("XDG_STATE_HOME", path, 1);
	assert_path("/state/starina/state.img");
	snprintf(path, sizeof(path), "%s/mine", directory);
	setenv("STARINA_DISK", path, 1);
	assert_path("/mine");
	setenv("STARINA_DISK", "none", 1);
	assert_refused("STARINA_DISK=none");
	snprintf(path, sizeof(path), "%s/no/such/place", directory);
	setenv("STARINA_DISK", path, 1);
	assert_refused("No such file or directory");
}

static uint32_t features_at(const char *path, unsigned index)
{
	uint32_t features[3];
	int fd = open(path, O_RDONLY);

	assert_int_equal(pread(fd, features, sizeof(features), SUPER_FEATURES), 12);
	close(fd);
	return features[index];
}

static void made_at_first_need(void **state)
{
	struct writable_disk disk;
	struct stat status;
	char words[64];

	(void)state;
	assert_int_equal(state_disk_open(&disk, false, &err), 0);
	assert_string_equal(disk.path, "");
	assert_int_equal(state_disk_open(&disk, true, &err), 0);
	assert_int_equal(stat(disk.path, &status), 0);
	assert_true(status.st_size == (off_t)STATE_DISK_SIZE && disk.kept);
	// Sparse.
	assert_true(status.st_blocks * 512 < 8 << 20);
	assert_int_equal(features_at(disk.path, 0), COMPATIBLE);
	assert_int_equal(features_at(disk.path, 1), INCOMPATIBLE);
	assert_int_equal(features_at(disk.path, 2), READ_ONLY);
	snprintf(words, sizeof(words), "in use by another run (process %d)", (int)getpid());
	assert_refused(words);
	writable_disk_release(&disk);
	assert_int_equal(state_disk_open(&disk, false, &err), 0);
	assert_true(disk.path[0] == '/');
	writable_disk_release(&disk);
	assert_int_equal(setenv("STARINA_DISK", "/dev/null", 1), 0);
	assert_refused("is not a file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(places, setup, teardown),
		cmocka_unit_test_setup_teardown(made_at_first_need, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
