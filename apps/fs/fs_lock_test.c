// SPDX-License-Identifier: MIT
//
// Locks between sessions, and over a death of the app.
#include "apps/fs/fs_fixture.h"

#include <cmocka.h>

#include "apps/fs/ext4_fake.h"

#define KEY_ONE 0x1234567890ull
#define KEY_TWO 0x9876543210ull

static handle_t one, two;
static uint64_t file;

static handle_t begin_with_key(uint64_t key)
{
	handle_t end = open_share(FILES_VOLUMES);

	send_key(end, key);
	assert_int_equal(init_session(end, ~0u), 0);
	return end;
}

static void look_up_file(handle_t session)
{
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, entry_node(), "file"), 0);
	assert_int_equal(entry_node(), file);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(disk_image, 0xee, sizeof(disk_image));
	ext4_fake_reset();
	ext4_fake_waits = 64;
	app_begin();
	app_start();
	one = begin_with_key(KEY_ONE);
	two = begin_with_key(KEY_TWO);
	assert_int_equal(ask_mkdir(one, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_create(one, entry_node(), "file"), 0);
	file = entry_node();
	look_up_file(two);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_close(&one);
	fake_close(&two);
	settle();
	assert_int_equal(fs.num_sessions, 0);
	assert_int_equal(fs.locks.high, 0);
	return 0;
}

static int set_flags(handle_t session, uint64_t owner, uint32_t type, uint64_t start, uint64_t end,
                     uint32_t flags)
{
	struct fuse_lk_in in = { .owner = owner,
		                 .lk = { .start = start, .end = end, .type = type, .pid = 77 },
		                 .lk_flags = flags };

	return ask(session,
	           (struct request){ .opcode = FUSE_SETLK,
	                             .node = file,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in) });
}

static int set(handle_t session, uint64_t owner, uint32_t type, uint64_t start, uint64_t end)
{
	return set_flags(session, owner, type, start, end, 0);
}

static uint32_t who_has(handle_t session, uint64_t owner, uint64_t at)
{
	struct fuse_lk_in in = { .owner = owner,
		                 .lk = { .start = at, .end = at, .type = FUSE_LOCK_WRITE } };
	struct fuse_lk_out out;

	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_GETLK,
	                                       .node = file,
	                                       .fixed = &in,
	                                       .fixed_len = sizeof(in) }),
	                 0);
	memcpy(&out, answer.body, sizeof(out));
	return out.lk.type == FUSE_LOCK_NONE ? UINT32_MAX : out.lk.pid;
}

static void test_sessions_exclude_each_other(void **state)
{
	(void)state;
	assert_int_equal(set(one, 1, FUSE_LOCK_WRITE, 0, 9), 0);
	assert_int_equal(set(one, 2, FUSE_LOCK_READ, 9, 9), -LINUX_EAGAIN);
	assert_int_equal(set(two, 1, FUSE_LOCK_READ, 9, 9), -LINUX_EAGAIN);
	assert_int_equal(set(two, 1, FUSE_LOCK_READ, 10, 19), 0);
	assert_int_equal(set_flags(two, 1, FUSE_LOCK_WRITE, 5, 5, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(one, 1, FUSE_LOCK_READ, 0, 0, FUSE_LK_FLOCK), -LINUX_EAGAIN);
	assert_int_equal(who_has(one, 2, 0), 77);
	assert_int_equal(who_has(two, 1, 0), 0);
	assert_int_equal(who_has(one, 1, 0), UINT32_MAX);
	assert_int_equal(set(one, 1, 7, 0, 9), -LINUX_EINVAL);
	assert_int_equal(set(one, 1, FUSE_LOCK_READ, 2, 1), -LINUX_EINVAL);
	// A session that is gone has no locks.
	fake_close(&two);
	settle();
	assert_int_equal(set(one, 3, FUSE_LOCK_WRITE, 10, LOCKS_END), 0);
	assert_int_equal(set_flags(one, 1, FUSE_LOCK_READ, 0, 0, FUSE_LK_FLOCK), 0);
}

static void test_a_session_has_its_share(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < FS_MAX_SESSION_LOCKS; i++)
		assert_int_equal(set(one, 1, FUSE_LOCK_READ, 2 * i, 2 * i), 0);
	assert_int_equal(set(one, 1, FUSE_LOCK_READ, 5000, 5000), -LINUX_ENOLCK);
	assert_int_equal(set(two, 1, FUSE_LOCK_READ, 5000, 5000), 0);
}

static void test_locks_outlive_the_app(void **state)
{
	(void)state;
	assert_int_equal(set(one, 1, FUSE_LOCK_WRITE, 0, 9), 0);
	assert_int_equal(set(two, 1, FUSE_LOCK_WRITE, 10, 19), 0);
	app_dies();
	one = open_share(FILES_VOLUMES);
	send_key(one, KEY_ONE);
	settle();
	// The other one may yet come back.
	assert_int_equal(set(one, 2, FUSE_LOCK_WRITE, 9, 9), -LINUX_EAGAIN);
	assert_int_equal(set(one, 1, FUSE_LOCK_WRITE, 10, 10), -LINUX_EAGAIN);
	assert_int_equal(set(one, 1, FUSE_LOCK_NONE, 0, 9), 0);
	assert_int_equal(set(one, 2, FUSE_LOCK_WRITE, 9, 9), 0);
	two = HANDLE_NONE;
	fake_time_pass((FS_RETURN_SECONDS + 1) * NSEC_PER_SEC);
	settle();
	assert_int_equal(set(one, 1, FUSE_LOCK_WRITE, 10, 10), 0);
}

static uint64_t version_for(handle_t session)
{
	struct fuse_lk_version out = { 0 };

	assert_int_equal(set_flags(session, 1, FUSE_LOCK_READ, 0, 0, FUSE_LK_VERSION), 0);
	assert_int_equal(answer.len, sizeof(out));
	memcpy(&out, answer.body, sizeof(out));
	assert_int_equal(set(session, 1, FUSE_LOCK_NONE, 0, 0), 0);
	return out.version;
}

// What a session has cached is right until another one has changed something that it has.
static void test_versions(void **state)
{
	uint64_t version, folder;

	(void)state;
	send_forget(two, file, 1);
	version = version_for(one);
	assert_int_equal(ask_write(one, file, 0, "alone", 5, 0), 0);
	assert_true(version_for(one) == version);
	look_up_file(two);
	assert_true(version_for(two) == version);
	assert_int_equal(ask_write(two, file, 0, "other", 5, 0), 0);
	assert_true(version_for(one) != version);
	version = version_for(one);
	assert_int_equal(ask_truncate(two, file, 1), 0);
	assert_true(version_for(one) != version);
	version = version_for(one);
	// In a folder that both have, and in one that one has alone.
	assert_int_equal(ask_name(two, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_mkdir(two, entry_node(), "dir"), 0);
	folder = entry_node();
	assert_true(version_for(one) != version);
	version = version_for(one);
	assert_int_equal(ask_create(two, folder, "a"), 0);
	assert_true(version_for(one) == version);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sessions_exclude_each_other),
		TEST(test_a_session_has_its_share),
		TEST(test_locks_outlive_the_app),
		TEST(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
