// SPDX-License-Identifier: MIT
//
// When the disk is opened, written and closed, on the file system in memory.
#include "apps/fs/fs_memory_fixture.h"

static void open_ahead(void)
{
	fake_close(&session);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	fs_open_ahead(&fs);
	settle();
}

// The disk is there for the first session before anybody asks, and clean after the last. Nobody
// writes it until then, and no clock ticks.
static void test_ahead(void **state)
{
	handle_t end;
	uint32_t ticks;

	(void)state;
	open_ahead();
	assert_int_equal(fs.state, FS_MOUNTED);
	ticks = ext4_fake_ticks;
	fake_time_pass(5 * NSEC_PER_SEC);
	settle();
	assert_true(ext4_is_deferred(fs.ext4));
	assert_int_equal(ext4_fake_ticks, ticks);
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
	assert_false(ext4_is_deferred(fs.ext4));
	fake_time_pass(5 * NSEC_PER_SEC);
	settle();
	assert_true(ext4_fake_ticks > ticks);
	// Nobody has come until the machine goes off.
	open_ahead();
	assert_int_equal(fs.state, FS_MOUNTED);
	end = open_at(unmount_service, FILES_UNMOUNT);
	assert_int_not_equal(end, HANDLE_NONE);
	assert_int_equal(fs.state, FS_CLOSED);
	fake_close(&end);
}

// What an instance before has left is mended, and the disk closed.
static void test_ahead_of_orphans(void **state)
{
	uint64_t file = make_file("a");
	uint32_t inodes = ext4_fake_inodes();

	(void)state;
	assert_int_not_equal(file, 0);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	memset(kept_memory, 0, KEPT_BYTES);
	app_dies();
	assert_int_equal(ext4_fake_inodes(), inodes);
	fs_open_ahead(&fs);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	assert_int_equal(ext4_fake_inodes(), inodes - 1);
	session = HANDLE_NONE;
}

// A disk that cannot be written is a matter of who asks for it, and is tried again.
static void test_ahead_of_a_bad_disk(void **state)
{
	(void)state;
	open_ahead();
	ext4_fake_begin_fails = true;
	assert_int_equal(open_share(FILES_VOLUMES), HANDLE_NONE);
	assert_int_equal(fs.state, FS_FAILED);
	ext4_fake_begin_fails = false;
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
}

// So is one that is not there.
static void test_ahead_of_no_disk(void **state)
{
	(void)state;
	disk_absent = true;
	open_ahead();
	assert_int_equal(fs.state, FS_CLOSED);
	assert_int_equal(open_share(FILES_VOLUMES), HANDLE_NONE);
	assert_int_equal(fs.state, FS_FAILED);
	disk_absent = false;
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
}

// The machine goes off: whoever has sessions loses them, and the disk is clean.
static void test_unmount(void **state)
{
	handle_t volumes = open_share(FILES_VOLUMES), logs = open_store("store:logs"), end;
	struct message m;

	(void)state;
	assert_int_equal(init_session(volumes, ~0u), 0);
	assert_int_equal(init_session(logs, ~0u), 0);
	assert_int_equal(ask_create(logs, FUSE_ROOT_ID, "log"), 0);
	assert_int_equal(fs.state, FS_MOUNTED);
	end = open_at(unmount_service, FILES_UNMOUNT);
	assert_int_not_equal(end, HANDLE_NONE);
	assert_int_equal(channel_recv(end, &m), ERR_PEER_CLOSED);
	assert_int_equal(channel_recv(volumes, &m), ERR_PEER_CLOSED);
	assert_int_equal(channel_recv(logs, &m), ERR_PEER_CLOSED);
	assert_int_equal(fs.state, FS_CLOSED);
	assert_null(fs.ext4);
	// Nobody opens it again.
	assert_int_equal(open_share(FILES_VOLUMES), HANDLE_NONE);
	assert_int_equal(fs.state, FS_CLOSED);
	fake_close(&end);
	fake_close(&volumes);
	fake_close(&logs);
	settle();
	// Once more, with nothing to be done.
	end = open_at(unmount_service, FILES_UNMOUNT);
	assert_int_not_equal(end, HANDLE_NONE);
	fake_close(&end);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ahead),
		TEST(test_ahead_of_orphans),
		TEST(test_ahead_of_a_bad_disk),
		TEST(test_ahead_of_no_disk),
		TEST(test_unmount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
