// SPDX-License-Identifier: MIT
//
// Drivers die under load, again and again: their devices must not touch memory after that, nothing
// may leak, and the next life of the driver serves as the first.
#include "apps/autotest/devices/devices.h"
#include "libs/base/string.h"

#define ROUNDS 10
// A kernel that did not reset the devices of the dead panicked in the 12th round on one hart, in
// the 18th on four.
#define NET_ROUNDS 20

// Takes memory that was just freed, and sees whether somebody writes to it.
static void freed_memory_stays_untouched(struct autotest *t, size_t bytes)
{
	enum { FOLIOS = 32 };
	handle_t folios[FOLIOS] = { 0 };
	const uint64_t *words[FOLIOS];

	for (size_t i = 0; i < FOLIOS; i++) {
		void *base = NULL;

		expect(t, folio_create(bytes / FOLIOS, FOLIO_CONTIGUOUS, &folios[i]) == 0);
		expect(t, folio_map(folios[i], PROT_READ | PROT_WRITE, &base) == 0);
		words[i] = base;
	}
	pause_ms(10);
	for (size_t i = 0; i < FOLIOS && !t->failed; i++) {
		for (size_t k = 0; k < bytes / FOLIOS / 8 && !t->failed; k++)
			expect(t, words[i][k] == 0);
	}
	for (size_t i = 0; i < FOLIOS; i++)
		handle_close(folios[i]);
}

static void settle(struct autotest *t, const struct system_info *before, uint64_t pages)
{
	nsec_t deadline = test_now() + 10 * NSEC_PER_SEC;
	struct system_info now;

	do {
		pause_ms(5);
		now = test_system_info(t);
	} while ((now.free_pages + pages < before->free_pages ||
	          now.handles > before->handles + 4) &&
	         test_now() < deadline);
	if (now.free_pages + pages < before->free_pages || now.handles > before->handles + 4)
		log_error("free pages %llu, were %llu; handles %llu, were %llu",
		          (unsigned long long)now.free_pages,
		          (unsigned long long)before->free_pages, (unsigned long long)now.handles,
		          (unsigned long long)before->handles);
	expect(t,
	       now.free_pages + pages >= before->free_pages && now.handles <= before->handles + 4);
}

// What the system has once all that starts at boot has started: the network is the last.
static struct system_info settled(struct autotest *t)
{
	handle_close(tcp_connect(t));
	pause_ms(500);
	return test_system_info(t);
}

// --- Disks ---

static void read_once(struct autotest *t)
{
	struct msg_blkdev_request request = { .sector = 11, .id = 5, .length = 4096 };
	struct msg_blkdev_reply reply = { 0 };
	struct msg_blkdev_info info;
	handle_t disk = disk_open(t, "blk:test", &info);
	handle_t folio = HANDLE_NONE;

	expect(t, folio_create(4096, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, disk_send(disk, MSG_BLKDEV_READ, &request, folio) == 0);
	expect(t, disk_reply(disk, &reply, &folio) == 0 && reply.status == 0);
	expect(t, disk_pattern_matches(folio, 0, 4096, 11));
	handle_close(folio);
	handle_close(disk);
}

static void kill_disk_driver_once(struct autotest *t)
{
	enum { READS = 16, BYTES = 1 << 20 };
	struct msg_blkdev_info info;
	handle_t disk = disk_open(t, "blk:test", &info);
	struct message m;
	error_t err;

	for (uint32_t i = 0; i < READS; i++) {
		struct msg_blkdev_request request = { .sector = i * 100, .id = i, .length = BYTES };
		handle_t folio = HANDLE_NONE;

		expect(t, folio_create(BYTES, FOLIO_CONTIGUOUS, &folio) == 0);
		expect(t, disk_send(disk, MSG_BLKDEV_READ, &request, folio) == 0);
	}
	// The first answer: the others are under way.
	expect(t, handle_wait(disk, READY_READABLE, test_deadline()) == 0);
	kill_app(t, environ_config(t->env, "disk_driver"));
	freed_memory_stays_untouched(t, READS * BYTES);
	while ((err = recv_wait(disk, test_deadline(), &m)) == 0) {
		if (m.num_handles == 1)
			handle_close(m.handles[0]);
	}
	expect(t, err == ERR_PEER_CLOSED);
	handle_close(disk);
}

static void the_disk_driver_dies(struct autotest *t)
{
	struct system_info before;

	read_once(t);
	before = settled(t);
	for (int i = 0; i < ROUNDS && !t->failed; i++) {
		kill_disk_driver_once(t);
		read_once(t);
	}
	settle(t, &before, 24);
}

// --- Network ---

// A tcpip that has had one connection. The one before may have kept pages for what its closed
// connections could not send.
static void fresh_tcpip(struct autotest *t)
{
	handle_t connection;

	kill_app(t, "tcpip");
	connection = tcp_connect(t);
	expect(t, stream_echoes(connection, 100000, 1, test_deadline()));
	handle_close(connection);
	pause_ms(100);
}

static void the_network_driver_dies(struct autotest *t)
{
	struct system_info before;
	handle_t connection;

	fresh_tcpip(t);
	before = test_system_info(t);
	for (uint32_t i = 0; i < NET_ROUNDS && !t->failed; i++) {
		connection = tcp_connect(t);
		// Part of it is on its way back when the driver dies.
		expect(t,
		       !stream_echoes(connection, 4000000, i,
		                      test_now() + (i % 10) * NSEC_PER_MSEC));
		kill_app(t, "virtio_net");
		freed_memory_stays_untouched(t, 4 << 20);
		handle_close(connection);
		connection = tcp_connect(t);
		expect(t, stream_echoes(connection, 5000, i + 7, test_deadline()));
		handle_close(connection);
	}
	fresh_tcpip(t);
	settle(t, &before, 64);
}

// --- Console ---

static void the_console_driver_dies(struct autotest *t)
{
	struct system_info before = settled(t);

	for (uint32_t i = 0; i < ROUNDS && !t->failed; i++) {
		handle_t port = device_open(t, "console", "console:org.starina.test.bulk");
		struct message m;

		message_init(&m, MSG_DATA);
		m.len = sizeof(struct msg_data) + 7;
		memset(m.data, 0, sizeof(struct msg_data));
		memcpy(m.data + sizeof(struct msg_data), "400000\n", 7);
		expect(t, channel_send(port, &m) == 0);
		pause_ms(i % 5);
		kill_app(t, "virtio_console");
		freed_memory_stays_untouched(t, 1 << 20);
		handle_close(port);
		port = device_open(t, "console", "console:org.starina.test.echo1");
		expect(t, stream_echoes(port, 2000, i, test_deadline()));
		handle_close(port);
	}
	settle(t, &before, 24);
}

const struct test device_tests[] = {
	{ "the disk driver dies with requests in flight", the_disk_driver_dies },
	{ "the network driver dies under load", the_network_driver_dies },
	{ "the console driver dies under load", the_console_driver_dies },
	{ 0 },
};
