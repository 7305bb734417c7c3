// SPDX-License-Identifier: MIT
//
// A file as a block device, on the file system in memory.
#include "apps/fs/fs_memory_fixture.h"

#define FILE_SIZE (256u * 1024)
#define FOLIO_SIZE (160u * 1024)

static uint64_t file;
static handle_t store;
static handle_t disk;
static uint8_t model[FILE_SIZE];

static handle_t open_disk(const char *uri)
{
	return open_at(store_service, uri);
}

static int setup_disk(void **state)
{
	setup(state);
	store = open_disk(FILES_STORE_PREFIX "layers");
	assert_int_equal(init_session(store, ~0u), 0);
	assert_int_equal(ask_create(store, FUSE_ROOT_ID, "a"), 0);
	file = entry_node();
	assert_int_equal(ask_truncate(store, file, FILE_SIZE), 0);
	disk = open_disk(FILES_STORE_DISK "layers/a");
	assert_int_not_equal(disk, HANDLE_NONE);
	memset(model, 0, sizeof(model));
	return 0;
}

static int teardown_disk(void **state)
{
	if (disk != HANDLE_NONE)
		fake_close(&disk);
	fake_close(&store);
	assert_int_equal(ext4_fake_reserved(), 0);
	return teardown(state);
}

static uint64_t take_info(handle_t channel, uint32_t *flags)
{
	struct msg_blkdev_info info;
	const uint8_t *tail;
	struct message m;
	size_t len;

	assert_int_equal(channel_recv(channel, &m), 0);
	assert_int_equal(message_decode_blkdev_info(&m, &info, &tail, &len), 0);
	*flags = info.flags;
	return info.num_sectors;
}

static handle_t make_folio(uint8_t **bytes)
{
	handle_t folio;
	void *base;

	assert_int_equal(folio_create(FOLIO_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(folio_map(folio, PROT_READ | PROT_WRITE, &base), 0);
	memset(base, 0xcc, FOLIO_SIZE);
	*bytes = base;
	return folio;
}

static void send_request(handle_t channel, bool write, const struct msg_blkdev_request *request,
                         handle_t folio)
{
	struct message m;

	assert_int_equal(message_encode_blkdev_request(&m, request, NULL, 0), 0);
	if (write)
		m.type = MSG_BLKDEV_WRITE;
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	fake_send(channel, &m);
}

static bool take_reply(handle_t channel, struct msg_blkdev_reply *reply, handle_t *folio)
{
	const uint8_t *tail;
	struct message m;
	size_t len;

	if (channel_recv(channel, &m) != 0)
		return false;
	assert_int_equal(message_decode_blkdev_reply(&m, reply, &tail, &len), 0);
	*folio = m.num_handles == 1 ? m.handles[0] : HANDLE_NONE;
	return true;
}

// Asks and waits. The folio is always given back.
static error_t transfer(bool write, uint64_t sector, uint32_t offset, uint32_t length,
                        handle_t folio)
{
	struct msg_blkdev_request request = { .sector = sector,
		                              .id = 7,
		                              .offset = offset,
		                              .length = length };
	struct msg_blkdev_reply reply;
	handle_t back = HANDLE_NONE;

	send_request(disk, write, &request, folio);
	for (int i = 0; i < 100; i++) {
		settle();
		if (!take_reply(disk, &reply, &back))
			continue;
		assert_int_equal(reply.id, 7);
		assert_int_not_equal(back, HANDLE_NONE);
		handle_close(back);
		return reply.status;
	}
	fail();
	return ERR_TIMED_OUT;
}

static void check_read(uint64_t sector, uint32_t offset, uint32_t length)
{
	struct msg_blkdev_request request = { .sector = sector,
		                              .id = 3,
		                              .offset = offset,
		                              .length = length };
	struct msg_blkdev_reply reply = { 0 };
	handle_t folio, back = HANDLE_NONE;
	uint8_t *bytes;
	void *base;

	folio = make_folio(&bytes);
	send_request(disk, false, &request, folio);
	for (int i = 0; i < 100 && !take_reply(disk, &reply, &back); i++)
		settle();
	assert_int_equal(reply.id, 3);
	assert_int_equal(reply.status, 0);
	assert_int_equal(folio_map(back, PROT_READ, &base), 0);
	bytes = base;
	assert_memory_equal(bytes + offset, model + sector * BLKDEV_SECTOR_SIZE, length);
	// Nothing beside it is touched.
	for (uint32_t i = 0; i < offset; i++)
		assert_int_equal(bytes[i], 0xcc);
	for (uint32_t i = offset + length; i < FOLIO_SIZE; i++)
		assert_int_equal(bytes[i], 0xcc);
	handle_close(back);
}

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

static void check_all(void)
{
	check_read(0, 0, 128 * 1024);
	check_read(256, 512, 128 * 1024);
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

// A message that is none of a disk's ends it.
static void test_rules(void **state)
{
	struct msg_blkdev_request request = { .length = 512 };
	struct message m;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	send_request(disk, false, &request, HANDLE_NONE);
	settle();
	assert_int_equal(channel_recv(disk, &m), ERR_PEER_CLOSED);
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		FILES_STORE_DISK "layers/b",
		FILES_STORE_DISK "layers",
		FILES_STORE_DISK "",
		FILES_STORE_DISK "layers/",
		FILES_STORE_DISK "layers/../a",
		FILES_STORE_DISK "nothing/a",
		FILES_STORE_DISK "/layers/a",
		FILES_STORE_DISK "layers/a/b",
	};
	handle_t other;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(open_disk(bad[i]), HANDLE_NONE);
	// Only the service "store" has them.
	assert_int_equal(open_share(FILES_STORE_DISK "layers/a"), HANDLE_NONE);
	assert_int_equal(ask_mkdir(store, FUSE_ROOT_ID, "d"), 0);
	assert_int_equal(ask_create(store, entry_node(), "f"), 0);
	other = open_disk(FILES_STORE_DISK_READ_ONLY "layers/d/f");
	assert_int_not_equal(other, HANDLE_NONE);
	fake_close(&other);
}

static void test_what_was_asked_is_done_first(void **state)
{
	struct share share = { .is_disk = true };
	struct msg_blkdev_request request = { .length = 4096 };
	uint8_t *bytes;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	share.root.inode = (uint32_t)file;
	send_request(disk, true, &request, make_folio(&bytes));
	for (int i = 0; i < 100 && fs.disk.num_busy == 0; i++)
		fake_loop_settle(&fs.loop);
	// The state disk has not answered.
	assert_true(file_disk_is_taken(&fs, &share));
	settle();
	assert_false(file_disk_is_taken(&fs, &share));
	memset(model, 0xcc, 4096);
	fake_close(&disk);
	disk = open_disk(FILES_STORE_DISK "layers/a");
	take_info(disk, &flags);
	check_all();
}

// Who loses a disk is told that it is not the provider's death.
static void check_revoked(handle_t channel)
{
	struct msg_blkdev_reply reply = { 0 };
	handle_t folio;
	struct message m;

	do
		assert_true(take_reply(channel, &reply, &folio));
	while (reply.id != BLKDEV_REVOKED);
	assert_int_equal(channel_recv(channel, &m), ERR_PEER_CLOSED);
}

// The newest owner has the disk.
static void test_one_writer(void **state)
{
	struct msg_blkdev_request request = { .length = 4096 };
	handle_t other, folio, client;
	uint8_t *bytes;
	struct message m;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	folio = make_folio(&bytes);
	memset(bytes, 0x11, 4096);
	send_request(disk, true, &request, folio);
	client = fake_client_connect(store_service);
	assert_int_equal(open_send(client, 1, FILES_STORE_DISK "layers/a"), 0);
	settle();
	other = HANDLE_NONE;
	fake_take_all(client, &other, 1);
	assert_int_not_equal(other, HANDLE_NONE);
	check_revoked(disk);
	fake_close(&disk);
	disk = other;
	take_info(disk, &flags);
	memset(model, 0x11, 4096);
	check_all();
	handle_close(client);
	// Those who read share it.
	other = open_disk(FILES_STORE_DISK_READ_ONLY "layers/a");
	check_revoked(disk);
	fake_close(&disk);
	disk = open_disk(FILES_STORE_DISK_READ_ONLY "layers/a");
	take_info(other, &flags);
	assert_int_equal(channel_recv(other, &m), ERR_EMPTY);
	fake_close(&other);
	take_info(disk, &flags);
	check_all();
}

static int ask_attributes(uint64_t node)
{
	struct fuse_getattr_in in = { 0 };

	return ask(store,
	           (struct request){ .opcode = FUSE_GETATTR,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in) });
}

// A file that is a disk stays until that is closed: its number is no other file's meanwhile.
static void test_removed_while_it_is_a_disk(void **state)
{
	handle_t folio;
	uint8_t *bytes;
	uint64_t other;
	uint32_t flags;

	(void)state;
	take_info(disk, &flags);
	folio = make_folio(&bytes);
	memset(bytes, 0x22, 4096);
	memset(model, 0x22, 4096);
	assert_int_equal(transfer(true, 0, 0, 4096, folio), 0);
	assert_int_equal(ask_name(store, FUSE_UNLINK, FUSE_ROOT_ID, "a"), 0);
	send_forget(store, file, 1);
	assert_int_equal(ask_create(store, FUSE_ROOT_ID, "b"), 0);
	other = entry_node();
	check_all();
	assert_int_equal(ask_attributes(other), 0);
	fake_close(&disk);
	settle();
	assert_int_equal(ask_create(store, FUSE_ROOT_ID, "c"), 0);
	assert_int_equal((uint32_t)entry_node(), (uint32_t)file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_disk, teardown_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_disk),
		TEST(test_any_sectors),
		TEST(test_bounced),
		TEST(test_discards),
		TEST(test_flush),
		TEST(test_refused),
		TEST(test_rules),
		TEST(test_names),
		TEST(test_one_writer),
		TEST(test_what_was_asked_is_done_first),
		TEST(test_removed_while_it_is_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
