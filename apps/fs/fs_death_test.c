// SPDX-License-Identifier: MIT
//
// The app as its clients see it, on the file system in memory, when it dies and comes back.
#include "apps/fs/ext4_parts_fake.h"
#include "apps/fs/fs_memory_fixture.h"

#define KEY 0x1234567890ull

static handle_t kept_begin(void)
{
	handle_t end = open_share(FILES_VOLUMES);

	send_key(end, KEY);
	assert_int_equal(init_session(end, ~0u), 0);
	return end;
}

static handle_t kept_again(void)
{
	handle_t end;

	app_dies();
	end = open_share(FILES_VOLUMES);
	send_key(end, KEY);
	settle();
	return end;
}

// A request that was answered before is not done again, one that was not is.
static void test_replies_outlive_the_app(void **state)
{
	struct request rmdir = { .opcode = FUSE_RMDIR, .node = FUSE_ROOT_ID, .unique = 33 };

	(void)state;
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_mkdir(session, FUSE_ROOT_ID, "gone"), 0);
	rmdir.tail = "gone";
	rmdir.tail_len = 5;
	assert_int_equal(ask(session, rmdir), 0);
	session = kept_again();
	assert_int_equal(fs.num_returned, 1);
	assert_int_equal(ask(session, rmdir), 0);
	rmdir.unique += FILES_MAX_REQUESTS;
	assert_int_equal(ask(session, rmdir), -LINUX_ENOENT);
}

// One that was being done when the app died is done once, at whatever point that was.
static void test_death_in_the_midst(void **state)
{
	struct request mkdir = { .opcode = FUSE_MKDIR, .node = FUSE_ROOT_ID, .tail_len = 3 };
	struct fuse_mkdir_in in = { .mode = 0x1ed };
	char name[3] = "d0";

	(void)state;
	mkdir.fixed = &in;
	mkdir.fixed_len = sizeof(in);
	mkdir.tail = name;
	fake_close(&session);
	session = kept_begin();
	for (int turns = 0; turns < 40; turns++) {
		name[0] = (char)('A' + turns);
		mkdir.unique = 5 + (uint64_t)turns * FILES_MAX_REQUESTS;
		request_send(session, &mkdir);
		for (int i = 0; i < turns / 4; i++) {
			(void)loop_turn(&fs.loop, 0);
			if (turns % 2 == 0)
				disk_serves();
		}
		session = kept_again();
		assert_int_equal(ask(session, mkdir), 0);
	}
}

#define APPENDED 6000u

static struct request append(uint64_t file, struct fuse_write_in *in, const uint8_t *data)
{
	in->flags = 0x400;
	return (struct request){ .opcode = FUSE_WRITE,
		                 .node = file,
		                 .fixed = in,
		                 .fixed_len = sizeof(*in),
		                 .tail = data,
		                 .tail_len = in->size };
}

// Another container appends a little.
static void other_appends(uint64_t file)
{
	struct fuse_write_in in = { .size = 10 };
	handle_t other = begin_session(FILES_VOLUMES);

	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, volume, "log"), 0);
	assert_int_equal(ask(other, append(file, &in, (const uint8_t *)"..........")), 0);
	fake_close(&other);
	settle();
}

// Each byte that was appended is in the file once, and those of a write follow each other.
static void check_log(uint64_t file, uint32_t size, unsigned rounds)
{
	static uint32_t counts[256];
	uint32_t runs = 0;

	memset(counts, 0, sizeof(counts));
	for (uint32_t at = 0; at < size; at += answer.len) {
		assert_int_equal(ask_read(session, file, at, FS_MAX_DATA), 0);
		assert_int_not_equal(answer.len, 0);
		for (uint32_t i = 0; i < answer.len; i++) {
			counts[answer.body[i]]++;
			runs += i > 0 && answer.body[i] != answer.body[i - 1];
		}
	}
	assert_int_equal(ask_read(session, file, size, 1), 0);
	assert_int_equal(answer.len, 0);
	for (unsigned i = 0; i < rounds; i++)
		assert_int_equal(counts['A' + i], APPENDED);
	assert_int_equal(counts['.'], rounds / 2 * 10);
	assert_true(runs < rounds * 3);
}

static void test_death_while_appending(void **state)
{
	const unsigned rounds = 50;
	static uint8_t data[APPENDED];
	uint32_t size = 0;
	uint64_t file;

	(void)state;
	ext4_fake_waits = 0;
	file = make_file("log");
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "log"), 0);
	for (unsigned round = 0; round < rounds; round++) {
		struct fuse_write_in in = { .offset = size, .size = APPENDED };
		struct fuse_write_out out;
		struct request request;

		memset(data, (int)('A' + round), sizeof(data));
		request = append(file, &in, data);
		request.unique = 7 + (uint64_t)round * FILES_MAX_REQUESTS;
		request_send(session, &request);
		for (unsigned i = 0; i < round / 2; i++) {
			(void)loop_turn(&fs.loop, 0);
			disk_serves();
		}
		session = kept_again();
		if (round % 2 != 0)
			other_appends(file);
		assert_int_equal(ask(session, request), 0);
		memcpy(&out, answer.body, sizeof(out));
		in.size -= out.size;
		in.offset += out.size;
		if (in.size > 0)
			assert_int_equal(ask(session, append(file, &in, data)), 0);
		size += APPENDED + (round % 2 != 0 ? 10 : 0);
	}
	check_log(file, size, rounds);
}

// One that had the file and left has appended, which the first client does not know.
static void test_append_after_another(void **state)
{
	struct fuse_write_in in = { .size = 10 };
	uint64_t file = make_file("log");

	(void)state;
	assert_int_equal(ask(session, append(file, &in, (const uint8_t *)"0123456789")), 0);
	other_appends(file);
	in.offset = 10;
	assert_int_equal(ask(session, append(file, &in, (const uint8_t *)"abcdefghij")), 0);
	assert_int_equal(ask_read(session, file, 0, 100), 0);
	assert_int_equal(answer.len, 30);
	assert_memory_equal(answer.body, "0123456789..........abcdefghij", 30);
}

static void test_open_files_outlive_the_app(void **state)
{
	uint64_t file;
	uint32_t inodes;

	(void)state;
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	file = make_file("a");
	assert_int_equal(ask_write(session, file, 0, "hello", 5, 0), 0);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	inodes = ext4_fake_inodes();
	session = kept_again();
	assert_int_equal(ext4_fake_inodes(), inodes);
	assert_int_equal(ask_read(session, file, 0, 10), 0);
	assert_int_equal(answer.len, 5);
	send_forget(session, file, 1);
	assert_int_equal(ext4_fake_inodes(), inodes - 1);
}

// Nobody comes back: what was open is freed after a while.
static void test_sessions_that_do_not_return(void **state)
{
	uint32_t inodes;

	(void)state;
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	(void)make_file("a");
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	inodes = ext4_fake_inodes();
	app_dies();
	session = HANDLE_NONE;
	assert_int_equal(fs.num_awaited, 1);
	assert_int_equal(ext4_fake_inodes(), inodes);
	fake_time_pass((FS_RETURN_SECONDS + 1) * NSEC_PER_SEC);
	settle();
	assert_int_equal(ext4_fake_inodes(), inodes - 1);
}

// One who goes on with a session that is not known is closed.
static void test_unknown_key(void **state)
{
	handle_t end = open_share(FILES_VOLUMES);

	(void)state;
	send_key(end, 99);
	assert_int_equal(ask_name(end, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), -1001);
	fake_close(&end);
	settle();
}

static void send_getattr(uint64_t node)
{
	static const struct fuse_getattr_in in;

	request_send(session,
	             &(struct request){ .opcode = FUSE_GETATTR,
	                                .node = node,
	                                .unique = 17,
	                                .fixed = &in,
	                                .fixed_len = sizeof(in) });
	fake_loop_settle(&fs.loop);
}

// What waits for the disk when its session ends is given no nodes after that.
static void test_a_session_that_returned_ends_while_it_waits(void **state)
{
	uint64_t file;

	(void)state;
	ext4_fake_waits = 0;
	file = make_file("left");
	fake_close(&session);
	session = kept_begin();
	session = kept_again();
	ext4_fake_waits = 256;
	send_getattr(file);
	assert_int_equal(fs.num_calls, 1);
	fake_close(&session);
	fake_loop_settle(&fs.loop);
	assert_int_equal(fs.num_calls, 1);
	ext4_fake_waits = 0;
	settle();
	assert_int_equal(fs.num_sessions, 0);
	assert_int_equal(fs.num_refs, 0);
}

// Who forgets a file without a name too early, and asks for it while it is freed, has none then.
static void test_what_is_being_freed_is_asked_for(void **state)
{
	uint64_t file;

	(void)state;
	ext4_fake_waits = 0;
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	file = make_file("gone");
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "gone"), 0);
	assert_int_equal(fs.num_nameless, 1);
	session = kept_again();
	ext4_fake_waits = 256;
	send_forget(session, file, 1);
	fake_loop_settle(&fs.loop);
	assert_int_equal(fs.num_releases, 1);
	ext4_fake_waits = 0;
	send_getattr(file);
	assert_int_equal(fs.num_refs, 1);
	settle();
	assert_int_equal(fs.num_releases, 0);
	fake_close(&session);
	settle();
	assert_int_equal(fs.num_nameless, 0);
}

// Nobody knows what it has changed in the instance before: its end waits for the disk.
static void test_destroy_of_who_returned(void **state)
{
	struct request destroy = { .opcode = FUSE_DESTROY, .node = FUSE_ROOT_ID };
	uint32_t syncs;
	handle_t other;

	(void)state;
	fake_close(&session);
	session = kept_begin();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	(void)make_file("a");
	session = kept_again();
	// The disk stays in use.
	other = begin_session(FILES_VOLUMES);
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	syncs = fs.ext4->num_syncs;
	assert_int_equal(ask(session, destroy), 0);
	assert_int_equal(fs.ext4->num_syncs, syncs + 1);
	fake_close(&other);
	settle();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_replies_outlive_the_app),
		TEST(test_death_in_the_midst),
		TEST(test_death_while_appending),
		TEST(test_append_after_another),
		TEST(test_open_files_outlive_the_app),
		TEST(test_sessions_that_do_not_return),
		TEST(test_unknown_key),
		TEST(test_a_session_that_returned_ends_while_it_waits),
		TEST(test_what_is_being_freed_is_asked_for),
		TEST(test_destroy_of_who_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
