// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/ext4/device_fake.h"
#include "libs/ext4/fsck_fake.h"
#include "libs/ext4/host_fake.h"
#include "libs/ext4/internal.h"

#define NUM_BLOCKS 2560u
#define DISK_SIZE ((size_t)NUM_BLOCKS * EXT4_BLOCK_SIZE)
#define FIRST 2500u

static uint8_t *image;
static struct device_fake *disk;
static struct ext4 *fs;
static uint8_t memory[EXT4_REDO_MIN];

static void resume(void *context)
{
	(void)context;
}

static int mount_again(void)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume,
		                        .redo = { .bytes = memory, .size = sizeof(memory) } };
	char why[200];

	return ext4_mount(&options, &fs, why, sizeof(why));
}

static int setup_group(void **state)
{
	static const char *const mke2fs[] = { "mke2fs",   "-qFtext4", "-b4096", "-I256",
		                              "-Jsize=4", "-N128",    NULL };
	struct fsck_fake file;

	(void)state;
	fsck_fake_init(&file, DISK_SIZE);
	assert_int_equal(fsck_fake_run(&file, mke2fs, 0), 0);
	image = malloc(DISK_SIZE);
	memcpy(image, file.bytes, DISK_SIZE);
	fsck_fake_deinit(&file);
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
	memset(memory, 0, sizeof(memory));
	disk = device_fake_create(NUM_BLOCKS, image, 3);
	host_fake_log[0] = '\0';
	return mount_again();
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(ext4_unmount(fs), 0);
	device_fake_destroy(disk);
	assert_int_equal(host_fake_allocated(), 0);
	return 0;
}

// An update that sets one byte of a block.
static void set_byte(uint32_t block, uint32_t at, uint8_t value)
{
	struct update u;
	uint8_t *bytes;
	int status;

	for (;;) {
		status = update_begin(&u, fs, 1);
		if (status == 0)
			status = update_write(&u, FIRST + block, &bytes);
		if (status != UPDATE_WAIT)
			break;
		update_drop(&u);
		assert_true(device_fake_step(disk));
	}
	assert_int_equal(status, 0);
	bytes[at] = value;
	update_commit(&u, NULL);
}

// The app is killed with nothing on its way, and comes again.
static void kill_app(void)
{
	uint8_t *bytes = malloc(DISK_SIZE);
	uint8_t *kept = malloc(sizeof(memory));

	memcpy(bytes, disk->bytes, DISK_SIZE);
	memcpy(kept, memory, sizeof(memory));
	assert_int_equal(ext4_unmount(fs), 0);
	memcpy(disk->bytes, bytes, DISK_SIZE);
	memcpy(memory, kept, sizeof(memory));
	free(bytes);
	free(kept);
}

static uint8_t byte_of(uint32_t block, uint32_t at)
{
	return disk->bytes[(FIRST + block) * (size_t)EXT4_BLOCK_SIZE + at];
}

static struct redo_header *header(void)
{
	return (struct redo_header *)(void *)memory;
}

static void numbers_go_on(void **state)
{
	(void)state;
	assert_int_equal(update_next(fs), 1);
	set_byte(0, 5, 7);
	set_byte(1, 4095, 8);
	assert_int_equal(update_last(fs), 2);
	kill_app();
	assert_int_equal(mount_again(), 0);
	assert_int_equal(update_last(fs), 2);
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(byte_of(0, 5), 7);
	assert_int_equal(byte_of(1, 4095), 8);
	assert_int_equal(mount_again(), 0);
	assert_int_equal(update_next(fs), 3);
	assert_int_equal(header()->head, header()->tail);
}

static void a_record_that_was_not_published_is_none(void **state)
{
	uint64_t tail;

	(void)state;
	set_byte(0, 5, 7);
	tail = header()->tail;
	set_byte(0, 5, 8);
	kill_app();
	// As if it had been killed before the store of the tail.
	header()->tail = tail;
	assert_int_equal(mount_again(), 0);
	assert_int_equal(update_last(fs), 1);
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(byte_of(0, 5), 7);
	assert_int_equal(mount_again(), 0);
}

static void a_wild_write_is_not_taken_up(void **state)
{
	static uint8_t kept[sizeof(memory)];
	uint8_t *bytes = malloc(DISK_SIZE);
	size_t second, end;

	(void)state;
	set_byte(0, 5, 7);
	second = (size_t)header()->tail;
	set_byte(0, 6, 8);
	set_byte(0, 7, 9);
	end = (size_t)header()->tail;
	kill_app();
	memcpy(bytes, disk->bytes, DISK_SIZE);
	memcpy(kept, memory, sizeof(memory));
	for (size_t at = second; at < end; at++) {
		memcpy(disk->bytes, bytes, DISK_SIZE);
		memcpy(memory, kept, sizeof(memory));
		memory[sizeof(struct redo_header) + at] ^= 0x40;
		assert_int_equal(mount_again(), 0);
		assert_non_null(strstr(host_fake_log, "took up"));
		assert_true(update_last(fs) == 1 || update_last(fs) == 2);
		assert_int_equal(ext4_unmount(fs), 0);
		assert_int_equal(byte_of(0, 5), 7);
		assert_int_equal(byte_of(0, 7), 0);
	}
	free(bytes);
	assert_int_equal(mount_again(), 0);
}

static void a_wild_header_is_not_used(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < 6; at++) {
		static const size_t places[] = { offsetof(struct redo_header, magic),
			                         offsetof(struct redo_header, size),
			                         offsetof(struct redo_header, uuid),
			                         offsetof(struct redo_header, head) + 7,
			                         offsetof(struct redo_header, tail) + 6,
			                         offsetof(struct redo_header, tail) + 3 };

		set_byte(at, 5, 7);
		kill_app();
		memory[places[at]] ^= 0x55;
		assert_int_equal(mount_again(), 0);
		assert_non_null(strstr(host_fake_log, "redo memory"));
		assert_int_equal(update_last(fs), 0);
		memset(host_fake_log, 0, sizeof(host_fake_log));
	}
}

// The memory is full long before the journal: commits make room.
static void a_full_memory_commits(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct update u;
		uint8_t *bytes;
		int status;

		while ((status = update_begin(&u, fs, 1)) == UPDATE_WAIT)
			assert_true(device_fake_step(disk));
		assert_int_equal(status, 0);
		assert_int_equal(update_new(&u, FIRST + i % 50, &bytes), 0);
		memset(bytes, (int)(i + 1), EXT4_BLOCK_SIZE);
		update_commit(&u, NULL);
		assert_true(header()->tail - header()->head <= sizeof(memory));
	}
	kill_app();
	assert_int_equal(mount_again(), 0);
	assert_int_equal(update_last(fs), 1000);
	assert_int_equal(ext4_unmount(fs), 0);
	for (uint32_t i = 950; i < 1000; i++)
		assert_int_equal(byte_of(i % 50, 9), (uint8_t)(i + 1));
	assert_int_equal(mount_again(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(numbers_go_on),
		TEST(a_record_that_was_not_published_is_none),
		TEST(a_wild_write_is_not_taken_up),
		TEST(a_wild_header_is_not_used),
		TEST(a_full_memory_commits),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
