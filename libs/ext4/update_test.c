// SPDX-License-Identifier: MIT
#include "libs/ext4/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/device_fake.h"
#include "libs/ext4/dir_block.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/host_fake.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/ext4/xattr_list.h"

#define NUM_BLOCKS 4096u

static struct device_fake *disk;
static struct ext4 *fs;
static uint32_t resumes;

static void resume(void *context)
{
	(void)context;
	resumes++;
}

static void mount_again(void)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume };
	char why[200];

	assert_int_equal(ext4_mount(&options, &fs, why, sizeof(why)), 0);
}

static int setup(void **state)
{
	(void)state;
	disk = device_fake_create(NUM_BLOCKS, NULL, 1);
	assert_int_equal(
		device_fake_command(disk, "mke2fs -q -F -t ext4 -b 4096 -J size=4 $f", NULL, 0), 0);
	resumes = 0;
	mount_again();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(host_fake_allocated(), 0);
	device_fake_destroy(disk);
	return 0;
}

static const uint8_t *read_block(struct update *u, uint64_t block)
{
	const uint8_t *bytes;
	int status;

	while ((status = update_read(u, block, &bytes)) == UPDATE_WAIT)
		assert_true(device_fake_step(disk));
	assert_int_equal(status, 0);
	return bytes;
}

static void a_block_is_read_once_and_waited_for(void **state)
{
	struct update u;
	const uint8_t *bytes;
	uint64_t reads = disk->num_reads;

	(void)state;
	memset(disk->bytes + 3000 * 4096, 7, 4096);
	assert_int_equal(update_begin(&u, fs, 0), 0);
	assert_int_equal(update_read(&u, 3000, &bytes), UPDATE_WAIT);
	assert_int_equal(update_read(&u, 3000, &bytes), UPDATE_WAIT);
	update_drop(&u);
	assert_int_equal(resumes, 0);
	assert_true(device_fake_step(disk));
	assert_int_equal(resumes, 1);
	assert_int_equal(update_begin(&u, fs, 0), 0);
	assert_int_equal(update_read(&u, 3000, &bytes), 0);
	assert_int_equal(bytes[4095], 7);
	update_drop(&u);
	assert_int_equal(disk->num_reads, reads + 1);
}

static void changes_are_seen_when_they_are_committed(void **state)
{
	struct update u, v;
	uint8_t *bytes;
	uint64_t number = update_last(fs);

	(void)state;
	assert_int_equal(update_begin(&u, fs, 2), 0);
	read_block(&u, 3000);
	assert_int_equal(update_write(&u, 3000, &bytes), 0);
	bytes[5] = 9;
	assert_int_equal(update_new(&u, 3001, &bytes), 0);
	bytes[6] = 10;
	assert_int_equal(read_block(&u, 3000)[5], 9);
	assert_int_equal(update_begin(&v, fs, 0), 0);
	assert_int_equal(read_block(&v, 3000)[5], 0);
	update_drop(&v);
	assert_int_equal(update_next(fs), number + 1);
	update_commit(&u, NULL);
	assert_int_equal(update_last(fs), number + 1);
	assert_int_equal(update_begin(&v, fs, 0), 0);
	assert_int_equal(read_block(&v, 3000)[5], 9);
	assert_int_equal(read_block(&v, 3001)[6], 10);
	update_drop(&v);
	assert_int_equal(ext4_unmount(fs), 0);
	mount_again();
	assert_int_equal(disk->bytes[3000 * 4096 + 5], 9);
	assert_int_equal(disk->bytes[3001 * 4096 + 6], 10);
}

static void dropped_changes_are_gone(void **state)
{
	struct update u;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_new(&u, 3000, &bytes), 0);
	bytes[0] = 1;
	assert_int_equal(update_free(&u, 3001, 1, true), 0);
	update_drop(&u);
	update_drop(&u);
	assert_false(update_is_held(fs, 3001));
	assert_int_equal(update_begin(&u, fs, 0), 0);
	assert_int_equal(read_block(&u, 3000)[0], 0);
	update_drop(&u);
}

static void freed_blocks_are_held_and_what_they_had_is_dropped(void **state)
{
	struct update u;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_new(&u, 3000, &bytes), 0);
	memset(bytes, 1, 4096);
	update_commit(&u, NULL);
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_free(&u, 2998, 4, true), 0);
	assert_true(update_is_held(fs, 3000));
	update_commit(&u, NULL);
	assert_false(update_is_held(fs, 2997));
	assert_true(update_is_held(fs, 2998));
	assert_true(update_is_held(fs, 3001));
	assert_false(update_is_held(fs, 3002));
	assert_int_equal(ext4_unmount(fs), 0);
	mount_again();
	assert_int_equal(disk->bytes[3000 * 4096], 0);
}

// A damaged disk can ask for more than an update was begun with.
static void more_blocks_than_credits_are_damage(void **state)
{
	char output[4000];
	struct update u;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 2), 0);
	read_block(&u, 3002);
	assert_int_equal(update_new(&u, 3000, &bytes), 0);
	assert_int_equal(update_new(&u, 3001, &bytes), 0);
	assert_int_equal(update_write(&u, 3001, &bytes), 0);
	assert_int_equal(update_new(&u, 3003, &bytes), -LINUX_EUCLEAN);
	assert_int_equal(update_write(&u, 3002, &bytes), -LINUX_EUCLEAN);
	update_drop(&u);
	// The next who mounts it knows, without a clean end, too.
	while (device_fake_step(disk)) {
	}
	assert_int_equal(device_fake_command(disk,
	                                     "cp $f $f.2; e2fsck -fy $f.2; dumpe2fs -h $f; rm $f.2",
	                                     output, sizeof(output)),
	                 0);
	assert_non_null(strstr(output, "Journal errno"));
}

// As a bitmap of a hostile disk may give it out.
static void what_is_in_use_is_not_new(void **state)
{
	const uint8_t *read;
	struct update u;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 3), 0);
	assert_int_equal(update_new(&u, 3000, &bytes), 0);
	assert_int_equal(update_new(&u, 3000, &bytes), -LINUX_EUCLEAN);
	read = read_block(&u, 3001);
	*block_kind(read) = KIND_DIR;
	assert_int_equal(update_new(&u, 3001, &bytes), -LINUX_EUCLEAN);
	*block_kind(read) = KIND_UNKNOWN;
	assert_int_equal(update_new(&u, 3001, &bytes), 0);
	update_drop(&u);
}

static void limits_are_kept(void **state)
{
	struct update u;
	const uint8_t *bytes;
	uint8_t *changed;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_read(&u, NUM_BLOCKS, &bytes), -LINUX_EUCLEAN);
	assert_int_equal(update_write(&u, UINT64_MAX, &changed), -LINUX_EUCLEAN);
	assert_int_equal(update_new(&u, NUM_BLOCKS, &changed), -LINUX_EUCLEAN);
	assert_int_equal(update_free(&u, NUM_BLOCKS - 1, 2, false), -LINUX_EUCLEAN);
	assert_int_equal(update_free(&u, UINT64_MAX, 2, false), -LINUX_EUCLEAN);
	for (uint32_t i = 0; i < UPDATE_MAX_FREED; i++)
		assert_int_equal(update_free(&u, 3000 + i, 1, false), 0);
	assert_int_equal(update_free(&u, 100, 1, false), -LINUX_ENOSPC);
	update_drop(&u);
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_free(&u, 2000, UPDATE_MAX_REVOKED + 1, true), -LINUX_ENOSPC);
	assert_int_equal(update_free(&u, 2000, UPDATE_MAX_REVOKED, true), 0);
	assert_int_equal(update_free(&u, 1999, 1, true), -LINUX_ENOSPC);
	assert_int_equal(update_free(&u, 1999, 1, false), 0);
	update_drop(&u);
}

static void a_bad_block_is_an_error_that_is_remembered(void **state)
{
	struct update u;
	const uint8_t *bytes;
	uint64_t reads;

	(void)state;
	disk->bad_block = 3000;
	assert_int_equal(update_begin(&u, fs, 0), 0);
	assert_int_equal(update_read(&u, 3000, &bytes), UPDATE_WAIT);
	reads = disk->num_reads;
	assert_true(device_fake_step(disk));
	assert_int_equal(update_read(&u, 3000, &bytes), -LINUX_EIO);
	assert_int_equal(update_read(&u, 3000, &bytes), -LINUX_EIO);
	assert_int_equal(disk->num_reads, reads);
	update_drop(&u);
}

static void without_memory_an_update_fails_and_can_be_tried_again(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth < 8; nth++) {
		struct update u;
		uint8_t *bytes;
		int status;

		assert_int_equal(update_begin(&u, fs, 2), 0);
		host_fake_fail_memory(nth);
		status = update_new(&u, 3000 + nth, &bytes);
		if (status == 0)
			status = update_free(&u, nth * 300, 1, false);
		assert_true(status == 0 || status == -LINUX_ENOMEM);
		host_fake_fail_memory(0);
		update_drop(&u);
	}
}

static void the_cache_stays_within_its_size(void **state)
{
	struct update u;

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(update_begin(&u, fs, 0), 0);
		read_block(&u, i);
		update_drop(&u);
	}
	assert_true(fs->cache.num_blocks <= EXT4_CACHE_MIN + 1);
}

// A root of an index, which lists nothing, and which is a node of the index as well: what was
// found sound for the one is not for the other.
static void a_root_of_an_index_is_no_node(void **state)
{
	const uint64_t disk_block = 3000;
	struct inode dir = { .number = 2 };
	struct update u;
	const uint8_t *found;
	uint32_t wild = 0xffff, end;
	uint8_t *bytes;
	uint64_t at;

	(void)state;
	assert_int_equal(update_begin(&u, fs, 4), 0);
	extent_init(&dir);
	dir.raw.flags |= INODE_INDEX;
	assert_int_equal(extent_insert(&u, &dir, 0, disk_block, 1, false), 0);
	assert_int_equal(extent_insert(&u, &dir, 2, disk_block, 1, false), 0);
	assert_int_equal(update_new(&u, disk_block, &bytes), 0);
	*(struct disk_dirent *)(void *)bytes = (struct disk_dirent){ .len = EXT4_BLOCK_SIZE };
	memcpy(bytes + INDEX_NODE_AT, &wild, sizeof(wild));
	((struct disk_index_entry *)(void *)(bytes + INDEX_ROOT_AT))->hash = 1u << 16 |
		(EXT4_BLOCK_SIZE - INDEX_ROOT_AT - INDEX_TAIL_SIZE) / 8;
	dir_store_index(&dir, bytes, INDEX_ROOT_AT);
	assert_int_equal(dir_read_block(&u, &dir, 0, &at, &found, &end), 0);
	assert_int_equal(dir_read_block(&u, &dir, 2, &at, &found, &end), -LINUX_EUCLEAN);
	update_drop(&u);
}

// Attributes that share the bytes of their values would not fit when they are written again.
static void values_over_each_other_are_not_sound(void **state)
{
	static _Alignas(16) uint8_t bytes[EXT4_BLOCK_SIZE];
	const struct span place = { bytes, sizeof(bytes) };
	struct xattr_list list;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct disk_xattr *e = (void *)(bytes + 32 + (size_t)i * 20);

		*e = (struct disk_xattr){ .name_len = 1,
			                  .index = 1,
			                  .value_offset = 1024,
			                  .value_size = i == 0 ? 3000 : 500 };
		e->name[0] = (uint8_t)('a' + i);
	}
	assert_true(xattr_decode(place, 32, &list));
	((struct disk_xattr *)(void *)(bytes + 52))->value_size = 3000;
	assert_false(xattr_decode(place, 32, &list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_block_is_read_once_and_waited_for),
		TEST(changes_are_seen_when_they_are_committed),
		TEST(dropped_changes_are_gone),
		TEST(freed_blocks_are_held_and_what_they_had_is_dropped),
		TEST(limits_are_kept),
		TEST(more_blocks_than_credits_are_damage),
		TEST(what_is_in_use_is_not_new),
		TEST(a_bad_block_is_an_error_that_is_remembered),
		TEST(without_memory_an_update_fails_and_can_be_tried_again),
		TEST(the_cache_stays_within_its_size),
		TEST(a_root_of_an_index_is_no_node),
		TEST(values_over_each_other_are_not_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
