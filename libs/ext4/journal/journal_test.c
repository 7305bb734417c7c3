// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/journal_fixture.h"

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
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
