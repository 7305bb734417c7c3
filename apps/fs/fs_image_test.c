// SPDX-License-Identifier: MIT
//
// The app on libs/ext4 and an image that mke2fs makes: what the file system in memory does not
// have.
#include "apps/fs/fs_image_fixture.h"

// The inodes of a list are read from the disk together, for all is done again after that: in a
// folder of 300,000 files a list of one after the other took minutes.
static void test_inodes_of_a_list_are_read_together(void **state)
{
	struct fuse_read_in in = { .size = 32 * 1024 };
	char name[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "file%d", i);
		assert_int_equal(ask_create(session, volume, name), 0);
	}
	// Nothing is in memory after that.
	fake_close(&session);
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	session = begin_session(FILES_VOLUMES);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	disk_rounds = 0;
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_READDIRPLUS,
	                                       .node = volume,
	                                       .fixed = &in,
	                                       .fixed_len = sizeof(in) }),
	                 0);
	assert_true(answer.len > 30 * 1024);
	// The folder's blocks, and 13 of inodes.
	assert_in_range(disk_rounds, 1, 6);
}

static int ask_setxattr(uint64_t node, const char *name)
{
	struct fuse_setxattr_in in = { .size = 1 };

	return ask(session,
	           (struct request){ .opcode = FUSE_SETXATTR,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = strlen(name) + 1,
	                             .tail2 = "x",
	                             .tail2_len = 1 });
}

// Sets what `in` names; returns all attributes.
static struct fuse_attr set_attributes(uint64_t node, const struct fuse_setattr_in *in)
{
	struct fuse_attr_out out;

	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_SETATTR,
	                                       .node = node,
	                                       .fixed = in,
	                                       .fixed_len = sizeof(*in) }),
	                 0);
	memcpy(&out, answer.body, sizeof(out));
	return out.attr;
}

// What Linux's own ext4 does.
static void test_names_and_times_at_the_edge(void **state)
{
	static const struct fuse_setattr_in in = { .valid = FATTR_ATIME | FATTR_MTIME,
		                                   .atime = (uint64_t)-5000000000,
		                                   .atimensec = 999999999,
		                                   .mtime = 1ull << 40,
		                                   .mtimensec = 8 };
	struct fuse_attr attr;
	uint64_t node;

	(void)state;
	assert_int_equal(ask_create(session, volume, "edge"), 0);
	node = entry_node();
	assert_int_equal(ask_setxattr(node, "user."), -LINUX_EINVAL);
	assert_int_equal(ask_setxattr(node, "security."), -LINUX_EINVAL);
	assert_int_equal(ask_setxattr(node, "user"), -LINUX_EOPNOTSUPP);
	assert_int_equal(ask_setxattr(node, "user.x"), 0);
	attr = set_attributes(node, &in);
	assert_true((int64_t)attr.atime == INT32_MIN && attr.atimensec == 0);
	assert_true(attr.mtime == 15032385535 && attr.mtimensec == 0);
}

// The mode of `node` after a chown by root: to user 7, or chown(-1, -1), which names nothing.
static uint32_t mode_given_away(uint64_t node, uint32_t valid)
{
	return set_attributes(node, &(struct fuse_setattr_in){ .valid = valid, .uid = 7 }).mode;
}

static void test_a_new_owner_takes_setuid_from_all_but_folders(void **state)
{
	static const uint32_t types[] = { LINUX_S_IFREG, 0x1000 };  // a FIFO
	static const char *const paths[] = { "a", "b", "c", "d" };
	struct fuse_mknod_in in = { 0 };
	struct fuse_mkdir_in folder = { .mode = 06755 };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		in.mode = types[i % 2] | 06755;
		assert_int_equal(ask_two(FUSE_MKNOD, volume, &in, sizeof(in), paths[i], NULL), 0);
		assert_int_equal(mode_given_away(entry_node(), i < 2 ? FATTR_UID : 0),
		                 types[i % 2] | 0755);
	}
	assert_int_equal(ask_two(FUSE_MKDIR, volume, &folder, sizeof(folder), "e", NULL), 0);
	assert_int_equal(mode_given_away(entry_node(), FATTR_UID), LINUX_S_IFDIR | 06755);
}

static void test_nothing_is_made_in_a_folder_that_is_gone(void **state)
{
	struct fuse_create_in in = { .mode = 0x81a4 };
	uint64_t folder;

	(void)state;
	assert_int_equal(ask_mkdir(session, volume, "gone"), 0);
	folder = entry_node();
	assert_int_equal(ask_name(session, FUSE_RMDIR, volume, "gone"), 0);
	assert_int_equal(ask_create(session, folder, "file"), -LINUX_ENOENT);
	assert_int_equal(ask_two(FUSE_TMPFILE, folder, &in, sizeof(in), "", NULL), -LINUX_EPERM);
}

// A disk that nobody uses is as it was, byte by byte; one that was in use is clean again at once.
static void test_an_unused_disk_is_not_written(void **state)
{
	static uint8_t before[sizeof(disk_image)];

	(void)state;
	fake_close(&session);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	memcpy(before, disk_image, sizeof(before));
	fs_open_ahead(&fs);
	settle();
	assert_int_equal(fs.state, FS_MOUNTED);
	fake_time_pass(10 * NSEC_PER_SEC);
	settle();
	assert_memory_equal(disk_image, before, sizeof(before));
	session = open_share(FILES_VOLUMES);
	assert_int_equal(init_session(session, ~0u), 0);
	assert_int_equal(ask_create(session, FUSE_ROOT_ID, "a"), 0);
	assert_memory_not_equal(disk_image, before, sizeof(before));
	memset(kept_memory, 0, KEPT_BYTES);
	app_dies();
	fs_open_ahead(&fs);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	session = HANDLE_NONE;
}

// Whoever keeps files without names leaves the others as many, so that they can remove theirs.
static void test_files_without_names_are_shared_out(void **state)
{
	const struct fuse_create_in temporary = { .flags = 2, .mode = 0x8180 };
	handle_t other = begin_session(FILES_VOLUMES);
	uint64_t nodes[5];
	char name[] = "a";

	(void)state;
	fs.max_nameless = 8;
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	for (size_t i = 0; i < 5; i++, name[0]++) {
		assert_int_equal(ask_create(session, volume, name), 0);
		nodes[i] = entry_node();
		assert_int_equal(ask_name(session, FUSE_UNLINK, volume, name),
		                 i < 4 ? 0 : -LINUX_ENFILE);
	}
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_TMPFILE,
	                                       .node = volume,
	                                       .fixed = &temporary,
	                                       .fixed_len = sizeof(temporary),
	                                       .tail = "#",
	                                       .tail_len = 2 }),
	                 -LINUX_ENFILE);
	// Another cannot make them more for it, either; its own it can remove.
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "e"), -LINUX_ENFILE);
	assert_int_equal(ask_create(other, volume, "x"), 0);
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "x"), 0);
	send_forget(session, nodes[0], 1);
	send_forget(session, nodes[1], 1);
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "e"), 0);
	fake_close(&other);
	settle();
	assert_int_equal(fs.num_nameless, 3);
}

static void no_orphan(void *context, struct ext4_node node, bool named)
{
	(void)context;
	(void)named;
	fail_msg("inode %u is left", node.inode);
}

// The session has many files without a name.
static void make_many(void)
{
	char name[16];

	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		assert_int_equal(ask_create(session, volume, name), 0);
		assert_int_equal(ask_name(session, FUSE_UNLINK, volume, name), 0);
	}
	assert_int_equal(fs.num_nameless, 200);
}

// They are freed a few at a time, whatever leaves them: each that is being freed takes memory.
static void test_many_files_are_freed(void **state)
{
	(void)state;
	make_many();
	session_forget_all(container_of(fs.sessions.next, struct session, entry));
	assert_int_equal(fs.num_releases, 200);
	assert_true(fs.num_calls > 0 && fs.num_calls < 100);
	calls_run(&fs);
	settle();
	assert_int_equal(fs.num_releases, 0);
	assert_int_equal(fs.num_calls, 0);
	ext4_orphans(fs.ext4, no_orphan, NULL);
}

// Those that were not freed before a death are freed after it, and none twice: e2fsck looks.
static void test_a_death_while_many_files_are_freed(void **state)
{
	(void)state;
	make_many();
	session_forget_all(container_of(fs.sessions.next, struct session, entry));
	for (int i = 0; i < 1000 && fs.num_releases > 100; i++) {
		calls_run(&fs);
		(void)loop_turn(&fs.loop, 0);
		disk_serves();
	}
	assert_true(fs.num_releases > 0 && fs.num_releases <= 100);
	dies();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(fs.num_releases, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_inodes_of_a_list_are_read_together),
		TEST(test_names_and_times_at_the_edge),
		TEST(test_a_new_owner_takes_setuid_from_all_but_folders),
		TEST(test_nothing_is_made_in_a_folder_that_is_gone),
		TEST(test_files_without_names_are_shared_out),
		TEST(test_many_files_are_freed),
		TEST(test_a_death_while_many_files_are_freed),
		TEST(test_an_unused_disk_is_not_written)
	};

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
