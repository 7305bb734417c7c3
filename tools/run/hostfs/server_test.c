// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/abi/files_port.h"
#include "tools/run/hostfs/hostfs_fixture.h"

// Reads exactly that much.
static void read_all(int fd, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t length = read(fd, (uint8_t *)data + done, size - done);

		assert_true(length > 0);
		done += (size_t)length;
	}
}

static void the_server_serves_sessions(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct files_port_header header = { 0 };
	struct fuse_out_header out;
	struct fuse_init_out init;
	struct error err;
	int pair[2];
	int status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = hostfs_server_start(pair[0], -1, f->shares, 2, NULL, &err);
	assert_true(pid > 0);
	close(pair[0]);
	// Before INIT there is no session.
	for (unsigned i = 0; i < 2; i++) {
		struct fuse_init_in in = { .major = 7, .minor = 41 };

		test_begin(c, i == 0 ? FUSE_GETATTR : FUSE_INIT, FUSE_ROOT_ID);
		test_add(c, &in, sizeof(in));
		header.length = (uint32_t)(sizeof(header) + c->request_len);
		header.session = 5;
		memcpy(c->request, &c->request_len, 4);
		header.check = files_port_check(c->request, c->request_len);
		assert_int_equal(write(pair[1], &header, sizeof(header)), sizeof(header));
		assert_int_equal(write(pair[1], c->request, c->request_len), c->request_len);
		read_all(pair[1], &header, sizeof(header));
		read_all(pair[1], &out, sizeof(out));
		assert_int_equal(header.session, 5);
		assert_int_equal(out.unique, c->unique);
		assert_int_equal(out.error, i == 0 ? -ENOTCONN : 0);
	}
	read_all(pair[1], &init, sizeof(init));
	assert_int_equal(init.max_write, HOSTFS_MAX_DATA);
	// A frame that is none ends it.
	header.length = UINT32_MAX;
	assert_int_equal(write(pair[1], &header, sizeof(header)), sizeof(header));
	assert_int_equal(read(pair[1], &header, 1), 0);
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

// Sends a frame of the session.
static void send_frame(int fd, uint32_t session, const void *body, size_t len)
{
	struct files_port_header header = { .length = (uint32_t)(sizeof(header) + len),
		                            .session = (uint16_t)session,
		                            .check = files_port_check(body, len) };

	assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, body, len), len);
}

// Asks in a session of the server. Returns the error; the reply's body is cut to `max` bytes.
static int ask(struct test_client *c, int fd, uint32_t session, void *body, size_t max)
{
	struct files_port_header header;
	struct fuse_out_header out;
	uint8_t rest[256];

	memcpy(c->request, &c->request_len, 4);
	send_frame(fd, session, c->request, c->request_len);
	read_all(fd, &header, sizeof(header));
	read_all(fd, &out, sizeof(out));
	assert_int_equal(header.session, session);
	read_all(fd, rest, out.len - sizeof(out));
	memcpy(body, rest, max < out.len - sizeof(out) ? max : out.len - sizeof(out));
	return out.error;
}

static int greet(struct test_client *c, int fd, uint32_t session)
{
	struct fuse_init_in in = { .major = 7, .minor = 41 };
	struct fuse_init_out init;

	test_begin(c, FUSE_INIT, FUSE_ROOT_ID);
	test_add(c, &in, sizeof(in));
	return ask(c, fd, session, &init, sizeof(init));
}

static int ask_name(struct test_client *c, int fd, uint32_t session, uint32_t opcode,
                    const char *name)
{
	struct fuse_entry_out entry = { 0 };
	int result;

	test_begin(c, opcode, FUSE_ROOT_ID);
	if (opcode == FUSE_MKDIR)
		test_add(c, &(struct fuse_mkdir_in){ .mode = 0755 }, sizeof(struct fuse_mkdir_in));
	test_add(c, name, strlen(name) + 1);
	result = ask(c, fd, session, &entry, sizeof(entry));
	// So it says that there is none, which may be remembered.
	return result == 0 && opcode == FUSE_LOOKUP && entry.nodeid == 0 ? -ENOENT : result;
}

// Makes and removes a folder in the child "0".
static int ask_child(struct test_client *c, int fd, uint32_t session)
{
	struct fuse_mkdir_in in = { .mode = 0755 };
	struct fuse_entry_out entry;
	uint64_t share;
	int result;

	test_begin(c, FUSE_LOOKUP, FUSE_ROOT_ID);
	test_add_name(c, "0");
	assert_int_equal(ask(c, fd, session, &entry, sizeof(entry)), 0);
	share = entry.nodeid;
	test_begin(c, FUSE_MKDIR, share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, "child");
	result = ask(c, fd, session, &entry, sizeof(entry));
	if (result < 0)
		return result;
	test_begin(c, FUSE_RMDIR, share);
	test_add_name(c, "child");
	return ask(c, fd, session, &entry, sizeof(entry));
}

static void a_session_of_a_named_share_has_it_for_its_root(void **state)
{
	struct fixture *f = *state;
	struct hostfs_share shares[] = { f->shares[0], f->shares[0], f->shares[1] };
	struct test_client *c = &f->client;
	struct error err;
	int pair[2];
	int status;
	pid_t pid;

	shares[1].name = "notes";
	shares[2].name = "sealed";
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = hostfs_server_start(pair[0], -1, shares, 3, NULL, &err);
	assert_true(pid > 0);
	close(pair[0]);
	send_frame(pair[1], 5, "notes", 5);
	assert_int_equal(greet(c, pair[1], 5), 0);
	assert_int_equal(ask_name(c, pair[1], 5, FUSE_MKDIR, "made"), 0);
	assert_int_equal(ask_name(c, pair[1], 5, FUSE_LOOKUP, "made"), 0);
	assert_int_equal(ask_name(c, pair[1], 5, FUSE_LOOKUP, "0"), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 5, FUSE_LOOKUP, "sealed"), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 5, FUSE_RMDIR, "made"), 0);
	send_frame(pair[1], 6, "sealed", 6);
	assert_int_equal(greet(c, pair[1], 6), 0);
	assert_int_equal(ask_name(c, pair[1], 6, FUSE_MKDIR, "made"), -EROFS);
	// For a guest, the share is a child; what is read-only for it is so here.
	send_frame(pair[1], 9, "notes/", 6);
	assert_int_equal(greet(c, pair[1], 9), 0);
	assert_int_equal(ask_name(c, pair[1], 9, FUSE_LOOKUP, "0"), 0);
	assert_int_equal(ask_name(c, pair[1], 9, FUSE_LOOKUP, "1"), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 9, FUSE_MKDIR, "made"), -EROFS);
	send_frame(pair[1], 10, "notes/ro", 8);
	assert_int_equal(greet(c, pair[1], 10), 0);
	assert_int_equal(ask_child(c, pair[1], 9), 0);
	assert_int_equal(ask_child(c, pair[1], 10), -EROFS);
	send_frame(pair[1], 11, "notes/rw", 8);
	assert_int_equal(greet(c, pair[1], 11), -ENOENT);
	// Those with numbers have none of these.
	assert_int_equal(greet(c, pair[1], 7), 0);
	assert_int_equal(ask_name(c, pair[1], 7, FUSE_LOOKUP, "0"), 0);
	assert_int_equal(ask_name(c, pair[1], 7, FUSE_LOOKUP, "1"), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 7, FUSE_LOOKUP, "notes"), -ENOENT);
	send_frame(pair[1], 8, "note", 4);
	assert_int_equal(greet(c, pair[1], 8), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 8, FUSE_LOOKUP, "0"), -ENOENT);
	// Who begins anew has no more than before.
	assert_int_equal(greet(c, pair[1], 6), 0);
	assert_int_equal(ask_name(c, pair[1], 6, FUSE_LOOKUP, "0"), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 6, FUSE_MKDIR, "made"), -EROFS);
	assert_int_equal(greet(c, pair[1], 10), 0);
	assert_int_equal(ask_child(c, pair[1], 10), -EROFS);
	assert_int_equal(greet(c, pair[1], 8), -ENOENT);
	assert_int_equal(ask_name(c, pair[1], 8, FUSE_LOOKUP, "0"), -ENOENT);
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

// --- Sessions that outlive the app ---------------------------------------------------------------

static struct {
	int fd;
	pid_t pid;
} served;

static void serve(struct fixture *f)
{
	struct error err;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	served.pid = hostfs_server_start(pair[0], -1, f->shares, 2, NULL, &err);
	assert_true(served.pid > 0);
	close(pair[0]);
	served.fd = pair[1];
}

static void serve_no_more(void)
{
	int status;

	close(served.fd);
	assert_int_equal(waitpid(served.pid, &status, 0), served.pid);
	assert_int_equal(status, 0);
}

static void control(uint32_t kind, uint32_t session, uint64_t value)
{
	struct files_port_control body = { .kind = kind, .session = session, .value = { value } };

	send_frame(served.fd, 0, &body, sizeof(body));
}

// A new app, which takes what was meant for the one before until the host says hello.
static void hello(uint64_t token)
{
	uint8_t frame[sizeof(struct files_port_header) + sizeof(struct files_port_control)] = { 0 };
	struct files_port_control body = { .kind = FILES_PORT_HELLO, .value = { token } };
	struct files_port_header header = { .length = sizeof(frame) };
	uint8_t wanted[sizeof(frame)];

	memcpy(wanted, &header, sizeof(header));
	memcpy(wanted + sizeof(header), &body, sizeof(body));
	send_frame(served.fd, 0, &body, sizeof(body));
	do {
		memmove(frame, frame + 1, sizeof(frame) - 1);
		read_all(served.fd, frame + sizeof(frame) - 1, 1);
	} while (memcmp(frame, wanted, sizeof(frame)) != 0);
}

static uint64_t look_up(struct test_client *c, uint32_t session, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	test_begin(c, FUSE_LOOKUP, parent);
	test_add_name(c, name);
	assert_int_equal(ask(c, served.fd, session, &entry, sizeof(entry)), 0);
	return entry.nodeid;
}

static void append_begin(struct test_client *c, uint64_t node, uint64_t fh)
{
	struct fuse_write_in in = { .fh = fh, .size = 1, .flags = O_APPEND };

	test_begin(c, FUSE_WRITE, node);
	test_add(c, &in, sizeof(in));
	test_add(c, "x", 1);
}

static void what_was_answered_is_not_done_again(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_write_out written;
	struct fuse_open_out open;
	uint64_t node, share;

	put_file(f->shares[0].fd, "file", "");
	serve(f);
	hello(1);
	control(FILES_PORT_SESSION, 3, 0x1234);
	assert_int_equal(greet(c, served.fd, 3), 0);
	share = look_up(c, 3, FUSE_ROOT_ID, "0");
	node = look_up(c, 3, share, "file");
	test_begin(c, FUSE_OPEN, node);
	test_add(c, &(struct fuse_open_in){ .flags = O_RDWR }, sizeof(struct fuse_open_in));
	assert_int_equal(ask(c, served.fd, 3, &open, sizeof(open)), 0);
	append_begin(c, node, open.fh);
	assert_int_equal(ask(c, served.fd, 3, &written, sizeof(written)), 0);
	// A second one, whose answer the app did not live to read.
	append_begin(c, node, open.fh);
	memcpy(c->request, &c->request_len, 4);
	send_frame(served.fd, 3, c->request, c->request_len);
	hello(2);
	control(FILES_PORT_SESSION, 1, 0x1234);
	assert_int_equal(ask(c, served.fd, 1, &written, sizeof(written)), 0);
	assert_int_equal(written.size, 1);
	assert_string_equal(get_file(f->shares[0].fd, "file"), "xx");
	// One that nobody has heard of.
	append_begin(c, node, open.fh);
	assert_int_equal(ask(c, served.fd, 1, &written, sizeof(written)), 0);
	assert_string_equal(get_file(f->shares[0].fd, "file"), "xxx");
	serve_no_more();
}

// The user's limit on the size of files.
static void what_would_be_too_large_is_one_requests_error(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_write_in in = { .offset = 1 << 20, .size = 1 };
	struct rlimit before, few;
	struct fuse_write_out written;
	struct fuse_open_out open;
	uint64_t node, share;

	put_file(f->shares[0].fd, "file", "");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	few = (struct rlimit){ .rlim_cur = 1 << 20, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	serve(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	hello(1);
	assert_int_equal(greet(c, served.fd, 3), 0);
	share = look_up(c, 3, FUSE_ROOT_ID, "0");
	node = look_up(c, 3, share, "file");
	test_begin(c, FUSE_OPEN, node);
	test_add(c, &(struct fuse_open_in){ .flags = O_RDWR }, sizeof(struct fuse_open_in));
	assert_int_equal(ask(c, served.fd, 3, &open, sizeof(open)), 0);
	in.fh = open.fh;
	test_begin(c, FUSE_WRITE, node);
	test_add(c, &in, sizeof(in));
	test_add(c, "x", 1);
	assert_int_equal(ask(c, served.fd, 3, &written, sizeof(written)), -EFBIG);
	serve_no_more();
}

static void a_second_greeting_begins_anew(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_attr_out attr;
	uint64_t share, file;

	put_file(f->shares[0].fd, "file", "");
	serve(f);
	hello(1);
	assert_int_equal(greet(c, served.fd, 3), 0);
	share = look_up(c, 3, FUSE_ROOT_ID, "0");
	file = look_up(c, 3, share, "file");
	assert_int_equal(greet(c, served.fd, 3), 0);
	test_begin(c, FUSE_GETATTR, file);
	test_add(c, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
	assert_int_equal(ask(c, served.fd, 3, &attr, sizeof(attr)), -ESTALE);
	assert_true(look_up(c, 3, FUSE_ROOT_ID, "0") != 0);
	serve_no_more();
}

static void who_has_no_key_ends(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct files_port_header header;
	struct fuse_attr_out attr;

	serve(f);
	hello(1);
	assert_int_equal(greet(c, served.fd, 3), 0);
	hello(2);
	test_begin(c, FUSE_GETATTR, FUSE_ROOT_ID);
	test_add(c, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
	assert_int_equal(ask(c, served.fd, 3, &attr, sizeof(attr)), -ENOTCONN);
	// A key that is not known here: its client hears of it.
	control(FILES_PORT_SESSION, 4, 99);
	send_frame(served.fd, 4, c->request, c->request_len);
	read_all(served.fd, &header, sizeof(header));
	assert_int_equal(header.length, sizeof(header));
	assert_int_equal(header.session, 4);
	// It may begin anew.
	control(FILES_PORT_SESSION, 5, 99);
	assert_int_equal(greet(c, served.fd, 5), 0);
	serve_no_more();
}

static void read_changes(struct test_client *c, uint32_t session, uint64_t node)
{
	struct fuse_read_in in = { .size = 4096 };

	test_begin(c, FUSE_READ, node);
	test_add(c, &in, sizeof(in));
	memcpy(c->request, &c->request_len, 4);
	send_frame(served.fd, session, c->request, c->request_len);
}

// The read that waits for changes is answered once it is asked again, and once.
static void who_comes_back_is_told_of_changes_when_it_asks(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct files_port_header header;
	struct fuse_out_header out;
	struct fuse_attr_out attr;
	struct fuse_open_out open;
	uint8_t change[256];
	uint64_t node, unique;

	serve(f);
	hello(1);
	control(FILES_PORT_SESSION, 3, 7);
	assert_int_equal(greet(c, served.fd, 3), 0);
	(void)look_up(c, 3, FUSE_ROOT_ID, "0");
	node = look_up(c, 3, FUSE_ROOT_ID, "changes");
	test_begin(c, FUSE_OPEN, node);
	test_add(c, &(struct fuse_open_in){ 0 }, sizeof(struct fuse_open_in));
	assert_int_equal(ask(c, served.fd, 3, &open, sizeof(open)), 0);
	read_changes(c, 3, node);
	unique = c->unique;
	hello(2);
	control(FILES_PORT_SESSION, 1, 7);
	assert_int_equal(mkdirat(f->shares[0].fd, "new", 0755), 0);
	// Whatever is told meanwhile would come before this.
	test_begin(c, FUSE_GETATTR, FUSE_ROOT_ID);
	test_add(c, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
	assert_int_equal(ask(c, served.fd, 1, &attr, sizeof(attr)), 0);
	c->unique = unique - 1;
	read_changes(c, 1, node);
	read_all(served.fd, &header, sizeof(header));
	read_all(served.fd, &out, sizeof(out));
	assert_int_equal(out.unique, unique);
	assert_true(out.len > sizeof(out));
	read_all(served.fd, change, out.len - sizeof(out));
	c->unique += 100;
	test_begin(c, FUSE_GETATTR, FUSE_ROOT_ID);
	test_add(c, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
	assert_int_equal(ask(c, served.fd, 1, &attr, sizeof(attr)), 0);
	serve_no_more();
}

// The console's driver dies while a request is on its way.
static void a_request_that_was_cut_is_not_served(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_create_in in = { .flags = O_RDWR, .mode = 0600 };
	struct files_port_header header = { 0 };
	uint8_t pad[4096];
	uint64_t share;

	serve(f);
	hello(1);
	control(FILES_PORT_SESSION, 3, 7);
	assert_int_equal(greet(c, served.fd, 3), 0);
	share = look_up(c, 3, FUSE_ROOT_ID, "0");
	test_begin(c, FUSE_CREATE, share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, "abcdef");
	memcpy(c->request, &c->request_len, 4);
	header.length = (uint32_t)(sizeof(header) + c->request_len);
	header.session = 3;
	header.check = files_port_check(c->request, c->request_len);
	assert_int_equal(write(served.fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(served.fd, c->request, c->request_len - 4), c->request_len - 4);
	memset(pad, FILES_PORT_PAD, sizeof(pad));
	for (unsigned i = 0; i < 66; i++)
		assert_int_equal(write(served.fd, pad, sizeof(pad)), sizeof(pad));
	hello(2);
	control(FILES_PORT_SESSION, 1, 7);
	assert_true(look_up(c, 1, share, "abc") == 0);
	assert_true(look_up(c, 1, share, "abcdef") == 0);
	serve_no_more();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_server_serves_sessions),
		TEST(a_session_of_a_named_share_has_it_for_its_root),
		TEST(what_was_answered_is_not_done_again),
		TEST(a_second_greeting_begins_anew),
		TEST(what_would_be_too_large_is_one_requests_error),
		TEST(who_has_no_key_ends),
		TEST(who_comes_back_is_told_of_changes_when_it_asks),
		TEST(a_request_that_was_cut_is_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
