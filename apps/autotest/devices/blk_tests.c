// SPDX-License-Identifier: MIT
//
// The block devices, as their clients see them.
#include "apps/autotest/devices/devices.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

#define SECTOR BLKDEV_SECTOR_SIZE

// One request and its status; the folio comes back in `*folio`.
static error_t transfer(struct autotest *t, handle_t disk, uint32_t type,
                        const struct msg_blkdev_request *request, handle_t *folio)
{
	struct msg_blkdev_reply reply = { 0 };
	handle_t back = HANDLE_NONE;

	expect(t, disk_send(disk, type, request, *folio) == 0);
	expect(t, disk_reply(disk, &reply, &back) == 0);
	expect(t, back != HANDLE_NONE && reply.id == request->id);
	*folio = back;
	return reply.status;
}

static void a_disk_has_what_is_on_it(struct autotest *t)
{
	static const struct {
		uint64_t sector;
		uint32_t offset, length;
	} reads[] = {
		{ 0, 0, SECTOR },
		{ 1, SECTOR, SECTOR },
		{ 7, 3 * SECTOR, 9 * SECTOR },
		{ TEST_DISK_SECTORS - 1, 0, SECTOR },
		{ 100, 0, 65536 },
		{ 2048, 0, BLKDEV_MAX_BYTES },
		{ TEST_DISK_SECTORS - 8, 4096, 4096 },
	};
	struct msg_blkdev_info info = { 0 };
	handle_t disk = disk_open(t, "blk:test", &info);
	handle_t folio = HANDLE_NONE;

	expect(t, info.num_sectors == TEST_DISK_SECTORS && (info.flags & BLKDEV_READ_ONLY) != 0);
	expect(t, strcmp(info.serial, "test") == 0);
	expect(t, folio_create(BLKDEV_MAX_BYTES, FOLIO_CONTIGUOUS, &folio) == 0);
	for (uint32_t i = 0; i < sizeof(reads) / sizeof(reads[0]) && !t->failed; i++) {
		struct msg_blkdev_request request = { .sector = reads[i].sector,
			                              .id = i,
			                              .offset = reads[i].offset,
			                              .length = reads[i].length };

		expect(t, transfer(t, disk, MSG_BLKDEV_READ, &request, &folio) == 0);
		expect(t,
		       disk_pattern_matches(folio, reads[i].offset, reads[i].length,
		                            reads[i].sector));
	}
	handle_close(folio);
	handle_close(disk);
}

static void a_disk_refuses_what_it_cannot_do(struct autotest *t)
{
	static const struct {
		uint32_t type;
		error_t status;
		struct msg_blkdev_request request;
	} bad[] = {
		{ MSG_BLKDEV_READ, ERR_RANGE, { .sector = TEST_DISK_SECTORS, .length = SECTOR } },
		{ MSG_BLKDEV_READ,
		  ERR_RANGE,
		  { .sector = TEST_DISK_SECTORS - 1, .length = 2 * SECTOR } },
		{ MSG_BLKDEV_READ, ERR_RANGE, { .sector = UINT64_MAX, .length = SECTOR } },
		{ MSG_BLKDEV_READ, ERR_RANGE, { .sector = UINT64_MAX - 7, .length = 16 * SECTOR } },
		{ MSG_BLKDEV_READ, ERR_RANGE, { .offset = 2 * 4096, .length = SECTOR } },
		{ MSG_BLKDEV_READ, ERR_RANGE, { .offset = 4096, .length = 4096 + SECTOR } },
		{ MSG_BLKDEV_READ,
		  ERR_RANGE,
		  { .offset = UINT32_MAX - SECTOR + 1, .length = SECTOR } },
		{ MSG_BLKDEV_READ, ERR_INVALID, { .length = 0 } },
		{ MSG_BLKDEV_READ, ERR_INVALID, { .length = 100 } },
		{ MSG_BLKDEV_READ, ERR_INVALID, { .offset = 8, .length = SECTOR } },
		{ MSG_BLKDEV_READ, ERR_TOO_LARGE, { .length = BLKDEV_MAX_BYTES + SECTOR } },
		{ MSG_BLKDEV_WRITE, ERR_ACCESS, { .length = SECTOR } },
	};
	struct msg_blkdev_info info = { 0 };
	handle_t disk = disk_open(t, "blk:test", &info);
	struct msg_blkdev_request request = { .length = SECTOR };
	handle_t folio = HANDLE_NONE;
	handle_t lazy = HANDLE_NONE;
	struct message m;

	expect(t, folio_create(2 * 4096ul, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_create(4096, FOLIO_LAZY, &lazy) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]) && !t->failed; i++) {
		error_t status = transfer(t, disk, bad[i].type, &bad[i].request, &folio);

		if (status != bad[i].status)
			log_error("request %zu: status %d", i, status);
		expect(t, status == bad[i].status);
	}
	expect(t, transfer(t, disk, MSG_BLKDEV_READ, &request, &lazy) == ERR_NOT_SUPPORTED);
	// What is not a request is answered too, and the disk goes on.
	message_init(&m, MSG_BLKDEV_READ);
	expect(t, channel_send(disk, &m) == 0);
	expect(t, recv_wait(disk, test_deadline(), &m) == 0 && m.type == MSG_ERROR);
	message_init(&m, MSG_CONNECT);
	expect(t, channel_send(disk, &m) == 0);
	expect(t, recv_wait(disk, test_deadline(), &m) == 0 && m.type == MSG_ERROR);
	expect(t,
	       transfer(t, disk, MSG_BLKDEV_READ, &request, &folio) == 0 &&
	               disk_pattern_matches(folio, 0, SECTOR, 0));
	handle_close(folio);
	handle_close(lazy);
	handle_close(disk);
	expect(t, device_try_open(t, "blkdev", "blk:nothing", &disk) == ERR_NOT_FOUND);
	expect(t, device_try_open(t, "blkdev", "test", &disk) == ERR_NOT_FOUND);
}

// Requests 0 to count - 1, of 16 KiB each; request i is for sector (i * 32 + salt) % most.
#define READ_BYTES 16384u

static uint64_t read_sector(uint32_t id, uint32_t salt)
{
	return (id * 32u + salt) % (TEST_DISK_SECTORS - READ_BYTES / SECTOR);
}

static void send_reads(struct autotest *t, handle_t disk, uint32_t count, uint32_t salt)
{
	for (uint32_t i = 0; i < count; i++) {
		struct msg_blkdev_request request = { .sector = read_sector(i, salt),
			                              .id = i,
			                              .length = READ_BYTES };
		handle_t folio = HANDLE_NONE;

		expect(t, folio_create(READ_BYTES, FOLIO_CONTIGUOUS, &folio) == 0);
		expect(t, disk_send(disk, MSG_BLKDEV_READ, &request, folio) == 0);
	}
}

static void take_reads(struct autotest *t, handle_t disk, uint32_t count, uint32_t salt)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < count && !t->failed; i++) {
		struct msg_blkdev_reply reply = { 0 };
		handle_t folio = HANDLE_NONE;

		expect(t,
		       disk_reply(disk, &reply, &folio) == 0 && reply.status == 0 &&
		               reply.id < count);
		expect(t, folio != HANDLE_NONE && (seen & UINT64_C(1) << reply.id) == 0);
		seen |= UINT64_C(1) << reply.id;
		expect(t, disk_pattern_matches(folio, 0, READ_BYTES, read_sector(reply.id, salt)));
		handle_close(folio);
	}
}

static void many_requests_of_many_clients(struct autotest *t)
{
	enum { CLIENTS = 6 };
	struct msg_blkdev_info info;
	handle_t disks[CLIENTS];

	for (uint32_t c = 0; c < CLIENTS; c++)
		disks[c] = disk_open(t, "blk:test", &info);
	for (uint32_t round = 0; round < 4 && !t->failed; round++) {
		for (uint32_t c = 0; c < CLIENTS; c++)
			send_reads(t, disks[c], BLKDEV_MAX_REQUESTS, c * 100);
		for (uint32_t c = CLIENTS; c > 0; c--)
			take_reads(t, disks[c - 1], BLKDEV_MAX_REQUESTS, (c - 1) * 100);
	}
	for (uint32_t c = 0; c < CLIENTS; c++)
		handle_close(disks[c]);
}

// Folios that are with the device come back to life as free memory once it is done with them: 2560
// pages. The driver's own heap may have grown meanwhile.
static void a_client_goes_in_the_midst(struct autotest *t)
{
	struct system_info before = test_system_info(t);
	nsec_t deadline = test_now() + 5 * NSEC_PER_SEC;
	struct msg_blkdev_info info;
	struct system_info now;

	for (uint32_t round = 0; round < 20 && !t->failed; round++) {
		handle_t disk = disk_open(t, "blk:test", &info);

		send_reads(t, disk, BLKDEV_MAX_REQUESTS, round);
		handle_close(disk);
	}
	do {
		thread_yield();
		now = test_system_info(t);
	} while ((now.free_pages + 128 < before.free_pages || now.handles > before.handles) &&
	         test_now() < deadline);
	expect(t, now.free_pages + 128 >= before.free_pages && now.handles <= before.handles);
}

static void fill(struct autotest *t, handle_t folio, uint32_t length, uint32_t salt)
{
	void *base = NULL;

	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &base) == 0);
	for (uint32_t i = 0; base != NULL && i < length; i++)
		((uint8_t *)base)[i] = (uint8_t)(i * 13 + (i >> 8) + salt);
}

static bool is_filled(handle_t folio, uint32_t length, uint32_t salt)
{
	void *base;

	if (folio_map(folio, PROT_READ, &base) != 0)
		return false;
	for (uint32_t i = 0; i < length; i++) {
		if (((const uint8_t *)base)[i] != (uint8_t)(i * 13 + (i >> 8) + salt))
			return false;
	}
	return true;
}

static void flush(struct autotest *t, handle_t disk, uint32_t id)
{
	struct msg_blkdev_flush request = { .id = id };
	struct msg_blkdev_reply reply = { 0 };
	handle_t folio = HANDLE_NONE;
	struct message m;

	expect(t,
	       message_encode_blkdev_flush(&m, &request, NULL, 0) == 0 &&
	               channel_send(disk, &m) == 0);
	expect(t, disk_reply(disk, &reply, &folio) == 0 && reply.id == id && reply.status == 0);
	expect(t, folio == HANDLE_NONE);
}

static void a_disk_keeps_what_is_written(struct autotest *t)
{
	enum { BYTES = 65536, PIECES = 16 };
	struct msg_blkdev_info info = { 0 };
	handle_t disk = disk_open(t, "blk:scratch", &info);
	handle_t folio = HANDLE_NONE;

	expect(t, info.num_sectors == SCRATCH_DISK_SECTORS && (info.flags & BLKDEV_READ_ONLY) == 0);
	expect(t, folio_create(BYTES, FOLIO_CONTIGUOUS, &folio) == 0);
	for (uint32_t i = 0; i < PIECES && !t->failed; i++) {
		struct msg_blkdev_request request = { .sector = i * (BYTES / SECTOR),
			                              .id = i,
			                              .length = BYTES };

		fill(t, folio, BYTES, i);
		expect(t, transfer(t, disk, MSG_BLKDEV_WRITE, &request, &folio) == 0);
	}
	flush(t, disk, 77);
	handle_close(disk);
	disk = disk_open(t, "blk:scratch", &info);
	for (uint32_t i = PIECES; i > 0 && !t->failed; i--) {
		struct msg_blkdev_request request = { .sector = (i - 1) * (BYTES / SECTOR),
			                              .id = i,
			                              .length = BYTES };

		expect(t, transfer(t, disk, MSG_BLKDEV_READ, &request, &folio) == 0);
		expect(t, is_filled(folio, BYTES, i - 1));
	}
	handle_close(folio);
	handle_close(disk);
}

const struct test blk_tests[] = {
	{ "a disk has what is on it", a_disk_has_what_is_on_it },
	{ "a disk refuses what it cannot do", a_disk_refuses_what_it_cannot_do },
	{ "a disk serves many requests of many clients", many_requests_of_many_clients },
	{ "a disk's client goes with requests in flight", a_client_goes_in_the_midst },
	{ "a disk keeps what is written", a_disk_keeps_what_is_written },
	{ 0 },
};
