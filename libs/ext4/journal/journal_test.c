// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/device_fake.h"
#include "libs/ext4/host_fake.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"

#define NUM_BLOCKS 4096u
#define FIRST 3000u  // of free blocks that the tests use as metadata

static struct device_fake *disk;
static struct ext4 *fs;
static uint8_t *image;  // as mke2fs made it
static uint8_t redo_bytes[EXT4_REDO_MIN], image_of_redo[EXT4_REDO_MIN];
static bool with_redo;
static char why[200];

static void resume(void *context)
{
	(void)context;
}

static int mount_with(struct ext4_options options)
{
	options.device = &disk->device;
	options.cache_blocks = EXT4_CACHE_MIN * 2;
	options.resume = resume;
	if (with_redo)
		options.redo =
			(struct ext4_redo){ .bytes = redo_bytes, .size = sizeof(redo_bytes) };
	return ext4_mount(&options, &fs, why, sizeof(why));
}

static int mount(void)
{
	return mount_with((struct ext4_options){ 0 });
}

static int mount_deferred(void)
{
	return mount_with((struct ext4_options){ .deferred = true });
}

static int setup_group(void **state)
{
	(void)state;
	disk = device_fake_create(NUM_BLOCKS, NULL, 1);
	assert_int_equal(
		device_fake_command(disk, "mke2fs -q -F -t ext4 -b 4096 -J size=4 $f", NULL, 0), 0);
	image = memcpy(malloc(NUM_BLOCKS * 4096ul), disk->bytes, NUM_BLOCKS * 4096ul);
	device_fake_destroy(disk);
	return 0;
}

static int teardown_group(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	with_redo = false;
	memset(redo_bytes, 0, sizeof(redo_bytes));
	disk = device_fake_create(NUM_BLOCKS, image, 7);
	assert_int_equal(mount(), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (fs != NULL)
		(void)ext4_unmount(fs);
	device_fake_destroy(disk);
	assert_int_equal(host_fake_allocated(), 0);
	return 0;
}

// The power goes: a disk with what was on it, and the next mount.
static void cut_power(uint64_t seed)
{
	struct device_fake *after = device_fake_create(NUM_BLOCKS, disk->bytes, seed);

	(void)ext4_unmount(fs);
	fs = NULL;
	device_fake_destroy(disk);
	disk = after;
}

static void begin(struct update *u, uint32_t credits)
{
	int status;

	while ((status = update_begin(u, fs, credits)) == UPDATE_WAIT)
		assert_true(device_fake_step(disk));
	assert_int_equal(status, 0);
}

static void fill(uint64_t block, uint8_t value)
{
	struct update u;
	uint8_t *bytes;

	begin(&u, 1);
	assert_int_equal(update_new(&u, block, &bytes), 0);
	memset(bytes, value, EXT4_BLOCK_SIZE);
	update_commit(&u, NULL);
}

static void release(uint64_t block, uint32_t count)
{
	struct update u;

	begin(&u, 1);
	assert_int_equal(update_free(&u, block, count, true), 0);
	update_commit(&u, NULL);
}

static int sync_status;

static void synced(void *context, int status)
{
	(void)context;
	sync_status = status;
}

static int sync_all(void)
{
	struct ext4_sync sync = { .done = synced };

	sync_status = 1;
	ext4_sync(fs, &sync);
	while (sync_status == 1)
		assert_true(device_fake_step(disk));
	return sync_status;
}

static uint8_t on_disk(uint64_t block)
{
	return disk->bytes[block * EXT4_BLOCK_SIZE + 77];
}

static void a_sync_is_there_after_a_crash(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		fill(FIRST + i, (uint8_t)(i + 1));
	assert_int_equal(sync_all(), 0);
	fill(FIRST, 99);
	assert_int_equal(on_disk(FIRST + 299), 0);
	cut_power(3);
	assert_int_equal(mount(), 0);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(on_disk(FIRST + i), (uint8_t)(i + 1));
}

static void e2fsck_replays_what_we_wrote(void **state)
{
	char output[2000];

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		fill(FIRST + i, (uint8_t)(i + 1));
	fill(FIRST + 300, 0);
	release(FIRST + 300, 1);
	assert_int_equal(sync_all(), 0);
	cut_power(3);
	assert_int_equal(
		device_fake_command(disk, "e2fsck -fy -E journal_only $f", output, sizeof(output)),
		0);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(on_disk(FIRST + i), (uint8_t)(i + 1));
	assert_int_equal(device_fake_command(disk, "e2fsck -fn $f", output, sizeof(output)), 0);
}

static void the_magic_is_escaped(void **state)
{
	struct update u;
	uint8_t *bytes, *copy;
	char output[2000];

	(void)state;
	begin(&u, 1);
	assert_int_equal(update_new(&u, FIRST, &bytes), 0);
	put_be32(bytes, 0, JBD_MAGIC);
	bytes[77] = 5;
	update_commit(&u, NULL);
	assert_int_equal(sync_all(), 0);
	cut_power(4);
	copy = memcpy(malloc(NUM_BLOCKS * 4096ul), disk->bytes, NUM_BLOCKS * 4096ul);
	assert_int_equal(mount(), 0);
	assert_int_equal(be32_at(disk->bytes + FIRST * 4096ul, 0), JBD_MAGIC);
	assert_int_equal(on_disk(FIRST), 5);
	cut_power(5);
	memcpy(disk->bytes, copy, NUM_BLOCKS * 4096ul);
	free(copy);
	assert_int_equal(
		device_fake_command(disk, "e2fsck -fy -E journal_only $f", output, sizeof(output)),
		0);
	assert_int_equal(be32_at(disk->bytes + FIRST * 4096ul, 0), JBD_MAGIC);
}

// A block that was metadata, freed and then a file's stays the file's.
static void freed_metadata_is_revoked(void **state)
{
	(void)state;
	fill(FIRST, 1);
	fill(FIRST + 1, 1);
	assert_int_equal(sync_all(), 0);
	release(FIRST, 1);
	assert_true(update_is_held(fs, FIRST));
	assert_int_equal(sync_all(), 0);
	assert_false(update_is_held(fs, FIRST));
	memset(disk->bytes + FIRST * 4096ul, 42, 4096);
	cut_power(5);
	assert_int_equal(mount(), 0);
	assert_int_equal(on_disk(FIRST), 42);
	assert_int_equal(on_disk(FIRST + 1), 1);
}

// The log goes round many times, with checkpoints, while updates go on.
static void the_log_goes_round(void **state)
{
	char output[2000];

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		fill(FIRST + i % 200, (uint8_t)i);
		if (i % 50 == 0)
			device_fake_step(disk);
	}
	assert_int_equal(sync_all(), 0);
	cut_power(6);
	assert_int_equal(mount(), 0);
	for (uint32_t i = 19800; i < 20000; i++)
		assert_int_equal(on_disk(FIRST + i % 200), (uint8_t)i);
	assert_int_equal(ext4_unmount(fs), 0);
	fs = NULL;
	assert_int_equal(device_fake_command(disk, "e2fsck -fn $f", output, sizeof(output)), 0);
	assert_int_equal(device_fake_command(disk, "dumpe2fs -h $f", output, sizeof(output)), 0);
	assert_null(strstr(output, "needs_recovery"));
	assert_non_null(strstr(output, "journal_checksum_v3"));
}

// Readers find room, though nobody writes any more after many changes.
static void changes_leave_room_for_others(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 505; i++) {
		fill(FIRST + i, 1);
		if (i % 100 == 0)
			ext4_tick(fs, (uint64_t)i);
	}
	while (device_fake_step(disk))
		;
	assert_true(fs->journal.num_logged <= fs->cache.capacity / 2);
}

static uint32_t num_commit_blocks;

static void look_at_commit_block(struct device_fake *fake, const struct ext4_io *io)
{
	uint8_t torn[EXT4_BLOCK_SIZE];

	if (!io->write || io->count != 1 || be32_at(io->bytes, 0) != JBD_MAGIC ||
	    be32_at(io->bytes, 4) != JBD_COMMIT)
		return;
	memcpy(torn, fake->bytes + io->block * EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE);
	memcpy(torn, io->bytes, 512);
	assert_memory_equal(torn, io->bytes, EXT4_BLOCK_SIZE);
	num_commit_blocks++;
}

// What was in the log before does not come back behind a torn commit block's first sector.
static void a_commit_block_cannot_be_torn(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		memset(disk->bytes + log_disk(&fs->journal.log, 1 + i, NULL) * EXT4_BLOCK_SIZE,
		       0x5a, EXT4_BLOCK_SIZE);
	disk->submitted = look_at_commit_block;
	num_commit_blocks = 0;
	for (uint32_t i = 0; i < 5; i++) {
		fill(FIRST + i, 1);
		assert_int_equal(sync_all(), 0);
	}
	assert_int_equal(num_commit_blocks, 5);
}

static void many_syncs_are_one_commit(void **state)
{
	struct ext4_sync syncs[10];
	uint64_t flushes;

	(void)state;
	fill(FIRST, 1);
	for (uint32_t i = 0; i < 10; i++) {
		syncs[i] = (struct ext4_sync){ .done = synced };
		ext4_sync(fs, &syncs[i]);
		fill(FIRST + i, 2);
	}
	while (device_fake_step(disk))
		;
	flushes = disk->num_flushes;
	assert_int_equal(flushes, 2 + 4);  // the mount's, and two commits
	assert_int_equal(sync_all(), 0);
	assert_int_equal(disk->num_flushes, flushes + 1);
}

static void a_transaction_is_committed_after_a_while(void **state)
{
	(void)state;
	ext4_tick(fs, 100);
	fill(FIRST, 1);
	ext4_tick(fs, 104);
	assert_int_equal(disk->num_pending, 0);
	ext4_tick(fs, 105);
	assert_int_not_equal(disk->num_pending, 0);
	while (device_fake_step(disk))
		;
	assert_false(fs->journal.running->has_begun);
}

static void an_error_makes_it_read_only(void **state)
{
	struct update u;
	uint8_t *bytes;
	const uint8_t *read;
	char output[4000];

	(void)state;
	fill(FIRST, 1);
	disk->bad_block = log_disk(&fs->journal.log, fs->journal.log.head + 1, NULL);
	assert_int_equal(sync_all(), -LINUX_EIO);
	assert_int_equal(update_begin(&u, fs, 1), -LINUX_EROFS);
	assert_int_equal(update_begin(&u, fs, 0), 0);
	assert_int_equal(update_read(&u, FIRST, &read), 0);
	assert_int_equal(read[5], 1);
	update_drop(&u);
	assert_int_equal(sync_all(), -LINUX_EIO);
	assert_int_equal(ext4_unmount(fs), -LINUX_EIO);
	// The next mount tells e2fsck.
	disk->bad_block = NUM_BLOCKS;
	assert_int_equal(mount(), 0);
	assert_int_equal(update_begin(&u, fs, 1), 0);
	assert_int_equal(update_new(&u, FIRST, &bytes), 0);
	update_commit(&u, NULL);
	assert_int_equal(ext4_unmount(fs), 0);
	fs = NULL;
	assert_int_equal(device_fake_command(disk, "dumpe2fs -h $f", output, sizeof(output)), 0);
	assert_non_null(strstr(output, "clean with errors"));
}

// The superblock is what cannot be written: once. Told with the next write of it.
static void tail_fails(struct device_fake *fake, const struct ext4_io *io)
{
	if (io->count > 0 && io->block == log_disk(&fs->journal.log, 0, NULL) &&
	    fs->journal.checkpoint.state == CHECKPOINT_TAIL)
		fake->bad_block = io->block;
}

static void tail_has_failed(struct device_fake *fake, const struct ext4_io *io)
{
	if (io->block == fake->bad_block)
		fake->bad_block = NUM_BLOCKS;
}

static void an_error_of_the_tail_is_noted(void **state)
{
	char output[4000];

	(void)state;
	fill(FIRST, 1);
	assert_int_equal(sync_all(), 0);
	disk->submitted = tail_fails;
	disk->completed = tail_has_failed;
	assert_int_equal(ext4_unmount(fs), -LINUX_EIO);
	disk->submitted = NULL;
	disk->completed = NULL;
	assert_int_equal(mount(), 0);
	assert_int_equal(ext4_unmount(fs), 0);
	fs = NULL;
	assert_int_equal(device_fake_command(disk, "dumpe2fs -h $f", output, sizeof(output)), 0);
	assert_non_null(strstr(output, "clean with errors"));
}

// An error is noted while the tail is to be written: one write of the superblock at a time.
static uint32_t num_supers, most_supers;

static void super_submitted(struct device_fake *fake, const struct ext4_io *io)
{
	(void)fake;
	if (io->count > 0 && io->block == log_disk(&fs->journal.log, 0, NULL) &&
	    ++num_supers > most_supers)
		most_supers = num_supers;
	if (io->count == 0 && fs->journal.checkpoint.state == CHECKPOINT_FLUSH)
		journal_note_error(fs);
}

static void super_completed(struct device_fake *fake, const struct ext4_io *io)
{
	(void)fake;
	if (io->count > 0 && io->block == log_disk(&fs->journal.log, 0, NULL))
		num_supers--;
}

static void the_superblock_is_written_once_at_a_time(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		num_supers = most_supers = 0;
		disk->submitted = super_submitted;
		disk->completed = super_completed;
		fill(FIRST, 1);
		assert_int_equal(sync_all(), 0);
		assert_int_equal(ext4_unmount(fs), 0);
		assert_int_equal(most_supers, 1);
		disk->submitted = NULL;
		disk->completed = NULL;
		assert_int_equal(mount(), 0);
	}
}

static void no_memory_for_a_commit_is_no_loss(void **state)
{
	struct ext4_sync sync = { .done = synced };

	(void)state;
	fill(FIRST, 1);
	sync_status = 1;
	host_fake_fail_memory(1);
	ext4_sync(fs, &sync);
	assert_int_equal(disk->num_pending, 0);
	ext4_tick(fs, 1);
	while (device_fake_step(disk))
		;
	assert_int_equal(sync_status, 0);
}

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
		TEST(a_sync_is_there_after_a_crash),
		TEST(e2fsck_replays_what_we_wrote),
		TEST(the_magic_is_escaped),
		TEST(freed_metadata_is_revoked),
		TEST(the_log_goes_round),
		TEST(changes_leave_room_for_others),
		TEST(a_commit_block_cannot_be_torn),
		TEST(many_syncs_are_one_commit),
		TEST(a_transaction_is_committed_after_a_while),
		TEST(an_error_makes_it_read_only),
		TEST(an_error_of_the_tail_is_noted),
		TEST(the_superblock_is_written_once_at_a_time),
		TEST(no_memory_for_a_commit_is_no_loss),
		TEST(unknown_journals_are_refused_by_name),
		TEST(a_read_only_disk_with_a_dirty_journal_is_refused),
		TEST(a_deferred_mount_does_not_write),
		TEST(damage_is_noted_by_a_begin),
		TEST(a_begin_that_fails),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
