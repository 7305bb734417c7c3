// SPDX-License-Identifier: MIT
//
// A disk as mke2fs makes it, and what is done on it: the setup of the journal's tests.
#pragma once

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
static uint8_t redo_bytes[EXT4_REDO_MIN];
static bool with_redo;
static char why[200];

static inline void resume(void *context)
{
	(void)context;
}

static inline int mount_with(struct ext4_options options)
{
	options.device = &disk->device;
	options.cache_blocks = EXT4_CACHE_MIN * 2;
	options.resume = resume;
	if (with_redo)
		options.redo =
			(struct ext4_redo){ .bytes = redo_bytes, .size = sizeof(redo_bytes) };
	return ext4_mount(&options, &fs, why, sizeof(why));
}

static inline int mount(void)
{
	return mount_with((struct ext4_options){ 0 });
}

static inline int mount_deferred(void)
{
	return mount_with((struct ext4_options){ .deferred = true });
}

static inline int setup_group(void **state)
{
	(void)state;
	disk = device_fake_create(NUM_BLOCKS, NULL, 1);
	assert_int_equal(
		device_fake_command(disk, "mke2fs -q -F -t ext4 -b 4096 -J size=4 $f", NULL, 0), 0);
	image = memcpy(malloc(NUM_BLOCKS * 4096ul), disk->bytes, NUM_BLOCKS * 4096ul);
	device_fake_destroy(disk);
	return 0;
}

static inline int teardown_group(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static inline int setup(void **state)
{
	(void)state;
	with_redo = false;
	memset(redo_bytes, 0, sizeof(redo_bytes));
	disk = device_fake_create(NUM_BLOCKS, image, 7);
	assert_int_equal(mount(), 0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	if (fs != NULL)
		(void)ext4_unmount(fs);
	device_fake_destroy(disk);
	assert_int_equal(host_fake_allocated(), 0);
	return 0;
}

// The power goes: a disk with what was on it, and the next mount.
static inline void cut_power(uint64_t seed)
{
	struct device_fake *after = device_fake_create(NUM_BLOCKS, disk->bytes, seed);

	(void)ext4_unmount(fs);
	fs = NULL;
	device_fake_destroy(disk);
	disk = after;
}

static inline void begin(struct update *u, uint32_t credits)
{
	int status;

	while ((status = update_begin(u, fs, credits)) == UPDATE_WAIT)
		assert_true(device_fake_step(disk));
	assert_int_equal(status, 0);
}

static inline void fill(uint64_t block, uint8_t value)
{
	struct update u;
	uint8_t *bytes;

	begin(&u, 1);
	assert_int_equal(update_new(&u, block, &bytes), 0);
	memset(bytes, value, EXT4_BLOCK_SIZE);
	update_commit(&u, NULL);
}

static inline void release(uint64_t block, uint32_t count)
{
	struct update u;

	begin(&u, 1);
	assert_int_equal(update_free(&u, block, count, true), 0);
	update_commit(&u, NULL);
}

static int sync_status;

static inline void synced(void *context, int status)
{
	(void)context;
	sync_status = status;
}

static inline int sync_all(void)
{
	struct ext4_sync sync = { .done = synced };

	sync_status = 1;
	ext4_sync(fs, &sync);
	while (sync_status == 1)
		assert_true(device_fake_step(disk));
	return sync_status;
}

static inline uint8_t on_disk(uint64_t block)
{
	return disk->bytes[block * EXT4_BLOCK_SIZE + 77];
}
