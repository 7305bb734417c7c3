// SPDX-License-Identifier: MIT
//
// File systems of many sizes, and what e2fsck says of them.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/ext4/make.h"

#define CHECK "PATH=$PATH:/usr/sbin:/sbin; e2fsck -fn %s >%s.log 2>&1 || { cat %s.log; exit 1; }"

static char path[] = "/tmp/starina-make.XXXXXX";

static void check(uint64_t blocks)
{
	struct ext4_make make = { .num_blocks = blocks, .time = 1790000000 };
	uint32_t length = ext4_make_length(blocks);
	size_t size = (size_t)length * EXT4_BLOCK_SIZE;
	int fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
	uint8_t *bytes = malloc(size);
	char command[256];

	for (unsigned i = 0; i < sizeof(make.uuid); i++)
		make.uuid[i] = (uint8_t)(i * 37 + blocks);
	assert_true(length > 0 && fd >= 0 && bytes != NULL);
	ext4_make(&make, bytes);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(ftruncate(fd, (off_t)(blocks * EXT4_BLOCK_SIZE)), 0);
	close(fd);
	free(bytes);
	snprintf(command, sizeof(command), CHECK, path, path, path);
	print_message("%llu blocks, of which %u are written\n", (unsigned long long)blocks, length);
	assert_int_equal(system(command), 0);
}

static void test_sizes(void **state)
{
	static const uint64_t sizes[] = {
		EXT4_MAKE_MIN, 5000,  25600,  32767,   32768,       32769,         65536,
		65537,         98304, 262144, 1000001, 10ull << 18, EXT4_MAKE_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check(sizes[i]);
}

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(ext4_make_length(0), 0);
	assert_int_equal(ext4_make_length(EXT4_MAKE_MIN - 1), 0);
	assert_int_equal(ext4_make_length(EXT4_MAKE_MAX + 1), 0);
	assert_int_equal(ext4_make_length(UINT64_MAX), 0);
	// A layer of the usual size is made with one short write.
	assert_true(ext4_make_length(10ull << 18) <= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sizes),
	};
	char log[sizeof(path) + 8];
	int fd = mkstemp(path), result;

	if (fd < 0)
		return 1;
	close(fd);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(log, sizeof(log), "%s.log", path);
	unlink(log);
	unlink(path);
	return result;
}
