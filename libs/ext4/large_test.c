// SPDX-License-Identifier: MIT
//
// What is large: folders of 100,000 names, deep trees of extents, files of 16 TiB. e2fsck and
// debugfs are the judges.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/volume_fake.h"

static const struct ext4_node root = { EXT4_ROOT_INODE, 0 };
static struct volume v;

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct ext4_node make(struct ext4_node dir, const char *name, uint32_t mode)
{
	struct ext4_new what = { .mode = mode };
	struct ext4_attr attr;

	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                            ext4_create(&v.u, dir, text_span(name), &what, &attr)),
	                 0);
	return attr.node;
}

static const char *numbered(uint32_t i)
{
	static char name[200];

	snprintf(name, sizeof(name), "a-name-that-is-not-short-%u", i);
	return name;
}

#define NAMES_AT_ONCE 300u

struct seen {
	uint32_t count;
	uint32_t numbers[NAMES_AT_ONCE];  // UINT32_MAX: another name
	uint64_t next;
};

static bool see(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	struct seen *seen = context;
	char digits[12] = "";

	(void)inode;
	(void)type;
	seen->numbers[seen->count] = UINT32_MAX;
	if (name.len > 25) {
		memcpy(digits, name.data + 25, name.len - 25);
		seen->numbers[seen->count] = (uint32_t)strtoul(digits, NULL, 10);
	}
	seen->next = next;
	return ++seen->count < NAMES_AT_ONCE;
}

#define NAMES 100000u

// Lists the folder in steps, and makes and removes names meanwhile.
static void list_while_it_changes(struct ext4_node dir)
{
	uint8_t *bits = calloc(NAMES, 1);
	uint64_t position = 0;

	for (uint32_t step = 0;; step++) {
		struct seen seen;
		char name[50];

		assert_int_equal(
			VOLUME_RUN(&v, 0,
		                   (seen.count = 0, ext4_readdir(&v.u, dir, position, see, &seen))),
			0);
		if (seen.count == 0)
			break;
		position = seen.next;
		for (uint32_t i = 0; i < seen.count; i++)
			if (seen.numbers[i] != UINT32_MAX)
				assert_int_equal(bits[seen.numbers[i]]++, 0);
		snprintf(name, sizeof(name), "between-%u", step);
		make(dir, name, 0100644);
	}
	for (uint32_t i = 0; i < NAMES; i++)
		assert_int_equal(bits[i], 1);
	free(bits);
}

static void a_folder_of_many_names(void **state)
{
	struct ext4_node dir;
	struct ext4_attr attr;
	double begin;

	(void)state;
	volume_create(&v, 1u << 17, "-t ext4 -b 4096 -N 150000 $f");
	dir = make(root, "many", 0040755);
	begin = microseconds();
	for (uint32_t i = 0; i < NAMES; i++)
		make(dir, numbered(i), 0100644);
	print_message("a create: %.1f us\n", (microseconds() - begin) / NAMES);
	begin = microseconds();
	for (uint32_t i = 0; i < NAMES; i++)
		assert_int_equal(
			VOLUME_RUN(&v, 0, ext4_lookup(&v.u, dir, text_span(numbered(i)), &attr)),
			0);
	print_message("a lookup: %.1f us\n", (microseconds() - begin) / NAMES);
	list_while_it_changes(dir);
	volume_unmount_and_check(&v);
	volume_mount(&v);
	for (uint32_t i = 0; i < NAMES; i += i % 7 == 0 ? 2 : 1) {
		assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
		                            ext4_unlink(&v.u, dir, text_span(numbered(i)), &attr)),
		                 0);
		assert_int_equal(
			VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, attr.node)), 0);
	}
	volume_destroy(&v);
}

static void put_block(struct ext4_node node, uint32_t block)
{
	struct ext4_reservation r;

	assert_int_equal(VOLUME_RUN(&v, 0, ext4_reserve(&v.u, node, block, 1, &r)), 0);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_EXTEND,
	                            ext4_extend(&v.u, node, block, &r, 1, false,
	                                        (block + 1ull) * EXT4_BLOCK_SIZE)),
	                 0);
	ext4_reservation_used(v.fs, &r, 1);
}

#define BLOCKS 30000u
#define STEP 48271u  // a multiplier of a full period modulo a prime

// Blocks in an order without order, all over 16 TiB, and none beside another.
static uint32_t scattered(uint32_t i)
{
	return (uint32_t)((i + 1ull) * STEP % 2147483647u) * 2u;
}

static void a_sparse_file_of_16_tib(void **state)
{
	struct ext4_node node;
	struct ext4_run run;
	uint32_t found;

	(void)state;
	volume_create(&v, 1u << 16, "-t ext4 -b 4096 $f");
	node = make(root, "sparse", 0100644);
	for (uint32_t i = 0; i < BLOCKS; i++)
		put_block(node, scattered(i));
	volume_unmount_and_check(&v);
	volume_mount(&v);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(VOLUME_RUN(&v, 0, ext4_map(&v.u, node, scattered(i), 2, &run)), 0);
		assert_true(run.disk != 0 && run.count == 1);
	}
	assert_int_equal(VOLUME_RUN(&v, 0, ext4_seek(&v.u, node, scattered(5), true, &found)), 0);
	assert_int_equal(found, scattered(5) + 1);
	put_block(node, UINT32_MAX - 1);
	for (uint32_t i = 0; i < BLOCKS; i += 2)
		assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE,
		                            ext4_punch(&v.u, node, scattered(i), 1)),
		                 0);
	volume_unmount_and_check(&v);
	volume_mount(&v);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_truncate(&v.u, node, 5000)), 0);
	assert_int_equal(VOLUME_RUN(&v, 0, ext4_seek(&v.u, node, 2, false, &found)), 0);
	assert_int_equal(found, UINT32_MAX);
	volume_destroy(&v);
}

static void many_folders_in_one(void **state)
{
	struct ext4_attr attr;
	struct ext4_node dir;

	(void)state;
	volume_create(&v, 1u << 17, "-t ext4 -b 4096 -N 80000 $f");
	dir = make(root, "folders", 0040755);
	for (uint32_t i = 0; i < 65010; i++)
		make(dir, numbered(i), 0040755);
	assert_int_equal(VOLUME_RUN(&v, 0, ext4_getattr(&v.u, dir, &attr)), 0);
	assert_int_equal(attr.links, 1);
	volume_unmount_and_check(&v);
	volume_mount(&v);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                            ext4_rmdir(&v.u, dir, text_span(numbered(7)), &attr)),
	                 0);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, attr.node)), 0);
	volume_destroy(&v);
}

// One extent lies in more groups than an update has room for their bitmaps.
static void an_extent_of_many_groups(void **state)
{
	const uint32_t num_blocks = 60000;
	struct ext4_reservation r;
	struct ext4_node file;

	(void)state;
	volume_create(&v, 1u << 16,
	              "-t ext4 -b 4096 -g 256 -G 256 -N 4096 -O ^resize_inode -J size=4 $f");
	file = make(root, "long", 0100644);
	for (uint32_t block = 0, count; block < num_blocks; block += count) {
		assert_int_equal(
			VOLUME_RUN(&v, 0, ext4_reserve(&v.u, file, block, num_blocks - block, &r)),
			0);
		count = r.count;
		assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_EXTEND,
		                            ext4_extend(&v.u, file, block, &r, count, true, 0)),
		                 0);
		ext4_reservation_used(v.fs, &r, count);
	}
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_truncate(&v.u, file, 0)), 0);
	volume_destroy(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_of_many_names),
		cmocka_unit_test(a_sparse_file_of_16_tib),
		cmocka_unit_test(many_folders_in_one),
		cmocka_unit_test(an_extent_of_many_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
