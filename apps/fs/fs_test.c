// SPDX-License-Identifier: MIT
//
// The app as its clients see it, on the file system in memory: names and sessions.
#include "apps/fs/ext4_parts_fake.h"
#include "apps/fs/fs_memory_fixture.h"

static void test_names(void **state)
{
	uint64_t file = make_file("a");

	(void)state;
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "a"), 0);
	assert_int_equal(entry_node(), file);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "b"), 0);
	assert_int_equal(entry_node(), 0);
	assert_int_equal(ask_create(session, volume, "a"), -LINUX_EEXIST);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, ".."), -LINUX_EINVAL);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "a/b"), -LINUX_EINVAL);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, ""), -LINUX_EINVAL);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), -LINUX_ENOENT);
	assert_int_equal(ask_name(session, FUSE_RMDIR, FUSE_ROOT_ID, "vol"), 0);
}

static void test_volumes_are_submounts(void **state)
{
	struct fuse_entry_out out;

	(void)state;
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	memcpy(&out, answer.body, sizeof(out));
	assert_int_equal(out.attr.flags, FUSE_ATTR_SUBMOUNT | FUSE_ATTR_STATELESS);
	assert_int_equal(ask_mkdir(session, volume, "in"), 0);
	memcpy(&out, answer.body, sizeof(out));
	assert_int_equal(out.attr.flags, FUSE_ATTR_STATELESS);
}

// One that looks at millions of files is told that these are too many; others go on.
static void test_a_session_leaves_nodes_to_others(void **state)
{
	handle_t other = begin_session(FILES_VOLUMES);
	uint64_t files[16];
	uint32_t made = 0;
	char name[] = "f0";
	int result;

	(void)state;
	fs.max_refs = 16;
	for (; (result = ask_create(session, volume, name)) == 0 && made < 16; name[1]++)
		files[made++] = entry_node();
	assert_int_equal(result, -LINUX_ENFILE);
	assert_int_equal(fs.num_refs, 8);
	// It was not made. What is there, the session cannot have, either.
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, volume, name), 0);
	assert_int_equal(entry_node(), 0);
	assert_int_equal(ask_create(other, volume, name), 0);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, name), -LINUX_ENFILE);
	send_forget(session, files[0], 1);
	send_forget(session, files[1], 1);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, name), 0);
	fake_close(&other);
	settle();
	assert_int_equal(fs.num_refs, 7);
}

// What is asked with an open, and not at all.
static void test_no_open(void **state)
{
	struct fuse_open_in in = { 0 };
	uint64_t file = make_file("a");
	struct request open = { .opcode = FUSE_OPEN,
		                .node = file,
		                .fixed = &in,
		                .fixed_len = sizeof(in) };
	handle_t other;

	(void)state;
	assert_int_equal(ask(session, open), 0);
	open.opcode = FUSE_FLUSH;
	assert_int_equal(ask(session, open), -LINUX_ENOSYS);
	other = open_share(FILES_VOLUMES);
	assert_int_equal(init_session(other, ~FUSE_ATOMIC_O_TRUNC), 0);
	open.opcode = FUSE_OPEN;
	open.node = FUSE_ROOT_ID;
	assert_int_equal(ask(other, open), -LINUX_ENOSYS);
	fake_close(&other);
	settle();
}

// Who has said that it has done and is answered may switch the machine off.
static void test_destroy(void **state)
{
	struct request destroy = { .opcode = FUSE_DESTROY, .node = FUSE_ROOT_ID };
	handle_t other = begin_session(FILES_VOLUMES);
	uint64_t file = make_file("a");

	(void)state;
	assert_int_equal(ask_write(session, file, 0, "hello", 5, 0), 0);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	assert_int_equal(ask(session, destroy), 0);
	assert_int_equal(fs.state, FS_MOUNTED);
	assert_int_equal(ask(other, destroy), 0);
	assert_int_equal(fs.state, FS_CLOSED);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), -1001);
	fake_close(&other);
	other = begin_session(FILES_VOLUMES);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(entry_node() != 0, true);
	fake_close(&other);
	settle();
}

// Who says it twice has done once: another one's disk stays.
static void test_destroy_twice(void **state)
{
	struct request destroy = { .opcode = FUSE_DESTROY, .node = FUSE_ROOT_ID, .unique = 32 };
	handle_t other = begin_session(FILES_VOLUMES);
	struct answer last;

	(void)state;
	request_send(other, &destroy);
	destroy.unique = 65;
	assert_int_equal(ask(other, destroy), -1000);
	assert_true(reply_take(other, &last));
	settle();
	assert_int_equal(fs.state, FS_MOUNTED);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	fake_close(&other);
	settle();
}

// A container that only looks does not wait for the disk at its end.
static void test_destroy_of_who_changed_nothing(void **state)
{
	struct request destroy = { .opcode = FUSE_DESTROY, .node = FUSE_ROOT_ID };
	handle_t reader = begin_session(FILES_VOLUMES), writer = begin_session(FILES_VOLUMES);
	uint32_t syncs = fs.ext4->num_syncs;

	(void)state;
	assert_int_equal(ask_create(session, volume, "a"), 0);
	assert_int_equal(ask_name(reader, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask(reader, destroy), 0);
	assert_int_equal(ask_name(writer, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(fs.ext4->num_syncs, syncs);
	assert_int_equal(ask_create(writer, entry_node(), "b"), 0);
	assert_int_equal(ask(writer, destroy), 0);
	assert_int_equal(fs.ext4->num_syncs, syncs + 1);
	fake_close(&reader);
	fake_close(&writer);
	settle();
}

static void test_an_open_may_cut(void **state)
{
	struct fuse_open_in in = { .flags = 0x200 };
	uint64_t file = make_file("a");

	(void)state;
	assert_int_equal(ask_write(session, file, 0, "hello", 5, 0), 0);
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_OPEN,
	                                       .node = file,
	                                       .fixed = &in,
	                                       .fixed_len = sizeof(in) }),
	                 0);
	assert_int_equal(ask_read(session, file, 0, 10), 0);
	assert_int_equal(answer.len, 0);
}

static void test_a_file_stays_while_it_is_known(void **state)
{
	uint64_t file = make_file("a");
	uint32_t inodes = ext4_fake_inodes();

	(void)state;
	assert_int_equal(ask_write(session, file, 0, "hello", 5, 0), 0);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	assert_int_equal(ask_read(session, file, 0, 100), 0);
	assert_int_equal(answer.len, 5);
	assert_memory_equal(answer.body, "hello", 5);
	assert_int_equal(ext4_fake_inodes(), inodes);
	send_forget(session, file, 1);
	assert_int_equal(ext4_fake_inodes(), inodes - 1);
	assert_int_equal(ask_read(session, file, 0, 100), -LINUX_ESTALE);
}

static void test_a_file_is_closed_without_an_answer(void **state)
{
	struct fuse_release_in in = { 0 };
	const uint64_t file = make_file("a");
	struct message m;

	(void)state;
	for (uint64_t i = 0; i < 2 * FILES_MAX_REQUESTS; i++) {
		request_send(session,
		             &(struct request){ .opcode = FUSE_RELEASE,
		                                .node = file,
		                                .fixed = &in,
		                                .fixed_len = sizeof(in) });
	}
	settle();
	assert_int_equal(channel_recv(session, &m), ERR_EMPTY);
}

static void test_what_nobody_knows_goes_at_once(void **state)
{
	uint64_t file = make_file("a");
	uint32_t inodes = ext4_fake_inodes();

	(void)state;
	send_forget(session, file, 1);
	assert_int_equal(ext4_fake_inodes(), inodes);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	settle();
	assert_int_equal(ext4_fake_inodes(), inodes - 1);
}

static void test_tmpfile(void **state)
{
	struct fuse_create_in in = { .mode = 0x81a4 };
	struct fuse_link_in link;
	uint32_t inodes = ext4_fake_inodes();
	struct request tmpfile = { .opcode = FUSE_TMPFILE,
		                   .node = volume,
		                   .fixed = &in,
		                   .fixed_len = sizeof(in),
		                   .tail = "",
		                   .tail_len = 1 };

	(void)state;
	assert_int_equal(ask(session, tmpfile), 0);
	assert_int_equal(ext4_fake_inodes(), inodes + 1);
	send_forget(session, entry_node(), 1);
	assert_int_equal(ext4_fake_inodes(), inodes);
	assert_int_equal(ask(session, tmpfile), 0);
	link.oldnodeid = entry_node();
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_LINK,
	                                       .node = volume,
	                                       .fixed = &link,
	                                       .fixed_len = sizeof(link),
	                                       .tail = "named",
	                                       .tail_len = 6 }),
	                 0);
	send_forget(session, link.oldnodeid, 2);
	assert_int_equal(ext4_fake_inodes(), inodes + 1);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "named"), 0);
	assert_int_not_equal(entry_node(), 0);
}

// A session has the nodes that it was given, and no others.
static void test_nodes_of_others(void **state)
{
	uint64_t file = make_file("a");
	handle_t other = begin_session(FILES_VOLUMES), app = open_own("me");

	(void)state;
	assert_int_equal(init_session(app, ~0u), 0);
	assert_int_equal(ask_read(other, file, 0, 10), -LINUX_ESTALE);
	assert_int_equal(ask_read(session, file, 0, 10), 0);
	assert_int_equal(ask_read(session, file + (1ull << 32), 0, 10), -LINUX_ESTALE);
	assert_int_equal(ask_create(app, FUSE_ROOT_ID, "mine"), 0);
	assert_int_equal(ask_name(app, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(entry_node(), 0);
	fake_close(&other);
	fake_close(&app);
	settle();
}

static void test_read_only(void **state)
{
	handle_t other = begin_session(FILES_VOLUMES_READ_ONLY);
	uint64_t file = make_file("a");

	(void)state;
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(entry_node(), volume);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, volume, "a"), 0);
	assert_int_equal(ask_write(other, file, 0, "x", 1, 0), -LINUX_EROFS);
	assert_int_equal(ask_truncate(other, file, 0), -LINUX_EROFS);
	assert_int_equal(ask_fallocate(other, file, 0, 10, 0), -LINUX_EROFS);
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "a"), -LINUX_EROFS);
	assert_int_equal(ask_create(other, volume, "b"), -LINUX_EROFS);
	fake_close(&other);
	settle();
}

static void test_no_such_share(void **state)
{
	(void)state;
	assert_int_equal(open_share("volumes:x"), HANDLE_NONE);
	assert_int_equal(open_share("volumes:all/"), HANDLE_NONE);
	assert_int_equal(open_share("volumes:"), HANDLE_NONE);
}

static int ask_rename(handle_t client, uint64_t from, const char *name, uint64_t to,
                      const char *new_name)
{
	struct fuse_rename2_in in = { .newdir = to };

	return ask(client,
	           (struct request){ .opcode = FUSE_RENAME2,
	                             .node = from,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = strlen(name) + 1,
	                             .tail2 = new_name,
	                             .tail2_len = strlen(new_name) + 1 });
}

// A root that has one child for a client, though there are others.
static void test_one_child(void **state)
{
	handle_t one = begin_session("volumes:all/one/"), reader;
	uint64_t folder;

	(void)state;
	assert_int_equal(ask_name(one, FUSE_LOOKUP, FUSE_ROOT_ID, "one"), 0);
	assert_int_equal(entry_node(), 0);
	assert_int_equal(ask_mkdir(one, FUSE_ROOT_ID, "two"), -LINUX_ENOENT);
	assert_int_equal(ask_mkdir(one, FUSE_ROOT_ID, "one"), 0);
	folder = entry_node();
	assert_int_equal(ask_create(one, folder, "a"), 0);
	for (size_t i = 0; i < 2; i++) {
		const char *others[] = { "vol", ".." };

		assert_int_not_equal(ask_name(one, FUSE_LOOKUP, FUSE_ROOT_ID, others[i]), 0);
		assert_int_equal(ask_name(one, FUSE_RMDIR, FUSE_ROOT_ID, others[i]), -LINUX_EACCES);
	}
	assert_int_equal(ask_name(one, FUSE_RMDIR, FUSE_ROOT_ID, "one"), -LINUX_EACCES);
	assert_int_equal(ask_create(one, FUSE_ROOT_ID, "one"), -LINUX_EACCES);
	assert_int_equal(ask_rename(one, folder, "a", FUSE_ROOT_ID, "b"), -LINUX_EACCES);
	assert_int_equal(ask_rename(one, FUSE_ROOT_ID, "vol", folder, "b"), -LINUX_EACCES);
	assert_int_equal(ask_rename(one, folder, "a", folder, "b"), 0);
	reader = begin_session("volumes:ro/one/");
	assert_int_equal(ask_name(reader, FUSE_LOOKUP, FUSE_ROOT_ID, "one"), 0);
	assert_int_equal(entry_node(), folder);
	assert_int_equal(ask_create(reader, folder, "c"), -LINUX_EROFS);
	fake_close(&one);
	fake_close(&reader);
	settle();
	assert_int_equal(open_share("volumes:all/../"), HANDLE_NONE);
	assert_int_equal(open_share("volumes:all//"), HANDLE_NONE);
	assert_int_equal(open_share("volumes:one/"), HANDLE_NONE);
	assert_int_equal(open_at(own_service, FILES_OWN_FOLDER "/one/"), HANDLE_NONE);
	assert_int_equal(open_at(store_service, FILES_STORE_DISK "a/b/"), HANDLE_NONE);
}

// Whose folder an app gets is not the app's to say.
static void test_own_folders(void **state)
{
	handle_t one = open_own("one"), other = open_own("other");

	(void)state;
	assert_int_equal(init_session(one, ~0u), 0);
	assert_int_equal(init_session(other, ~0u), 0);
	assert_int_equal(ask_create(one, FUSE_ROOT_ID, "secret"), 0);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "secret"), 0);
	assert_int_equal(entry_node(), 0);
	fake_close(&one);
	one = open_own("one");
	assert_int_equal(init_session(one, ~0u), 0);
	assert_int_equal(ask_name(one, FUSE_LOOKUP, FUSE_ROOT_ID, "secret"), 0);
	assert_int_not_equal(entry_node(), 0);
	// By no name, by no name that is none, and not by the other service.
	assert_int_equal(open_at(own_service, FILES_OWN_FOLDER "one"), HANDLE_NONE);
	assert_int_equal(open_at(own_service, "volumes:app/one"), HANDLE_NONE);
	assert_int_equal(open_at(own_service, FILES_VOLUMES), HANDLE_NONE);
	assert_int_equal(open_share("volumes:app/one"), HANDLE_NONE);
	assert_int_equal(open_share(FILES_OWN_FOLDER), HANDLE_NONE);
	assert_int_equal(open_own(".."), HANDLE_NONE);
	assert_int_equal(open_own("a/b"), HANDLE_NONE);
	assert_int_equal(open_own(""), HANDLE_NONE);
	fake_close(&one);
	fake_close(&other);
	settle();
}

// A session that came back could have any node; so an app's own cannot come back.
static void test_own_folder_has_no_key(void **state)
{
	handle_t own = open_own("one");

	(void)state;
	send_key(own, 7);
	settle();
	assert_int_equal(init_session(own, ~0u), -1001);
	fake_close(&own);
	settle();
}

// What a reader cannot change in the store.
static void test_read_only_store(void **state)
{
	handle_t writer = open_store("store:images"), reader = open_store("store-ro:images");
	uint64_t folder;

	(void)state;
	assert_int_equal(init_session(writer, ~0u), 0);
	assert_int_equal(init_session(reader, ~0u), 0);
	assert_int_equal(ask_name(reader, FUSE_LOOKUP, FUSE_ROOT_ID, "layers"), 0);
	assert_int_equal(entry_node(), 0);
	assert_int_equal(ask_mkdir(writer, FUSE_ROOT_ID, "layers"), 0);
	assert_int_equal(ask_name(reader, FUSE_LOOKUP, FUSE_ROOT_ID, "layers"), 0);
	folder = entry_node();
	assert_int_not_equal(folder, 0);
	assert_int_equal(ask_create(reader, folder, "a"), -LINUX_EROFS);
	assert_int_equal(ask_name(reader, FUSE_RMDIR, FUSE_ROOT_ID, "layers"), -LINUX_EROFS);
	assert_int_equal(ask_name(writer, FUSE_RMDIR, FUSE_ROOT_ID, "layers"), 0);
	fake_close(&reader);
	fake_close(&writer);
	settle();
}

// One folder a name, for all who may use the service.
static void test_store(void **state)
{
	handle_t logs = open_store("store:logs"), layers = open_store("store:layers"), again, child;

	(void)state;
	assert_int_equal(init_session(logs, ~0u), 0);
	assert_int_equal(init_session(layers, ~0u), 0);
	assert_int_equal(ask_create(logs, FUSE_ROOT_ID, "log"), 0);
	assert_int_equal(ask_name(layers, FUSE_LOOKUP, FUSE_ROOT_ID, "log"), 0);
	assert_int_equal(entry_node(), 0);
	again = open_store("store:logs");
	assert_int_equal(init_session(again, ~0u), 0);
	assert_int_equal(ask_name(again, FUSE_LOOKUP, FUSE_ROOT_ID, "log"), 0);
	assert_int_not_equal(entry_node(), 0);
	// One in there, made as it is opened.
	child = open_store("store:logs/id");
	assert_int_equal(init_session(child, ~0u), 0);
	assert_int_equal(ask_create(child, FUSE_ROOT_ID, "1"), 0);
	assert_int_equal(ask_name(child, FUSE_LOOKUP, FUSE_ROOT_ID, "log"), 0);
	assert_int_equal(entry_node(), 0);
	assert_int_equal(ask_name(again, FUSE_LOOKUP, FUSE_ROOT_ID, "id"), 0);
	assert_int_not_equal(entry_node(), 0);
	fake_close(&child);
	assert_int_equal(open_store("store:"), HANDLE_NONE);
	assert_int_equal(open_store("store:.."), HANDLE_NONE);
	assert_int_equal(open_store("store:a/b/c"), HANDLE_NONE);
	assert_int_equal(open_store("store:a/.."), HANDLE_NONE);
	assert_int_equal(open_store("store:a/"), HANDLE_NONE);
	assert_int_equal(open_store("store:/b"), HANDLE_NONE);
	assert_int_equal(open_store(FILES_VOLUMES), HANDLE_NONE);
	assert_int_equal(open_share("store:logs"), HANDLE_NONE);
	fake_close(&logs);
	fake_close(&layers);
	fake_close(&again);
	settle();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_volumes_are_submounts),
		TEST(test_a_session_leaves_nodes_to_others),
		TEST(test_no_open),
		TEST(test_destroy),
		TEST(test_destroy_twice),
		TEST(test_destroy_of_who_changed_nothing),
		TEST(test_an_open_may_cut),
		TEST(test_a_file_stays_while_it_is_known),
		TEST(test_what_nobody_knows_goes_at_once),
		TEST(test_tmpfile),
		TEST(test_nodes_of_others),
		TEST(test_read_only),
		TEST(test_read_only_store),
		TEST(test_no_such_share),
		TEST(test_one_child),
		TEST(test_own_folders),
		TEST(test_own_folder_has_no_key),
		TEST(test_store),
		TEST(test_a_file_is_closed_without_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
