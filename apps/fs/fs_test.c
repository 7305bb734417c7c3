// SPDX-License-Identifier: MIT
//
// The app as its clients see it, on the file system in memory.
#include "apps/fs/fs_fixture.h"

#include <cmocka.h>

#include <stdio.h>

#include "apps/fs/ext4_fake.h"

#define DIRECT_AT (EXT4_BLOCK_SIZE - 80u)

static handle_t session;
static uint64_t volume;

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	fake_close(&session);
	settle();
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	assert_int_equal(fs.num_sessions, 0);
	assert_int_equal(fs.num_calls, 0);
	assert_int_equal(fs.state, FS_CLOSED);
	return 0;
}

static uint64_t make_file(const char *name)
{
	assert_int_equal(ask_create(session, volume, name), 0);
	return entry_node();
}

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
	assert_int_equal(out.attr.flags, FUSE_ATTR_SUBMOUNT);
	assert_int_equal(ask_mkdir(session, volume, "in"), 0);
	memcpy(&out, answer.body, sizeof(out));
	assert_int_equal(out.attr.flags, 0);
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

static void test_bad_block(void **state)
{
	uint64_t file = make_file("a");
	uint8_t data[EXT4_BLOCK_SIZE] = { 1 };

	(void)state;
	ext4_fake_waits = 0;
	assert_int_equal(ask_write(session, file, 0, data, sizeof(data), DIRECT_AT), 0);
	disk_bad_block = 2;
	assert_int_equal(ask_read(session, file, 0, 10), -LINUX_EIO);
	disk_bad_block = UINT64_MAX;
	assert_int_equal(ask_read(session, file, 0, 10), 0);
	// What could not be written does not become the file's.
	disk_bad_block = 3;
	assert_int_equal(ask_write(session, file, 4096, data, sizeof(data), DIRECT_AT), -LINUX_EIO);
	disk_bad_block = UINT64_MAX;
	assert_int_equal(ext4_fake_reserved(), 0);
	assert_int_equal(ask_read(session, file, 0, 10000), 0);
	assert_int_equal(answer.len, 4096);
}

// --- A death of the app --------------------------------------------------------------------------

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

// --- Bytes, against a model ----------------------------------------------------------------------

#define MODEL_MAX (640u * 1024)

struct model {
	uint64_t node;
	uint32_t size;
	uint8_t bytes[MODEL_MAX];
};

static struct model model;
static uint8_t data[FS_MAX_DATA];

static void model_write(uint32_t offset, uint32_t len)
{
	if (offset > model.size)
		memset(model.bytes + model.size, 0, offset - model.size);
	memcpy(model.bytes + offset, data, len);
	if (offset + len > model.size)
		model.size = offset + len;
}

static void model_zero(uint32_t offset, uint32_t len)
{
	if (offset >= model.size)
		return;
	memset(model.bytes + offset, 0, len < model.size - offset ? len : model.size - offset);
}

static void model_truncate(uint32_t size)
{
	if (size > model.size)
		memset(model.bytes + model.size, 0, size - model.size);
	model.size = size;
}

// Lengths and places around the edges of blocks, or anywhere.
static uint32_t any(uint32_t max)
{
	uint32_t value = (uint32_t)rand() % max;

	switch (rand() % 4) {
	case 0: return value & ~4095u;
	case 1: return value & 1 ? (value & ~4095u) | 4095 : (value & ~4095u) + 1;
	case 2: return (uint32_t)rand() % 5000;
	default: return value;
	}
}

static void check_all(void)
{
	for (uint32_t at = 0; at < MODEL_MAX; at += FS_MAX_DATA) {
		uint32_t want = at >= model.size ? 0 : model.size - at;

		if (want > FS_MAX_DATA)
			want = FS_MAX_DATA;
		assert_int_equal(ask_read(session, model.node, at, FS_MAX_DATA), 0);
		assert_int_equal(answer.len, want);
		assert_memory_equal(answer.body, model.bytes + at, want);
	}
}

static void change(void)
{
	uint32_t offset = any(MODEL_MAX / 2), len = 1 + any(FS_MAX_DATA - 5100);

	switch (rand() % 9) {
	case 0:
	case 1:
	case 2:
	case 3:
		for (uint32_t i = 0; i < len; i++)
			data[i] = (uint8_t)rand();
		assert_int_equal(ask_write(session, model.node, offset, data, len,
		                           rand() % 2 ? DIRECT_AT : 0),
		                 0);
		model_write(offset, len);
		break;
	case 4:
	case 8:
		assert_int_equal(ask_truncate(session, model.node, offset), 0);
		model_truncate(offset);
		break;
	case 5:
		assert_int_equal(ask_fallocate(session, model.node, offset, len, 3), 0);
		model_zero(offset, len);
		break;
	case 6:
		assert_int_equal(ask_fallocate(session, model.node, offset, len, 0x10), 0);
		if (offset + len > model.size)
			model_truncate(offset + len);
		model_zero(offset, len);
		break;
	default:
		assert_int_equal(ask_fallocate(session, model.node, offset, len, 0), 0);
		if (offset + len > model.size)
			model_truncate(offset + len);
		break;
	}
}

static void test_bytes(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 6; round++) {
		char name[] = { (char)('a' + round), 0 };

		memset(&model, 0, sizeof(model));
		model.node = make_file(name);
		for (int i = 0; i < 100; i++) {
			change();
			check_all();
		}
		assert_int_equal(ask_name(session, FUSE_UNLINK, volume, name), 0);
	}
	assert_int_equal(ext4_fake_reserved(), 0);
}

// What a client lends comes back, with the reply in it or beside it; nothing that was in it before
// is in a reply.
static void test_lent_folios(void **state)
{
	uint64_t file = make_file("a");
	static uint8_t expected[6 * 4096];

	(void)state;
	memset(expected, 'x', 4096);
	memset(expected + 5 * 4096, 'y', 100);
	assert_int_equal(ask_write(session, file, 0, expected, 4096, FILES_WRITE_OFFSET), 0);
	assert_int_equal(answer.folio, 0);  // it lends none yet
	assert_int_equal(ask_write(session, file, 5 * 4096, expected + 5 * 4096, 100, 0), 0);
	assert_int_equal(ask_read_lending(session, file, 0, sizeof(expected)), 0);
	assert_int_equal(answer.folio, FILES_LOAN_BYTES);
	assert_int_equal(answer.len, 5 * 4096 + 100);
	assert_memory_equal(answer.body, expected, answer.len);
	assert_int_equal(ask_read_lending(session, file, 4096 - 7, 20), 0);
	assert_memory_equal(answer.body, expected + 4096 - 7, 20);
	// Nothing is there to be read.
	assert_int_equal(ask_read_lending(session, file, sizeof(expected), 10), 0);
	assert_true(answer.len == 0 && answer.folio == FILES_LOAN_BYTES);
	assert_int_equal(ask_read_lending(session, file + 1, 0, 10), -LINUX_ESTALE);
	assert_int_equal(answer.folio, FILES_LOAN_BYTES);
	// Folios of requests come back to who lends.
	assert_int_equal(ask_write(session, file, 0, expected, 4096, FILES_WRITE_OFFSET), 0);
	assert_int_not_equal(answer.folio, 0);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, "a"), 0);
	assert_int_equal(answer.folio, 0);
}

static void test_full_disk(void **state)
{
	uint64_t file = make_file("a");
	struct fuse_write_out out;
	uint64_t offset = 0;
	int result;

	(void)state;
	for (int i = 0;
	     (result = ask_write(session, file, offset, data, sizeof(data), 0)) == 0 && i < 64;
	     i++) {
		memcpy(&out, answer.body, sizeof(out));
		offset += out.size;
		if (out.size < sizeof(data))
			break;
	}
	// The fake's files end before its disk does.
	assert_int_equal(offset, 512u * 4096);
	assert_int_equal(ask_write(session, file, offset, data, sizeof(data), 0), -LINUX_ENOSPC);
	assert_int_equal(ask_fallocate(session, file, 0, DISK_BLOCKS * 4096ull * 2, 0),
	                 -LINUX_ENOSPC);
	assert_int_equal(ext4_fake_reserved(), 0);
}

static int make_one(const char *name)
{
	struct fuse_mknod_in in = { .mode = LINUX_S_IFREG | 0x1a4u };

	return ask(session,
	           (struct request){ .opcode = FUSE_MKNOD,
	                             .node = volume,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = (uint32_t)strlen(name) + 1 });
}

// The client has forgotten a removed file just before it asks for another one: there is room for
// that when the first one is freed, a block at a time.
static void test_room_that_is_being_freed(void **state)
{
	const struct fuse_forget_in once = { .nlookup = 1 };
	uint64_t file = make_file("a");
	uint32_t number = 0;
	char name[16];
	int result = 0;

	(void)state;
	assert_int_equal(ask_write(session, file, 0, data, sizeof(data), 0), 0);
	for (; result == 0; number++) {
		snprintf(name, sizeof(name), "%u", number);
		result = make_one(name);
	}
	assert_int_equal(result, -LINUX_ENOSPC);
	assert_int_equal(ask_name(session, FUSE_UNLINK, volume, "a"), 0);
	assert_int_equal(make_one("b"), -LINUX_ENOSPC);
	request_send(session,
	             &(struct request){ .opcode = FUSE_FORGET,
	                                .node = file,
	                                .fixed = &once,
	                                .fixed_len = sizeof(once) });
	assert_int_equal(make_one("b"), 0);
	assert_int_equal(make_one("c"), -LINUX_ENOSPC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_volumes_are_submounts),
		TEST(test_no_open),
		TEST(test_destroy),
		TEST(test_destroy_twice),
		TEST(test_an_open_may_cut),
		TEST(test_a_file_stays_while_it_is_known),
		TEST(test_what_nobody_knows_goes_at_once),
		TEST(test_tmpfile),
		TEST(test_nodes_of_others),
		TEST(test_read_only),
		TEST(test_no_such_share),
		TEST(test_own_folders),
		TEST(test_own_folder_has_no_key),
		TEST(test_bad_block),
		TEST(test_replies_outlive_the_app),
		TEST(test_death_in_the_midst),
		TEST(test_death_while_appending),
		TEST(test_append_after_another),
		TEST(test_open_files_outlive_the_app),
		TEST(test_sessions_that_do_not_return),
		TEST(test_unknown_key),
		TEST(test_bytes),
		TEST(test_lent_folios),
		TEST(test_full_disk),
		TEST(test_room_that_is_being_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
