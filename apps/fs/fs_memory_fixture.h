// SPDX-License-Identifier: MIT
//
// The app on the file system in memory, with one session and a volume: the setup of tests.
#pragma once

#include "apps/fs/fs_fixture.h"

#include <cmocka.h>

#include "apps/fs/ext4_fake.h"

#define DIRECT_AT (EXT4_BLOCK_SIZE - 80u)

static handle_t session;
static uint64_t volume;

static inline int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(disk_image, 0xee, sizeof(disk_image));
	disk_bad_block = UINT64_MAX;
	ext4_fake_reset();
	ext4_fake_waits = 64;
	app_begin();
	app_start();
	session = begin_session(FILES_VOLUMES);
	assert_int_equal(ask_mkdir(session, FUSE_ROOT_ID, "vol"), 0);
	volume = entry_node();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_close(&session);
	settle();
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	assert_int_equal(fs.num_sessions, 0);
	assert_int_equal(fs.num_nameless, 0);
	assert_int_equal(fs.num_calls, 0);
	assert_int_equal(fs.state, FS_CLOSED);
	return 0;
}

static inline uint64_t make_file(const char *name)
{
	assert_int_equal(ask_create(session, volume, name), 0);
	return entry_node();
}
