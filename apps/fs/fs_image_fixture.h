// SPDX-License-Identifier: MIT
//
// The app on libs/ext4 and an image that mke2fs makes, with one session and a volume, and e2fsck as
// the judge of what is left: the setup of tests.
#pragma once

#include "apps/fs/fs_fixture.h"

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#define KEY 77u
// Of the clock: a time of deletion near to 0 is something else to ext4.
#define NOW 1000000000ull
#define FEATURES "-O ^resize_inode,metadata_csum,64bit,^orphan_file -E lazy_itable_init=0 -J size=4"

static char image[] = "/tmp/fs_ext4_test.XXXXXX";
static handle_t session;
static uint64_t volume;
static uint32_t num_deaths;

// --- The image -----------------------------------------------------------------------------------

static inline int command(const char *format)
{
	char line[512];

	(void)snprintf(line, sizeof(line), format, image);
	return system(line);
}

static inline void image_move(bool to_file)
{
	FILE *file = fopen(image, to_file ? "wb" : "rb");
	size_t moved;

	assert_non_null(file);
	moved = to_file ? fwrite(disk_image, 1, sizeof(disk_image), file)
			: fread(disk_image, 1, sizeof(disk_image), file);
	assert_int_equal(moved, sizeof(disk_image));
	fclose(file);
}

static inline int make_image(void **state)
{
	int fd = mkstemp(image);

	(void)state;
	return fd < 0 || ftruncate(fd, sizeof(disk_image)) != 0 || close(fd) != 0;
}

static inline int remove_image(void **state)
{
	(void)state;
	return unlink(image);
}

static inline int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_time_pass(NOW * NSEC_PER_SEC);
	assert_int_equal(command("/sbin/mke2fs -q -F -t ext4 -b 4096 -I 256 " FEATURES " %s"), 0);
	image_move(false);
	app_begin();
	app_start();
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
	send_key(session, KEY);
	assert_int_equal(init_session(session, ~0u), 0);
	assert_int_equal(ask_mkdir(session, FUSE_ROOT_ID, "vol"), 0);
	volume = entry_node();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_close(&session);
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	assert_int_equal(fs.state, FS_CLOSED);
	image_move(true);
	assert_int_equal(command("/sbin/e2fsck -fn %s >/dev/null 2>&1"), 0);
	return 0;
}

// --- Requests that deaths fall into --------------------------------------------------------------

static inline void dies(void)
{
	num_deaths++;
	app_dies();
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
	send_key(session, KEY);
	settle();
	assert_int_equal(fs.num_returned, 1);
}

static uint32_t deaths_in = 6;

static inline int ask_kept(struct request r)
{
	r.unique = last_unique[7] += FILES_MAX_REQUESTS;
	if (deaths_in > 0 && (uint32_t)rand() % deaths_in == 0) {
		request_send(session, &r);
		for (int turns = rand() % 12; turns > 0; turns--) {
			(void)loop_turn(&fs.loop, 0);
			if (rand() % 2 == 0)
				disk_serves();
		}
		dies();
	}
	return ask(session, r);
}

static inline int ask_two(uint32_t opcode, uint64_t node, const void *fixed, size_t fixed_len,
                          const char *name, const char *name2)
{
	return ask_kept((struct request){ .opcode = opcode,
	                                  .node = node,
	                                  .fixed = fixed,
	                                  .fixed_len = fixed_len,
	                                  .tail = name,
	                                  .tail_len = strlen(name) + 1,
	                                  .tail2 = name2,
	                                  .tail2_len = name2 == NULL ? 0 : strlen(name2) + 1 });
}
