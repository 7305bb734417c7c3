// SPDX-License-Identifier: MIT
#include "libs/ext4/volume_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/ext4/host_fake.h"

void volume_mount(struct volume *v)
{
	struct ext4_options options = { .device = &v->disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN };
	char why[200];
	int status = ext4_mount(&options, &v->fs, why, sizeof(why));

	if (status != 0)
		fail_msg("mount: %d: %s", status, why);
	ext4_set_time(v->fs, (struct ext4_time){ .seconds = 1900000000, .nanoseconds = 7 });
}

void volume_create(struct volume *v, uint64_t num_blocks, const char *arguments)
{
	char command[1000];

	v->disk = device_fake_create(num_blocks, NULL, 1);
	snprintf(command, sizeof(command), "mke2fs -q -F %s", arguments);
	assert_int_equal(device_fake_command(v->disk, command, NULL, 0), 0);
	volume_mount(v);
}

void volume_unmount_and_check(struct volume *v)
{
	static char output[20000];
	int status;

	assert_int_equal(ext4_unmount(v->fs), 0);
	status = device_fake_command(v->disk, "e2fsck -fn $f 2>&1", output, sizeof(output));
	if (status != 0)
		fail_msg("e2fsck: %d\n%s", status, output);
}

void volume_destroy(struct volume *v)
{
	volume_unmount_and_check(v);
	device_fake_destroy(v->disk);
}

void volume_settle(struct volume *v)
{
	while (device_fake_step(v->disk))
		;
}

void volume_begin(struct volume *v, uint32_t credits)
{
	int status;

	while ((status = update_begin(&v->u, v->fs, credits)) == UPDATE_WAIT)
		assert_true(device_fake_step(v->disk));
	assert_int_equal(status, 0);
}

// An operation that has not ended by then never will.
#define MOST_TRIES 100000u

bool volume_again(struct volume *v, int status)
{
	if (status != UPDATE_WAIT)
		v->tries = 0;
	assert_true(++v->tries < MOST_TRIES);
	if (status == 0 || status == UPDATE_MORE) {
		update_commit(&v->u, NULL);
		return status == UPDATE_MORE;
	}
	update_drop(&v->u);
	if (status == UPDATE_WAIT)
		assert_true(device_fake_step(v->disk));
	return status == UPDATE_WAIT;
}

static void synced(void *context, int status)
{
	*(int *)context = status;
}

void volume_sync(struct volume *v)
{
	int status = 1;
	struct ext4_sync sync = { .done = synced, .context = &status };

	ext4_sync(v->fs, &sync);
	while (status == 1)
		assert_true(device_fake_step(v->disk));
	assert_int_equal(status, 0);
}
