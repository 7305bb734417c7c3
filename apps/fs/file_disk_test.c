// SPDX-License-Identifier: MIT
//
// What is read from a file as a block device, written to it and refused.
#include "apps/fs/file_disk_fixture.h"

static void check_write(uint64_t sector, uint32_t offset, uint32_t length)
{
	handle_t folio;
	uint8_t *bytes;

	folio = make_folio(&bytes);
	for (uint32_t i = 0; i < length; i++)
		bytes[offset + i] = (uint8_t)rand();
	memcpy(model + sector * BLKDEV_SECTOR_SIZE, bytes + offset, length);
	assert_int_equal(transfer(true, sector, offset, length, folio), 0);
}

static void test_a_disk(void **state)
{
	uint32_t flags = ~0u;

	(void)state;
	assert_int_equal(take_info(disk, &flags), FILE_SIZE / BLKDEV_SECTOR_SIZE);
	assert_int_equal(flags, BLKDEV_DISCARDS);
	check_all();
	check_write(8, 4096, 8192);  // whole blocks, as they are
	check_write(3, 512, 512);    // within one, into a hole
	check_write(9, 0, 1024);     // and into one that is there
	check_write(30, 1536, 9000 / 512 * 512);
	check_all();
	// The file has it, and its size is as it was.
	assert_int_equal(ask_read(store, file, 0, 65536), 0);
	assert_int_equal(answer.len, 65536);
	assert_memory_equal(answer.body, model, 65536);
}

static void test_any_sectors(void **state)
{
	uint32_t flags;

	(void)state;
	srand(3);
	take_info(disk, &flags);
	for (int i = 0; i < 300; i++) {
		uint32_t sector = (uint32_t)rand() % (FILE_SIZE / 512);
		uint32_t count = 1 + (uint32_t)rand() % (rand() % 2 ? 12 : 200);
		uint32_t offset = (uint32_t)rand() % 64 * 512;

		if (rand() % 3 == 0) {
			sector &= ~7u;
			count = (count + 7) & ~7u;
			offset &= ~4095u;
		}
		if (count > FILE_SIZE / 512 - sector)
			count = FILE_SIZE / 512 - sector;
		if (rand() % 2)
			check_write(sector, offset, count * 512);
		else
			check_read(sector, offset, count * 512);
	}
	check_all();
}

// A write that is not of whole blocks waits while others have all memory for such.
static void test_bounced(void **state)
{
	struct msg_blkdev_request request = { .sector = 3, .id = 7, .length = 512 };
	struct msg_blkdev_reply reply = { 0 };
	struct call *holder = call_create(&fs, NULL);
	handle_t back = HANDLE_NONE;
	uint8_t *bytes;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	holder->data.bounced = fs.bounced = FS_BOUNCE_MAX;
	send_request(disk, true, &request, make_folio(&bytes));
	for (int i = 0; i < 20; i++)
		settle();
	assert_false(take_reply(disk, &reply, &back));
	call_free(holder);
	calls_run(&fs);
	for (int i = 0; i < 100 && !take_reply(disk, &reply, &back); i++)
		settle();
	assert_int_equal(reply.id, 7);
	assert_int_equal(reply.status, 0);
	assert_int_equal(fs.bounced, 0);
	handle_close(back);
}

static void test_flush(void **state)
{
	struct msg_blkdev_flush flush = { .id = 31 };
	struct msg_blkdev_reply reply;
	handle_t folio;
	struct message m;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	assert_int_equal(message_encode_blkdev_flush(&m, &flush, NULL, 0), 0);
	fake_send(disk, &m);
	settle();
	assert_true(take_reply(disk, &reply, &folio));
	assert_int_equal(reply.id, 31);
	assert_int_equal(reply.status, 0);
	assert_int_equal(folio, HANDLE_NONE);
}

static error_t discard(uint64_t sector, uint32_t num_sectors)
{
	struct msg_blkdev_discard request = { .sector = sector,
		                              .num_sectors = num_sectors,
		                              .id = 9 };
	struct msg_blkdev_reply reply = { 0 };
	struct message m;
	handle_t folio;

	assert_int_equal(message_encode_blkdev_discard(&m, &request, NULL, 0), 0);
	fake_send(disk, &m);
	settle();
	assert_true(take_reply(disk, &reply, &folio));
	assert_int_equal(reply.id, 9);
	assert_int_equal(folio, HANDLE_NONE);
	return reply.status;
}

static uint64_t free_blocks(void)
{
	struct ext4_statfs st;

	ext4_statfs(fs.ext4, &st);
	return st.free_blocks;
}

// Whole blocks are given back, and read as zeroes; what is beside them stays.
static void test_discards(void **state)
{
	uint64_t before;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	check_write(0, 0, 64 * 1024);
	before = free_blocks();
	assert_int_equal(discard(9, 40), 0);
	memset(model + 16 * 512, 0, 32 * 512);
	check_all();
	assert_int_equal(free_blocks() - before, 4);
	assert_int_equal(discard(1, 6), 0);
	assert_int_equal(discard(0, FILE_SIZE / 512 + 1), ERR_RANGE);
	assert_int_equal(discard(UINT64_MAX, 2), ERR_RANGE);
	assert_int_equal(discard(0, 0), ERR_RANGE);
	check_all();
	assert_int_equal(discard(0, FILE_SIZE / 512), 0);
	memset(model, 0, sizeof(model));
	check_all();
	assert_int_equal(free_blocks() - before, 16);
	check_write(8, 4096, 8192);
	check_all();
	fake_close(&disk);
	settle();
	disk = open_disk(FILES_STORE_DISK_READ_ONLY "layers/a");
	take_info(disk, &flags);
	assert_int_equal(discard(0, 8), ERR_ACCESS);
	check_all();
}

// What is wrong is refused, and the folio comes back.
static void test_refused(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t offset, length;
	} bad[] = {
		{ 0, 0, 0 },        { 0, 0, 100 },          { 0, 100, 512 },
		{ 512, 0, 512 },    { UINT64_MAX, 0, 512 }, { 1ull << 55, 0, 512 },
		{ 511, 0, 1024 },   { 0, FOLIO_SIZE, 512 }, { 0, 0xfffffe00u, 512 },
		{ 0, 0, 2u << 20 },
	};
	uint8_t *bytes;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(transfer(false, bad[i].sector, bad[i].offset, bad[i].length,
		                     make_folio(&bytes)) < 0);
		assert_true(transfer(true, bad[i].sector, bad[i].offset, bad[i].length,
		                     make_folio(&bytes)) < 0);
	}
	check_all();
	disk_bad_block = 0;
	fake_close(&disk);
	settle();
	disk = open_disk(FILES_STORE_DISK_READ_ONLY "layers/a");
	assert_int_equal(take_info(disk, &flags), FILE_SIZE / BLKDEV_SECTOR_SIZE);
	assert_int_equal(flags, BLKDEV_READ_ONLY);
	assert_int_equal(transfer(true, 0, 0, 512, make_folio(&bytes)), ERR_ACCESS);
	disk_bad_block = UINT64_MAX;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_disk, teardown_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_disk),   TEST(test_any_sectors), TEST(test_bounced),
		TEST(test_discards), TEST(test_flush),       TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
