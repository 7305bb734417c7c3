// SPDX-License-Identifier: MIT
//
// Who opens a disk that another one has left behind: the whole driver over libs/virtio/mmio_fake.c.
#include "apps/virtio_blk/blk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"
#include "libs/virtio/mmio_fake.h"

#define SECTORS 100u

static struct blk blk;
static handle_t service;

static void device_works(void)
{
	while (fake_virtio_use(0, (const uint8_t *)"", 1, 64, 0))
		;
}

static int setup(void **state)
{
	static struct env_entry entry;

	(void)state;
	fake_reset();
	fake_virtio_reset();
	memset(&blk, 0, sizeof(blk));
	fake_virtio = (struct fake_virtio){ .num_queues = 1, .config = { SECTORS } };
	fake_while_waiting = device_works;
	service = fake_service_create();
	entry = (struct env_entry){ .kind = ENV_DEVICE, .interrupt = fake_interrupt_create() };
	if (loop_init(&blk.loop) != 0 || disk_start(&blk, &blk.disks[0], &entry, 0) != 0 ||
	    service_listen(&blk.loop, &blk.listener, service, session_accepted, &blk) != 0)
		return -1;
	fake_while_waiting = NULL;
	blk.num_disks = 1;
	return 0;
}

static handle_t connect_and_ask(void)
{
	handle_t session = fake_client_connect(service);

	assert_int_equal(open_send(session, 1, "blk:disk0"), 0);
	return session;
}

// The disk's channel; HANDLE_NONE: the open is not answered yet.
static handle_t answer(handle_t session)
{
	handle_t disk = HANDLE_NONE;

	fake_take_all(session, &disk, 1);
	return disk;
}

static handle_t open_disk(void)
{
	handle_t session = connect_and_ask();
	handle_t disk;

	fake_loop_settle(&blk.loop);
	disk = answer(session);
	assert_int_not_equal(disk, HANDLE_NONE);
	handle_close(session);
	return disk;
}

static void write_sector(handle_t disk)
{
	struct msg_blkdev_request request = { .length = BLKDEV_SECTOR_SIZE };

	fake_say(disk, MSG_BLKDEV_WRITE, (const uint8_t *)&request, sizeof(request), FAKE_FOLIO,
	         4096);
}

// The device works, request by request, until the open is answered: then it has nothing left.
static handle_t wait_for_answer(handle_t session, unsigned *num_used)
{
	handle_t disk;

	*num_used = 0;
	fake_loop_settle(&blk.loop);
	while ((disk = answer(session)) == HANDLE_NONE) {
		assert_true(fake_virtio_use(0, (const uint8_t *)"", 1, 64, 0));
		++*num_used;
		fake_loop_settle(&blk.loop);
	}
	assert_false(fake_virtio_use(0, (const uint8_t *)"", 1, 64, 0));
	return disk;
}

static void test_waits_for_the_device(void **state)
{
	handle_t first = open_disk(), second;
	handle_t session;
	unsigned num_used;

	(void)state;
	write_sector(first);
	write_sector(first);
	fake_loop_settle(&blk.loop);
	handle_close(first);
	session = connect_and_ask();
	second = wait_for_answer(session, &num_used);
	assert_int_equal(num_used, 2);
	// The session is used as before.
	assert_int_equal(open_send(session, 2, "blk:disk0"), 0);
	fake_loop_settle(&blk.loop);
	handle_close(second);
	second = answer(session);
	assert_int_not_equal(second, HANDLE_NONE);
	handle_close(second);
	handle_close(session);
}

// What the driver has not taken yet is never done after the open is answered, in whatever order it
// looks at the channels.
static void test_drops_what_was_not_taken(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 8; order++) {
		handle_t first = open_disk(), other = open_disk();
		handle_t session = HANDLE_NONE;
		unsigned num_used;

		for (unsigned i = 0; i < order; i++)
			write_sector(other);
		if ((order & 1) != 0)
			session = connect_and_ask();
		write_sector(first);
		write_sector(first);
		handle_close(first);
		handle_close(other);
		if (session == HANDLE_NONE)
			session = connect_and_ask();
		handle_close(wait_for_answer(session, &num_used));
		handle_close(session);
		fake_loop_settle(&blk.loop);
	}
}

// Several wait; one leaves meanwhile; who is there and has a request keeps nobody waiting.
static void test_several_wait(void **state)
{
	handle_t first = open_disk(), living = open_disk();
	handle_t sessions[3];
	size_t num_handles;
	unsigned num_used;

	(void)state;
	fake_loop_settle(&blk.loop);
	num_handles = fake_num_handles();
	write_sector(first);
	fake_loop_settle(&blk.loop);
	handle_close(first);
	for (size_t i = 0; i < 3; i++)
		sessions[i] = connect_and_ask();
	fake_loop_settle(&blk.loop);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(answer(sessions[i]), HANDLE_NONE);
	handle_close(sessions[1]);
	fake_loop_settle(&blk.loop);
	handle_close(wait_for_answer(sessions[0], &num_used));
	handle_close(wait_for_answer(sessions[2], &num_used));
	write_sector(living);
	fake_loop_settle(&blk.loop);
	handle_close(open_disk());
	handle_close(sessions[0]);
	handle_close(sessions[2]);
	device_works();
	fake_loop_settle(&blk.loop);
	fake_take_all(living, NULL, 0);
	// Of the first one, both ends are closed.
	assert_int_equal(fake_num_handles(), num_handles - 2);
}

// The number of sectors that a disk of this name has; 0: there is none.
static uint64_t sectors_of(const char *uri)
{
	handle_t session = fake_client_connect(service), disk, none;
	struct msg_blkdev_info info = { 0 };
	const uint8_t *tail;
	struct message m;
	size_t len;

	assert_int_equal(open_send(session, 1, uri), 0);
	fake_loop_settle(&blk.loop);
	disk = answer(session);
	if (disk != HANDLE_NONE) {
		assert_true(fake_take(disk, &m, &none));
		assert_int_equal(message_decode_blkdev_info(&m, &info, &tail, &len), 0);
		handle_close(disk);
	}
	handle_close(session);
	fake_loop_settle(&blk.loop);
	return info.num_sectors;
}

static void test_first_sector(void **state)
{
	static const char *const none[] = {
		"blk:disk0@100",
		"blk:disk0@",
		"blk:disk0@x",
		"blk:disk0@1x",
		"blk:disk0@-1",
		"blk:disk0@18446744073709551616",
		"blk:disk0@18446744073709551617",
		"blk:disk0@99999999999999999999999999",
		"blk:disk01",
		"blk:disk",
		"blk:disk@1",
		"blk:",
		"blk:@1",
	};

	(void)state;
	assert_int_equal(sectors_of("blk:disk0"), SECTORS);
	assert_int_equal(sectors_of("blk:disk0@0"), SECTORS);
	assert_int_equal(sectors_of("blk:disk0@60"), SECTORS - 60);
	assert_int_equal(sectors_of("blk:disk0@99"), 1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(sectors_of(none[i]), 0);
}

static struct blkdev_counts counts_of_disk0(handle_t session)
{
	struct msg_blkdev_count count = { .id = 7 };
	struct msg_blkdev_counted counted;
	struct blkdev_counts told = { 0 };
	struct payload payload;
	const uint8_t *tail;
	struct message m;
	handle_t folio;
	size_t len;

	assert_int_equal(message_encode_blkdev_count(&m, &count, NULL, 0), 0);
	fake_send(session, &m);
	fake_loop_settle(&blk.loop);
	assert_true(fake_take(session, &m, &folio));
	assert_int_equal(message_decode_blkdev_counted(&m, &counted, &tail, &len), 0);
	assert_int_equal(counted.id, 7);
	assert_int_equal(counted.count, 1);
	assert_int_equal(payload_open_folio(folio, 0, sizeof(told), &payload), 0);
	memcpy(&told, payload.bytes.data, sizeof(told));
	payload_release(&payload);
	return told;
}

static void test_counts(void **state)
{
	handle_t session, first;
	struct blkdev_counts counts;

	(void)state;
	fake_app_name = "fs";
	first = open_disk();
	fake_app_name = "images";
	handle_close(open_disk());
	fake_loop_settle(&blk.loop);
	session = fake_client_connect(service);
	counts = counts_of_disk0(session);
	assert_string_equal(counts.serial, "disk0");
	assert_int_equal(counts.num_sectors, SECTORS);
	assert_int_equal(counts.num_users, 1);
	assert_string_equal(counts.users[0], "fs");
	assert_int_equal(counts.reads + counts.writes + counts.flushes, 0);
	write_sector(first);
	write_sector(first);
	fake_loop_settle(&blk.loop);
	counts = counts_of_disk0(session);
	assert_int_equal(counts.writes, 2);
	assert_int_equal(counts.written_bytes, 2 * BLKDEV_SECTOR_SIZE);
	assert_int_equal(counts.read_bytes, 0);
	for (unsigned i = 1; i < BLKDEV_USERS_MAX + 3; i++)
		open_disk();
	assert_int_equal(counts_of_disk0(session).num_users, BLKDEV_USERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_waits_for_the_device, setup),
		cmocka_unit_test_setup(test_drops_what_was_not_taken, setup),
		cmocka_unit_test_setup(test_several_wait, setup),
		cmocka_unit_test_setup(test_first_sector, setup),
		cmocka_unit_test_setup(test_counts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
