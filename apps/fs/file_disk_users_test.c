// SPDX-License-Identifier: MIT
//
// Who may have a file as a block device, and until when.
#include "apps/fs/file_disk_fixture.h"

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
		TEST(test_rules),
		TEST(test_names),
		TEST(test_one_writer),
		TEST(test_what_was_asked_is_done_first),
		TEST(test_removed_while_it_is_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
