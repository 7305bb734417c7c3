// SPDX-License-Identifier: MIT
//
// Journals that debugfs writes, whole and damaged: what a mount makes of them is what e2fsck does.
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
#define FIRST 3000u  // of free blocks that the log has
#define TAG 12u      // the first tag of a descriptor, which has a UUID
#define TAG_SIZE 16u
#define TAIL (EXT4_BLOCK_SIZE - 4)

// Where the blocks of the journal are that write_log() makes.
enum {
	SUPER = 0,
	FIRST_DESCRIPTOR = 1,
	REVOKES = 6,
	DESCRIPTOR = 8,
	DATA = 9,
	COMMIT = 10,
	LAST_DESCRIPTOR = 11,
	USED = 300,
};

static struct device_fake *disk;
static struct ext4 *fs;
static uint64_t places[USED];
static char why[200];

static void resume(void *context)
{
	(void)context;
}

static int mount(void)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume };

	return ext4_mount(&options, &fs, why, sizeof(why));
}

static void unmount(void)
{
	if (fs != NULL)
		assert_int_equal(ext4_unmount(fs), 0);
	fs = NULL;
}

static void command(const char *text, int expected)
{
	char output[4000] = "";

	if (device_fake_command(disk, text, output, sizeof(output)) != expected)
		fail_msg("%s: %s", text, output);
}

// A file system whose log has four transactions: three blocks, of which the second one begins with
// the magic; that this one is revoked; the first one again; the third one again, without a commit.
static void write_log(const char *checksums)
{
	struct device_fake *copy;
	char text[1000];

	disk = device_fake_create(NUM_BLOCKS, NULL, 1);
	command("mke2fs -q -F -t ext4 -b 4096 -J size=4 $f", 0);
	// Another one tells where the journal is.
	copy = disk;
	disk = device_fake_create(NUM_BLOCKS, copy->bytes, 1);
	assert_int_equal(mount(), 0);
	for (uint32_t i = 0; i < USED; i++)
		places[i] = log_disk(&fs->journal.log, i, NULL);
	unmount();
	device_fake_destroy(disk);
	disk = copy;
	snprintf(
		text, sizeof(text),
		"d=${f%%/*}; block() { head -c 4096 /dev/zero | tr '\\0' $1; }; "
		"{ block A; printf '\\300\\073\\071\\230'; block B | tail -c 4092; block C; } >$d/1; "
		"block D >$d/3; block E >$d/4; "
		"printf '%%s\\n' 'jo %s' \"jw -b 3000,3001,3002 $d/1\" 'jw -r 3001' "
		"\"jw -b 3000 $d/3\" \"jw -b 3002 -c $d/4\" jc | debugfs -w -f /dev/stdin $f; "
		"rm $d/1 $d/3 $d/4",
		checksums);
	command(text, 0);
}

static uint8_t *log_block(uint32_t block)
{
	return disk->bytes + places[block] * EXT4_BLOCK_SIZE;
}

// The first bytes of what the log has, behind a magic.
static const char *replayed(void)
{
	static char text[4];

	for (uint32_t i = 0; i < 3; i++) {
		uint8_t byte = disk->bytes[(FIRST + i) * EXT4_BLOCK_SIZE + 4];

		text[i] = byte == 0 ? '-' : (char)byte;
	}
	return text;
}

static uint32_t seed(void)
{
	return crc32c(~0u, log_block(SUPER) + JBD_SUPER_UUID, JBD_UUID_SIZE);
}

// Makes a checksum fit that covers the block's first `size` bytes.
static void seal(uint32_t block, uint32_t at, uint32_t size)
{
	put_be32(log_block(block), at, 0);
	put_be32(log_block(block), at,
	         crc32c(block == SUPER ? ~0u : seed(), log_block(block), size));
}

static void seal_tail(uint32_t block)
{
	seal(block, TAIL, EXT4_BLOCK_SIZE);
}

static void seal_commit(uint32_t block)
{
	seal(block, JBD_COMMIT_CHECKSUM, EXT4_BLOCK_SIZE);
}

static void seal_data(uint32_t descriptor, uint32_t tag, uint32_t block)
{
	uint32_t crc = crc32c(seed(), log_block(descriptor) + 8, 4);

	put_be32(log_block(descriptor), tag + 12, crc32c(crc, log_block(block), EXT4_BLOCK_SIZE));
}

// Mounts the disk, and has e2fsck replay a copy: both do the same.
static void expect_as_e2fsck(const char *expected)
{
	struct device_fake *ours = disk;

	disk = device_fake_create(NUM_BLOCKS, ours->bytes, 1);
	command("e2fsck -fy -E journal_only $f", 0);
	assert_string_equal(replayed(), expected);
	device_fake_destroy(disk);
	disk = ours;
	assert_int_equal(mount(), 0);
	assert_string_equal(replayed(), expected);
}

static void expect_damage(void)
{
	assert_int_equal(mount(), -LINUX_EUCLEAN);
	assert_non_null(strstr(why, "e2fsck"));
	assert_string_equal(replayed(), "---");
}

static void expect_damage_as_e2fsck(void)
{
	struct device_fake *ours = disk;
	char output[4000];

	disk = device_fake_create(NUM_BLOCKS, ours->bytes, 1);
	(void)device_fake_command(disk, "e2fsck -fy -E journal_only $f", output, sizeof(output));
	if (strstr(output, "rror") == NULL && strstr(output, "orrupt") == NULL &&
	    strstr(output, "nvalid") == NULL)
		fail_msg("%s", output);
	device_fake_destroy(disk);
	disk = ours;
	expect_damage();
}

static int setup(void **state)
{
	(void)state;
	write_log("-c -v 3");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unmount();
	device_fake_destroy(disk);
	assert_int_equal(host_fake_allocated(), 0);
	return 0;
}

static void each_format_is_replayed(void **state)
{
	static const char *const formats[] = { "", "-c -v 2", "-c -v 3" };

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		device_fake_destroy(disk);
		write_log(formats[i]);
		expect_as_e2fsck("D-C");
		unmount();
	}
}

static void a_sequence_wraps(void **state)
{
	const uint32_t first[] = { FIRST_DESCRIPTOR, 5 }, second[] = { REVOKES, 7 },
		       third[] = { DESCRIPTOR, COMMIT };

	(void)state;
	put_be32(log_block(SUPER), JBD_SUPER_SEQUENCE, UINT32_MAX);
	seal(SUPER, JBD_SUPER_CHECKSUM, JBD_SUPER_SIZE);
	for (uint32_t i = 0; i < 2; i++) {
		put_be32(log_block(first[i]), 8, UINT32_MAX);
		put_be32(log_block(second[i]), 8, 0);
		put_be32(log_block(third[i]), 8, 1);
	}
	for (uint32_t i = 0; i < 3; i++)
		seal_data(FIRST_DESCRIPTOR, TAG + i * TAG_SIZE + (i > 0 ? JBD_UUID_SIZE : 0),
		          FIRST_DESCRIPTOR + 1 + i);
	seal_data(DESCRIPTOR, TAG, DATA);
	seal_tail(FIRST_DESCRIPTOR);
	seal_tail(REVOKES);
	seal_tail(DESCRIPTOR);
	seal_commit(5);
	seal_commit(7);
	seal_commit(COMMIT);
	expect_as_e2fsck("D-C");
}

// A power cut can leave this: there is no commit behind it.
static void a_wrong_descriptor_without_a_commit_is_the_end(void **state)
{
	(void)state;
	log_block(LAST_DESCRIPTOR)[TAG]++;
	expect_as_e2fsck("D-C");
}

static void a_wrong_descriptor_before_a_commit_is_damage(void **state)
{
	(void)state;
	log_block(DESCRIPTOR)[1000]++;
	expect_damage_as_e2fsck();
}

static void a_wrong_revoke_before_a_commit_is_damage(void **state)
{
	(void)state;
	log_block(REVOKES)[1000]++;
	expect_damage_as_e2fsck();
}

static void a_wrong_block_before_a_commit_is_damage(void **state)
{
	(void)state;
	log_block(DATA)[1000]++;
	expect_damage_as_e2fsck();
}

static void a_wrong_commit_is_damage(void **state)
{
	(void)state;
	log_block(COMMIT)[JBD_COMMIT_NANOSECONDS]++;
	expect_damage_as_e2fsck();
}

// As of a file system that was on the disk before.
static void a_wrong_commit_of_before_is_the_end(void **state)
{
	(void)state;
	put_be32(log_block(COMMIT), JBD_COMMIT_SECONDS, 0);
	expect_as_e2fsck("A-C");
}

static void what_lies_behind_a_descriptor_of_before_is_the_end(void **state)
{
	(void)state;
	log_block(DESCRIPTOR)[1000]++;
	put_be32(log_block(COMMIT), JBD_COMMIT_SECONDS, 0);
	expect_as_e2fsck("A-C");
}

// Linux takes it since 6.7, and e2fsck not yet.
static void a_commit_with_a_torn_end_is_one(void **state)
{
	(void)state;
	memset(log_block(COMMIT) + 512, 0xff, EXT4_BLOCK_SIZE - 512);
	assert_int_equal(mount(), 0);
	assert_string_equal(replayed(), "D-C");
}

static void a_revoke_block_longer_than_itself_is_damage(void **state)
{
	(void)state;
	put_be32(log_block(REVOKES), JBD_REVOKE_COUNT, EXT4_BLOCK_SIZE - 3);
	seal_tail(REVOKES);
	expect_damage_as_e2fsck();
}

static void a_revoke_block_may_have_none(void **state)
{
	(void)state;
	put_be32(log_block(REVOKES), JBD_REVOKE_COUNT, 0);
	seal_tail(REVOKES);
	expect_as_e2fsck("DBC");
}

static void tags_that_lead_nowhere_are_damage(void **state)
{
	const uint64_t blocks[] = { NUM_BLOCKS, 1ull << 40, places[DATA], places[SUPER] };

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		put_be32(log_block(DESCRIPTOR), TAG, (uint32_t)blocks[i]);
		put_be32(log_block(DESCRIPTOR), TAG + 8, (uint32_t)(blocks[i] >> 32));
		seal_tail(DESCRIPTOR);
		expect_damage();
	}
}

// The commit is taken for one of its blocks then.
static void a_descriptor_without_a_last_tag_is_the_end(void **state)
{
	(void)state;
	put_be32(log_block(DESCRIPTOR), TAG + 4, 0);
	seal_tail(DESCRIPTOR);
	expect_as_e2fsck("A-C");
}

static void another_sequence_is_the_end(void **state)
{
	(void)state;
	put_be32(log_block(DESCRIPTOR), 8, 4);
	seal_tail(DESCRIPTOR);
	expect_as_e2fsck("A-C");
}

// As many as a descriptor has room for; the last one's UUID would lie behind it.
static void a_last_tag_without_its_uuid_is_one(void **state)
{
	const uint32_t num_tags = (TAIL - TAG - JBD_UUID_SIZE) / TAG_SIZE;
	uint8_t commit[EXT4_BLOCK_SIZE], data[EXT4_BLOCK_SIZE];

	(void)state;
	memcpy(commit, log_block(COMMIT), EXT4_BLOCK_SIZE);
	memcpy(data, log_block(DATA), EXT4_BLOCK_SIZE);
	for (uint32_t i = 0; i < num_tags; i++) {
		uint32_t tag = TAG + i * TAG_SIZE + (i > 0 ? JBD_UUID_SIZE : 0);

		memcpy(log_block(DATA + i), data, EXT4_BLOCK_SIZE);
		put_be32(log_block(DESCRIPTOR), tag, FIRST);
		put_be32(log_block(DESCRIPTOR), tag + 4,
		         i > 0 && i + 1 < num_tags ? JBD_TAG_SAME_UUID : 0);
		put_be32(log_block(DESCRIPTOR), tag + 8, 0);
		seal_data(DESCRIPTOR, tag, DATA + i);
	}
	seal_tail(DESCRIPTOR);
	memcpy(log_block(DATA + num_tags), commit, EXT4_BLOCK_SIZE);
	expect_as_e2fsck("D-C");
}

static void a_start_outside_the_journal_is_refused(void **state)
{
	(void)state;
	put_be32(log_block(SUPER), JBD_SUPER_START, 1024);
	seal(SUPER, JBD_SUPER_CHECKSUM, JBD_SUPER_SIZE);
	assert_int_equal(mount(), -LINUX_EUCLEAN);
	assert_non_null(strstr(why, "outside itself"));
}

// What is in the log then must not come back behind what is written from now on.
static void a_log_that_is_to_be_forgotten_does_not_come_back(void **state)
{
	(void)state;
	command("debugfs -w -R 'feature -needs_recovery' $f", 0);
	assert_int_equal(mount(), 0);
	assert_string_equal(replayed(), "---");
	assert_true(fs->journal.log.sequence > 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_format_is_replayed),
		TEST(a_sequence_wraps),
		TEST(a_wrong_descriptor_without_a_commit_is_the_end),
		TEST(a_wrong_descriptor_before_a_commit_is_damage),
		TEST(a_wrong_revoke_before_a_commit_is_damage),
		TEST(a_wrong_block_before_a_commit_is_damage),
		TEST(a_wrong_commit_is_damage),
		TEST(a_wrong_commit_of_before_is_the_end),
		TEST(what_lies_behind_a_descriptor_of_before_is_the_end),
		TEST(a_commit_with_a_torn_end_is_one),
		TEST(a_revoke_block_longer_than_itself_is_damage),
		TEST(a_revoke_block_may_have_none),
		TEST(tags_that_lead_nowhere_are_damage),
		TEST(a_descriptor_without_a_last_tag_is_the_end),
		TEST(another_sequence_is_the_end),
		TEST(a_last_tag_without_its_uuid_is_one),
		TEST(a_start_outside_the_journal_is_refused),
		TEST(a_log_that_is_to_be_forgotten_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
