// SPDX-License-Identifier: MIT
//
// The app as its clients see it, on the file system in memory: bytes of files, and room for them.
#include <stdio.h>

#include "apps/fs/fs_memory_fixture.h"

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

static void test_bad_block(void **state)
{
	uint64_t file = make_file("a");
	uint8_t block[EXT4_BLOCK_SIZE] = { 1 };

	(void)state;
	ext4_fake_waits = 0;
	assert_int_equal(ask_write(session, file, 0, block, sizeof(block), DIRECT_AT), 0);
	disk_bad_block = 2;
	assert_int_equal(ask_read(session, file, 0, 10), -LINUX_EIO);
	disk_bad_block = UINT64_MAX;
	assert_int_equal(ask_read(session, file, 0, 10), 0);
	// What could not be written does not become the file's.
	disk_bad_block = 3;
	assert_int_equal(ask_write(session, file, 4096, block, sizeof(block), DIRECT_AT),
	                 -LINUX_EIO);
	disk_bad_block = UINT64_MAX;
	assert_int_equal(ext4_fake_reserved(), 0);
	assert_int_equal(ask_read(session, file, 0, 10000), 0);
	assert_int_equal(answer.len, 4096);
}

// One of many steps, none of which waits for anything.
static void test_a_long_call_lets_others_go_on(void **state)
{
	struct fuse_setattr_in cut = { .valid = FATTR_SIZE };
	struct request request = { .opcode = FUSE_SETATTR,
		                   .node = make_file("long"),
		                   .unique = 64,
		                   .fixed = &cut,
		                   .fixed_len = sizeof(cut) };
	handle_t other = begin_session(FILES_VOLUMES);
	static struct answer answers[2];

	(void)state;
	ext4_fake_waits = 0;
	assert_int_equal(ask_fallocate(session, request.node, 0, 400 * 4096, 0), 0);
	request_send(session, &request);
	request_send(
		other,
		&(struct request){ .opcode = FUSE_STATFS, .node = FUSE_ROOT_ID, .unique = 64 });
	while (!reply_take(other, &answers[1]))
		assert_int_equal(loop_turn(&fs.loop, 0), 0);
	assert_false(reply_take(session, &answers[0]));
	settle();
	assert_true(reply_take(session, &answers[0]));
	assert_int_equal(answers[0].error, 0);
	fake_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_block),
		TEST(test_bytes),
		TEST(test_lent_folios),
		TEST(test_full_disk),
		TEST(test_room_that_is_being_freed),
		TEST(test_a_long_call_lets_others_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
