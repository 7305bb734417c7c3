// SPDX-License-Identifier: MIT
//
// The window as QEMU sees it, and long requests and replies that go by it.
#include "tools/run/hostfs/window.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/abi/files_port.h"
#include "tools/run/hostfs/hostfs_fixture.h"
#include "tools/run/hostfs/server.h"

#define OPT_EXPORT_NAME 1
#define OPT_ABORT 2
#define OPT_GO 7
#define OPT_STRUCTURED_REPLY 8
#define CMD_READ 0
#define CMD_WRITE 1
#define CMD_TRIM 4
#define REP_ACK 1u
#define REP_INFO 3u
#define REP_ERR_UNSUP 0x80000001u
#define EINVAL_OF_NBD 22u
#define WINDOW_SIZE ((uint64_t)FILES_WINDOW_SLOTS * FILES_WINDOW_SLOT_BYTES)
#define SESSION 7u
#define LENGTH (100u * 1024)

static struct {
	pid_t pid;
	int port, disk;
} served;

static void read_all(int fd, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t length = read(fd, (uint8_t *)data + done, size - done);

		assert_true(length > 0);
		done += (size_t)length;
	}
}

static void write_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t length = write(fd, (const uint8_t *)data + done, size - done);

		assert_true(length > 0);
		done += (size_t)length;
	}
}

static void send_u32(uint32_t value)
{
	value = htobe32(value);
	write_all(served.disk, &value, sizeof(value));
}

static void send_u64(uint64_t value)
{
	value = htobe64(value);
	write_all(served.disk, &value, sizeof(value));
}

static uint64_t receive(size_t size)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	read_all(served.disk, bytes, size);
	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static bool disk_is_over(void)
{
	uint8_t byte;

	shutdown(served.disk, SHUT_WR);
	return recv(served.disk, &byte, 1, MSG_DONTWAIT) <= 0;
}

// --- The client of the disk ----------------------------------------------------------------------

static void option_send(uint32_t option, const void *data, size_t length)
{
	send_u64(0x49484156454f5054);
	send_u32(option);
	send_u32((uint32_t)length);
	write_all(served.disk, data, length);
}

static uint64_t option_answered(uint32_t option, uint64_t kind)
{
	assert_int_equal(receive(8), 0x3e889045565a9);
	assert_int_equal(receive(4), option);
	assert_int_equal(receive(4), kind);
	return receive(4);
}

static void connect_disk(void)
{
	assert_int_equal(receive(8), 0x4e42444d41474943);
	assert_int_equal(receive(8), 0x49484156454f5054);
	assert_int_equal(receive(2), 3);
	send_u32(3);
	option_send(OPT_STRUCTURED_REPLY, NULL, 0);
	assert_int_equal(option_answered(OPT_STRUCTURED_REPLY, REP_ERR_UNSUP), 0);
	option_send(OPT_GO, "\0\0\0\0\0\0", 6);
	assert_int_equal(option_answered(OPT_GO, REP_INFO), 12);
	assert_int_equal(receive(2), 0);
	assert_int_equal(receive(8), WINDOW_SIZE);
	assert_int_equal(receive(2), 1);
	assert_int_equal(option_answered(OPT_GO, REP_ACK), 0);
}

static void request_send(uint16_t command, uint64_t offset, uint32_t length)
{
	send_u32(0x25609513);
	send_u32(command);
	send_u64(77);
	send_u64(offset);
	send_u32(length);
}

static uint64_t request_answered(void)
{
	uint64_t error;

	assert_int_equal(receive(4), 0x67446698);
	error = receive(4);
	assert_int_equal(receive(8), 77);
	return error;
}

static void disk_write(uint64_t offset, const void *data, uint32_t length)
{
	request_send(CMD_WRITE, offset, length);
	write_all(served.disk, data, length);
	assert_int_equal(request_answered(), 0);
}

static void disk_read(uint64_t offset, void *data, uint32_t length)
{
	request_send(CMD_READ, offset, length);
	assert_int_equal(request_answered(), 0);
	read_all(served.disk, data, length);
}

// --- The server ----------------------------------------------------------------------------------

static int serve(void **state)
{
	struct fixture *f;
	struct error err;
	int port[2], disk[2];

	if (set_up(state) != 0)
		return -1;
	f = *state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, port) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, disk) < 0)
		return -1;
	served.pid = hostfs_server_start(port[0], disk[0], f->shares, 2, NULL, &err);
	close(port[0]);
	close(disk[0]);
	served.port = port[1];
	served.disk = disk[1];
	return served.pid > 0 ? 0 : -1;
}

static int serve_no_more(void **state)
{
	int status;

	close(served.port);
	close(served.disk);
	waitpid(served.pid, &status, 0);
	return tear_down(state) != 0 || status != 0 ? -1 : 0;
}

// Sends the client's request in a frame, or only its header when it lies in a slot.
static void frame_send(struct test_client *c, uint8_t slot, uint32_t offset, bool placed)
{
	struct files_port_header header = { .session = SESSION,
		                            .slot = slot,
		                            .flags = placed ? FILES_PORT_PLACED : 0,
		                            .offset = offset };

	memcpy(c->request, &c->request_len, 4);
	header.length = (uint32_t)(sizeof(header) + c->request_len);
	header.check = files_port_check(c->request, c->request_len);
	write_all(served.port, &header, sizeof(header));
	if (!placed)
		write_all(served.port, c->request, c->request_len);
}

// Takes a reply's header, and the reply unless it lies in a slot.
static struct files_port_header frame_take(struct test_client *c)
{
	struct files_port_header header;

	read_all(served.port, &header, sizeof(header));
	c->reply_len = header.length - sizeof(header) - sizeof(struct fuse_out_header);
	if ((header.flags & FILES_PORT_PLACED) == 0)
		read_all(served.port, c->reply, header.length - sizeof(header));
	return header;
}

static int reply_error(const struct test_client *c)
{
	struct fuse_out_header out;

	memcpy(&out, c->reply, sizeof(out));
	assert_int_equal(out.unique, c->unique);
	return out.error;
}

static void ask(struct test_client *c)
{
	frame_send(c, 0, 0, false);
	assert_int_equal(frame_take(c).flags, 0);
	assert_int_equal(reply_error(c), 0);
}

// A new file in the first share. Returns its node and handle.
static uint64_t file_make(struct test_client *c, uint64_t *fh)
{
	struct fuse_init_in init = { .major = 7, .minor = 41, .flags = UINT32_MAX };
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0644 };
	struct fuse_open_out opened;
	uint64_t share;

	test_begin(c, FUSE_INIT, 0);
	test_add(c, &init, sizeof(init));
	ask(c);
	test_begin(c, FUSE_LOOKUP, FUSE_ROOT_ID);
	test_add_name(c, "0");
	ask(c);
	share = test_entry(c).nodeid;
	test_begin(c, FUSE_CREATE, share);
	test_add(c, &create, sizeof(create));
	test_add_name(c, "file");
	ask(c);
	memcpy(&opened, (const uint8_t *)test_body(c) + sizeof(struct fuse_entry_out),
	       sizeof(opened));
	*fh = opened.fh;
	return test_entry(c).nodeid;
}

static void write_begin(struct test_client *c, uint64_t node, uint64_t fh, const void *data)
{
	struct fuse_write_in in = { .fh = fh, .size = LENGTH };

	test_begin(c, FUSE_WRITE, node);
	test_add(c, &in, sizeof(in));
	test_add(c, data, LENGTH);
	memcpy(c->request, &c->request_len, 4);
}

static void read_begin(struct test_client *c, uint64_t node, uint64_t fh, uint32_t size)
{
	struct fuse_read_in in = { .fh = fh, .size = size };

	test_begin(c, FUSE_READ, node);
	test_add(c, &in, sizeof(in));
}

static void fill(uint8_t *data)
{
	for (uint32_t i = 0; i < LENGTH; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
}

// --- Tests ---------------------------------------------------------------------------------------

static void it_is_a_disk(void **state)
{
	uint8_t data[1024], back[1024];

	(void)state;
	connect_disk();
	memset(data, 0x5a, sizeof(data));
	disk_read(WINDOW_SIZE - 1024, back, 1024);
	assert_int_equal(back[0], 0);
	disk_write(WINDOW_SIZE - 1024, data, 1024);
	disk_read(WINDOW_SIZE - 1024, back, 1024);
	assert_memory_equal(back, data, 1024);
	// What is not within is refused, as is what it does not know.
	request_send(CMD_READ, WINDOW_SIZE - 512, 1024);
	assert_int_equal(request_answered(), EINVAL_OF_NBD);
	request_send(CMD_READ, UINT64_MAX - 511, 1024);
	assert_int_equal(request_answered(), EINVAL_OF_NBD);
	request_send(CMD_TRIM, 0, 512);
	assert_int_equal(request_answered(), EINVAL_OF_NBD);
	disk_read(WINDOW_SIZE - 1024, back, 1024);
	assert_memory_equal(back, data, 1024);
	request_send(CMD_WRITE, WINDOW_SIZE - 512, 1024);
	write_all(served.disk, data, 1024);
	assert_true(disk_is_over());
}

static void the_old_way_of_options(void **state)
{
	uint8_t back[512];

	(void)state;
	assert_int_equal(receive(8), 0x4e42444d41474943);
	assert_int_equal(receive(8), 0x49484156454f5054);
	assert_int_equal(receive(2), 3);
	send_u32(3);
	option_send(OPT_EXPORT_NAME, "any", 3);
	assert_int_equal(receive(8), WINDOW_SIZE);
	assert_int_equal(receive(2), 1);
	disk_read(0, back, sizeof(back));
}

static void long_requests_and_replies_go_by_slots(void **state)
{
	static uint8_t data[LENGTH], back[FILES_WINDOW_SLOT_BYTES];
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct files_port_header header;
	struct fuse_write_out written;
	uint64_t fh, node;

	connect_disk();
	node = file_make(c, &fh);
	fill(data);
	write_begin(c, node, fh, data);
	disk_write(FILES_WINDOW_SLOT_BYTES + 4016, c->request, (uint32_t)c->request_len);
	frame_send(c, 2, 4016, true);
	assert_int_equal(frame_take(c).flags, 0);
	assert_int_equal(reply_error(c), 0);
	memcpy(&written, test_body(c), sizeof(written));
	assert_int_equal(written.size, LENGTH);
	read_begin(c, node, fh, LENGTH);
	frame_send(c, 16, 0, false);
	header = frame_take(c);
	assert_int_equal(header.flags, FILES_PORT_PLACED);
	assert_int_equal(header.slot, 16);
	assert_int_equal(header.session, SESSION);
	assert_int_equal(header.offset, 0);
	assert_int_equal(header.length, sizeof(header) + sizeof(struct fuse_out_header) + LENGTH);
	disk_read(15ull * FILES_WINDOW_SLOT_BYTES, back, sizeof(back));
	memcpy(c->reply, back, sizeof(struct fuse_out_header));
	assert_int_equal(reply_error(c), 0);
	assert_memory_equal(back + sizeof(struct fuse_out_header), data, LENGTH);
	// A short one comes by the port, whatever was asked for.
	read_begin(c, node, fh, 100);
	frame_send(c, 16, 0, false);
	assert_int_equal(frame_take(c).flags, 0);
	assert_int_equal(reply_error(c), 0);
	assert_memory_equal(test_body(c), data, 100);
}

// The OS takes whole sectors, which another session's bytes were in before.
static void the_rest_of_a_sector_is_nobodys(void **state)
{
	enum { SIZE = sizeof(struct fuse_out_header) + LENGTH, REST = 512 - SIZE % 512 };
	static uint8_t data[LENGTH], back[SIZE + REST];
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t fh, node;
	char path[96];

	connect_disk();
	node = file_make(c, &fh);
	snprintf(path, sizeof(path), "%s/share/file", f->path);
	assert_int_equal(truncate(path, LENGTH), 0);
	memset(back, 0x77, sizeof(back));
	disk_write(0, back, sizeof(back));
	read_begin(c, node, fh, LENGTH);
	frame_send(c, 1, 0, false);
	assert_int_equal(frame_take(c).flags, FILES_PORT_PLACED);
	disk_read(0, back, sizeof(back));
	memcpy(c->reply, back, sizeof(struct fuse_out_header));
	assert_int_equal(reply_error(c), 0);
	assert_memory_equal(back + SIZE, data, REST);
}

// A frame whose slot has something else, or is none, is taken for one that was cut.
static void a_slot_that_is_none(void **state)
{
	static uint8_t data[LENGTH], pad[FILES_WINDOW_SLOT_BYTES];
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	const struct {
		uint8_t slot;
		uint32_t offset;
	} wrong[] = { { 1, 0 },
		      { 0, 0 },
		      { FILES_WINDOW_SLOTS + 1, 0 },
		      { 255, 0 },
		      { 16, FILES_WINDOW_SLOT_BYTES - LENGTH },
		      { 16, UINT32_MAX } };
	uint64_t fh, node = 0;

	connect_disk();
	node = file_make(c, &fh);
	memset(pad, FILES_PORT_PAD, sizeof(pad));
	fill(data);
	write_begin(c, node, fh, data);
	// The first one is of a slot that has another request.
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct files_port_header header = { .session = SESSION,
			                            .slot = wrong[i].slot,
			                            .flags = FILES_PORT_PLACED,
			                            .offset = wrong[i].offset };
		uint8_t last;

		header.length = (uint32_t)(sizeof(header) + c->request_len);
		header.check = files_port_check(c->request, c->request_len);
		// Its last byte is one of the pad's, as of a frame that was cut there.
		memcpy(&last, (uint8_t *)&header + sizeof(header) - 1, 1);
		((uint8_t *)&header)[sizeof(header) - 1] = FILES_PORT_PAD;
		write_all(served.port, &header, sizeof(header));
		write_all(served.port, pad, 100);
		test_begin(c, FUSE_GETATTR, node);
		test_add(c, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
		ask(c);
		assert_int_equal(test_attr(c).size, 0);
		write_begin(c, node, fh, data);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, serve_no_more)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_a_disk),
		TEST(the_old_way_of_options),
		TEST(long_requests_and_replies_go_by_slots),
		TEST(the_rest_of_a_sector_is_nobodys),
		TEST(a_slot_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
