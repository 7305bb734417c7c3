// SPDX-License-Identifier: MIT
//
// What a mount makes of a journal that is not as it should be, and what is noted for the next one.
#include "libs/ext4/journal/journal_fixture.h"

static uint8_t image_of_redo[EXT4_REDO_MIN];

// What a journal may not say.
static void unknown_journals_are_refused_by_name(void **state)
{
	static const struct {
		uint32_t offset, value;
		const char *why;
	} cases[] = {
		{ JBD_SUPER_INCOMPAT, 0x33, "fast_commit" },
		{ JBD_SUPER_INCOMPAT, 0x17, "async_commit" },
		{ JBD_SUPER_INCOMPAT, 0x53, "0x40" },
		{ JBD_SUPER_INCOMPAT, 0x1b, "two checksum versions" },
		{ JBD_SUPER_COMPAT, 1, "checksum (version 1)" },
		{ JBD_SUPER_RO_COMPAT, 1, "not known" },
		{ JBD_SUPER_NUM_BLOCKS, 5000, "shorter" },
		{ JBD_SUPER_FIRST, 0, "shorter" },
		{ JBD_SUPER_FIRST, 1000, "shorter" },
		{ JBD_SUPER_BLOCK_SIZE, 1024, "4096" },
		{ 0, 1, "no superblock" },
	};
	uint64_t place = log_disk(&fs->journal.log, 0, NULL);
	uint8_t good[EXT4_BLOCK_SIZE];

	(void)state;
	fill(FIRST, 1);
	assert_int_equal(sync_all(), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(good, fs->journal.log.super, EXT4_BLOCK_SIZE);
		cut_power(i);
		memcpy(disk->bytes + place * 4096, good, 4096);
		put_be32(disk->bytes + place * 4096, cases[i].offset, cases[i].value);
		put_be32(disk->bytes + place * 4096, JBD_SUPER_CHECKSUM, 0);
		put_be32(disk->bytes + place * 4096, JBD_SUPER_CHECKSUM,
		         crc32c(~0u, disk->bytes + place * 4096, 1024));
		assert_int_not_equal(mount(), 0);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("case %zu: %s", i, why);
		memcpy(disk->bytes + place * 4096, good, 4096);
		assert_int_equal(mount(), 0);
		fill(FIRST, (uint8_t)i);
		assert_int_equal(sync_all(), 0);
	}
}

static void a_read_only_disk_with_a_dirty_journal_is_refused(void **state)
{
	(void)state;
	fill(FIRST, 1);
	assert_int_equal(sync_all(), 0);
	cut_power(1);
	disk->device.read_only = true;
	assert_int_equal(mount(), -LINUX_EROFS);
	assert_non_null(strstr(why, "replayed"));
	disk->device.read_only = false;
	assert_int_equal(mount(), 0);
}

static bool is_marked(void)
{
	return (disk->bytes[1024 + 0x60] & 4) != 0;
}

// A clean disk is only read until somebody begins; then a crash loses nothing.
static void a_deferred_mount_does_not_write(void **state)
{
	uint64_t writes;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct update u;

		assert_int_equal(ext4_unmount(fs), 0);
		assert_false(is_marked());
		with_redo = i == 1;
		writes = disk->num_writes + disk->num_flushes;
		assert_int_equal(mount_deferred(), 0);
		assert_true(ext4_is_deferred(fs));
		assert_int_equal(update_begin(&u, fs, 1), -LINUX_EROFS);
		assert_int_equal(sync_all(), 0);
		ext4_tick(fs, 100);
		assert_int_equal(ext4_unmount(fs), 0);
		assert_int_equal(disk->num_writes + disk->num_flushes, writes);
		assert_int_equal(mount_deferred(), 0);
		assert_int_equal(ext4_begin(fs), 0);
		assert_false(ext4_is_deferred(fs));
		assert_true(is_marked());
		fill(FIRST, (uint8_t)(7 + i));
		assert_int_equal(sync_all(), 0);
		cut_power(1);
		// It has something to mend.
		assert_int_equal(mount_deferred(), 0);
		assert_false(ext4_is_deferred(fs));
		assert_int_equal(disk->bytes[FIRST * 4096ul], 7 + i);
	}
	assert_int_equal(ext4_unmount(fs), 0);
	assert_false(is_marked());
	// What the redo memory has is looked at before anything else.
	assert_int_equal(mount_deferred(), 0);
	assert_int_equal(ext4_begin(fs), 0);
	fill(FIRST, 9);
	memcpy(image_of_redo, redo_bytes, sizeof(redo_bytes));
	assert_int_equal(ext4_unmount(fs), 0);
	memcpy(redo_bytes, image_of_redo, sizeof(redo_bytes));
	assert_int_equal(mount_deferred(), 0);
	assert_false(ext4_is_deferred(fs));
}

// What was found while nobody wrote, e2fsck is to see, too.
static void damage_is_noted_by_a_begin(void **state)
{
	(void)state;
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(mount_deferred(), 0);
	journal_note_error(fs);
	assert_int_equal(disk->bytes[1024 + 0x3a] & 2, 0);
	assert_int_equal(ext4_begin(fs), 0);
	assert_int_equal(disk->bytes[1024 + 0x3a] & 2, 2);
}

// An error is told, and the disk can be unmounted.
static void a_begin_that_fails(void **state)
{
	(void)state;
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(mount_deferred(), 0);
	disk->bad_block = 0;
	assert_int_equal(ext4_begin(fs), -LINUX_EIO);
	disk->bad_block = NUM_BLOCKS;
	assert_true(ext4_is_deferred(fs));
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(mount(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(unknown_journals_are_refused_by_name),
		TEST(a_read_only_disk_with_a_dirty_journal_is_refused),
		TEST(a_deferred_mount_does_not_write),
		TEST(damage_is_noted_by_a_begin),
		TEST(a_begin_that_fails),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
