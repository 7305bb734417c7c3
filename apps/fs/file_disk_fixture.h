// SPDX-License-Identifier: MIT
//
// A file as a block device, on the file system in memory: the setup of tests.
#pragma once

#include "apps/fs/fs_memory_fixture.h"

#define FILE_SIZE (256u * 1024)
#define FOLIO_SIZE (160u * 1024)

static uint64_t file;
static handle_t store;
static handle_t disk;
static uint8_t model[FILE_SIZE];

static inline handle_t open_disk(const char *uri)
{
	return open_at(store_service, uri);
}

static inline int setup_disk(void **state)
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

static inline int teardown_disk(void **state)
{
	if (disk != HANDLE_NONE)
		fake_close(&disk);
	fake_close(&store);
	assert_int_equal(ext4_fake_reserved(), 0);
	return teardown(state);
}

static inline uint64_t take_info(handle_t channel, uint32_t *flags)
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

static inline handle_t make_folio(uint8_t **bytes)
{
	handle_t folio;
	void *base;

	assert_int_equal(folio_create(FOLIO_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(folio_map(folio, PROT_READ | PROT_WRITE, &base), 0);
	memset(base, 0xcc, FOLIO_SIZE);
	*bytes = base;
	return folio;
}

static inline void send_request(handle_t channel, bool write,
                                const struct msg_blkdev_request *request, handle_t folio)
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

static inline bool take_reply(handle_t channel, struct msg_blkdev_reply *reply, handle_t *folio)
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
static inline error_t transfer(bool write, uint64_t sector, uint32_t offset, uint32_t length,
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

static inline void check_read(uint64_t sector, uint32_t offset, uint32_t length)
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

static inline void check_all(void)
{
	check_read(0, 0, 128 * 1024);
	check_read(256, 512, 128 * 1024);
}
