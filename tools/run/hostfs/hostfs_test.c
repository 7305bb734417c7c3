// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/hostfs/hostfs_fixture.h"

static void the_root_lists_the_shares(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t fh;

	assert_true(f->share > FUSE_ROOT_ID && f->sealed > FUSE_ROOT_ID && f->share != f->sealed);
	assert_int_equal(test_lookup(c, FUSE_ROOT_ID, "2"), -ENOENT);
	assert_int_equal(test_lookup(c, FUSE_ROOT_ID, "00"), -ENOENT);
	assert_int_equal(test_lookup(c, FUSE_ROOT_ID, "x"), -ENOENT);
	assert_true(test_lookup(c, FUSE_ROOT_ID, "0") > 0);
	assert_int_equal(test_entry(c).attr.flags, FUSE_ATTR_SUBMOUNT);
	assert_int_equal(test_entry(c).attr.uid, 0);
	assert_int_equal(test_open(c, FUSE_OPENDIR, FUSE_ROOT_ID, 0, &fh), -EACCES);
}

static void files_are_made_written_and_read(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh;
	struct stat st;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0640, &node, &fh), 0);
	assert_int_equal(test_write(c, node, fh, 0, "hello", 5), 0);
	assert_string_equal(get_file(f->shares[0].fd, "a"), "hello");
	assert_int_equal(test_read(c, FUSE_READ, node, fh, 1, 100), 0);
	assert_int_equal(c->reply_len, 4);
	assert_memory_equal(test_body(c), "ello", 4);
	assert_int_equal(fstatat(f->shares[0].fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, geteuid());
	// It is one node, by whatever way.
	assert_int_equal(test_lookup(c, f->share, "a"), node);
	assert_int_equal(test_entry(c).attr.size, 5);
	assert_int_equal(test_create(c, f->share, "a", O_RDWR | O_EXCL, 0640, &node, &fh), -EEXIST);
	assert_int_equal(test_create(c, f->share, "a", O_RDWR | O_TRUNC, 0640, &node, &fh), 0);
	assert_string_equal(get_file(f->shares[0].fd, "a"), "");
}

static void names_lead_nowhere_else(void **state)
{
	static const char *const names[] = { "..", ".", "", "../secret", "/etc", "a/b" };
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh;
	int64_t link;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(test_lookup(c, f->share, names[i]), -EINVAL);
		assert_int_equal(test_create(c, f->share, names[i], O_RDWR, 0600, &node, &fh),
		                 -EINVAL);
	}
	// What a link says is for the guest to follow.
	test_begin(c, FUSE_SYMLINK, f->share);
	test_add_name(c, "link");
	test_add_name(c, "../secret");
	assert_int_equal(test_send(c), 0);
	link = test_lookup(c, f->share, "link");
	assert_true(link > 0);
	assert_int_equal(test_entry(c).attr.mode & S_IFMT, S_IFLNK);
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)link, O_RDONLY, &fh), -ENXIO);
	assert_int_equal(test_create(c, f->share, "link", O_RDWR | O_TRUNC, 0600, &node, &fh),
	                 -ELOOP);
	assert_int_equal(symlinkat("..", f->shares[0].fd, "up"), 0);
	link = test_lookup(c, f->share, "up");
	assert_int_equal(test_lookup(c, (uint64_t)link, "secret"), -ENOTDIR);
	assert_int_equal(test_create(c, (uint64_t)link, "new", O_RDWR, 0600, &node, &fh), -ENOTDIR);
	test_begin(c, FUSE_UNLINK, (uint64_t)link);
	test_add_name(c, "secret");
	assert_int_equal(test_send(c), -ENOTDIR);
	assert_string_equal(get_file(f->top, "secret"), "secret");
}

static void a_read_only_share_is_not_changed(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_SIZE };
	uint64_t node, fh;
	int64_t file = test_lookup(c, f->sealed, "file");

	assert_true(file > 0);
	assert_int_equal(test_create(c, f->sealed, "new", O_RDWR, 0600, &node, &fh), -EROFS);
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)file, O_WRONLY, &fh), -EROFS);
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)file, O_RDONLY | O_TRUNC, &fh), -EROFS);
	assert_int_equal(test_setattr(c, (uint64_t)file, &set), -EROFS);
	set.valid = FATTR_MODE;
	assert_int_equal(test_setattr(c, (uint64_t)file, &set), -EROFS);
	test_begin(c, FUSE_UNLINK, f->sealed);
	test_add_name(c, "file");
	assert_int_equal(test_send(c), -EROFS);
	// Out of it into another share is a change of both.
	test_begin(c, FUSE_RENAME, f->share);
	test_add(c, &f->sealed, sizeof(f->sealed));
	test_add_name(c, "a");
	test_add_name(c, "b");
	assert_int_equal(test_send(c), -EXDEV);
	test_begin(c, FUSE_LINK, f->share);
	test_add(c, &file, sizeof(file));
	test_add_name(c, "b");
	assert_int_equal(test_send(c), -EXDEV);
	// A handle of the other share opens no way, either.
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)file, O_RDONLY, &fh), 0);
	assert_int_equal(test_write(c, f->share, fh, 0, "x", 1), -EBADF);
	assert_string_equal(get_file(f->shares[1].fd, "file"), "sealed");
}

static void nodes_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh, count = 2;
	struct fuse_release_in release = { 0 };

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0600, &node, &fh), 0);
	release.fh = fh;
	assert_int_equal(test_lookup(c, f->share, "a"), node);
	test_begin(c, FUSE_FORGET, node);
	test_add(c, &count, sizeof(count));
	assert_int_equal(test_send(c), 1);
	assert_int_equal(test_getattr(c, node), -ESTALE);
	// It is open, and so it is the same when it comes back.
	assert_int_equal(test_lookup(c, f->share, "a"), node);
	test_begin(c, FUSE_RELEASE, node);
	test_add(c, &release, sizeof(release));
	assert_int_equal(test_send(c), 0);
	count = 1;
	test_begin(c, FUSE_FORGET, node);
	test_add(c, &count, sizeof(count));
	assert_int_equal(test_send(c), 1);
	assert_int_not_equal(test_lookup(c, f->share, "a"), node);
	// A share stays, however often it is forgotten.
	count = UINT64_MAX;
	test_begin(c, FUSE_FORGET, f->share);
	test_add(c, &count, sizeof(count));
	assert_int_equal(test_send(c), 1);
	assert_int_equal(test_getattr(c, f->share), 0);
	assert_int_equal(test_getattr(c, 0), -ESTALE);
	assert_int_equal(test_getattr(c, UINT64_MAX), -ESTALE);
}

static void a_file_is_closed_without_an_answer(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh;
	struct fuse_release_in release = { 0 };
	struct fuse_read_in read = { .size = 1 };

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0600, &node, &fh), 0);
	release.fh = read.fh = fh;
	c->unique = UINT64_MAX;  // the next is 0
	test_begin(c, FUSE_RELEASE, node);
	test_add(c, &release, sizeof(release));
	assert_int_equal(test_send(c), 1);
	test_begin(c, FUSE_READ, node);
	test_add(c, &read, sizeof(read));
	assert_int_equal(test_send(c), -EBADF);
}

static uint64_t make_file(struct test_client *c, uint64_t parent, const char *name)
{
	struct fuse_mknod_in in = { .mode = S_IFREG | 0644 };

	test_begin(c, FUSE_MKNOD, parent);
	test_add(c, &in, sizeof(in));
	test_add_name(c, name);
	assert_int_equal(test_send(c), 0);
	return test_entry(c).nodeid;
}

static void nodes_are_more_than_descriptors(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct rlimit before, few;
	struct fuse_mkdir_in mkdir_in = { .mode = 0755 };
	uint64_t dir, nodes[200], fh;
	char name[16];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ 60, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	test_begin(c, FUSE_MKDIR, f->share);
	test_add(c, &mkdir_in, sizeof(mkdir_in));
	test_add_name(c, "dir");
	assert_int_equal(test_send(c), 0);
	dir = test_entry(c).nodeid;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		nodes[i] = make_file(c, dir, name);
	}
	// All are there, by whatever way; and the folder may be elsewhere meanwhile.
	test_begin(c, FUSE_RENAME, f->share);
	test_add(c, &f->share, sizeof(f->share));
	test_add_name(c, "dir");
	test_add_name(c, "moved");
	assert_int_equal(test_send(c), 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(test_getattr(c, nodes[i]), 0);
		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(test_lookup(c, dir, name), nodes[i]);
	}
	// One that the guest has renamed is found by its new name.
	test_begin(c, FUSE_RENAME, dir);
	test_add(c, &f->share, sizeof(f->share));
	test_add_name(c, "file0");
	test_add_name(c, "other");
	assert_int_equal(test_send(c), 0);
	for (unsigned i = 100; i < 200; i++)
		assert_int_equal(test_getattr(c, nodes[i]), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, nodes[0], O_RDWR, &fh), 0);
	assert_int_equal(test_write(c, nodes[0], fh, 0, "x", 1), 0);
	assert_string_equal(get_file(f->shares[0].fd, "other"), "x");
	// One that the host has replaced is stale.
	put_file(f->shares[0].fd, "moved/new", "");
	assert_int_equal(renameat(f->shares[0].fd, "moved/new", f->shares[0].fd, "moved/file1"), 0);
	assert_int_equal(test_getattr(c, nodes[1]), -ESTALE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void directories_are_read_to_their_end(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t fh, offset = 0;
	unsigned seen = 0;
	char name[16];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		put_file(f->shares[0].fd, name, "");
	}
	assert_int_equal(test_open(c, FUSE_OPENDIR, f->share, O_RDONLY, &fh), 0);
	for (;;) {
		size_t at = 0;

		assert_int_equal(test_read(c, FUSE_READDIRPLUS, f->share, fh, offset, 1000), 0);
		if (c->reply_len == 0)
			break;
		while (at < c->reply_len) {
			struct fuse_direntplus entry;

			memcpy(&entry, (const uint8_t *)test_body(c) + at, sizeof(entry));
			at += FUSE_DIRENT_ALIGN(sizeof(entry) + entry.dirent.namelen);
			offset = entry.dirent.off;
			seen += entry.entry_out.nodeid != 0;
		}
		assert_int_equal(at, c->reply_len);
	}
	assert_int_equal(seen, 100);
}

static void attributes_of_ours_are_not_the_guests(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setxattr_in in = { .size = 5 };
	struct fuse_getxattr_in get = { .size = 100 };

	test_begin(c, FUSE_SETXATTR, f->share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, HOSTFS_OVERRIDE);
	test_add(c, "0:0:0", 5);
	assert_int_equal(test_send(c), -EPERM);
	test_begin(c, FUSE_GETXATTR, f->share);
	test_add(c, &get, sizeof(get));
	test_add_name(c, "security.capability");
	assert_int_equal(test_send(c), -EOPNOTSUPP);
}

static void requests_that_are_none_are_refused(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;

	for (uint32_t opcode = 0; opcode < 64; opcode++) {
		test_begin(c, opcode, f->share);
		if (opcode == FUSE_READLINK || opcode == FUSE_STATFS || opcode == FUSE_OPENDIR ||
		    opcode == FUSE_DESTROY || opcode == FUSE_SYNCFS || opcode == FUSE_GETATTR)
			continue;
		assert_int_not_equal(test_send(c), 0);
	}
	test_begin(c, FUSE_GETATTR, f->share);
	assert_int_equal(hostfs_request(c->fs, c->request, 39, c->reply), 0);
	assert_int_equal(hostfs_request(c->fs, c->request, c->request_len, c->reply), 0);
	test_begin(c, FUSE_LOOKUP, f->share);
	test_add(c, "abc", 3);  // not terminated
	assert_int_equal(test_send(c), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_root_lists_the_shares),
		TEST(files_are_made_written_and_read),
		TEST(names_lead_nowhere_else),
		TEST(a_read_only_share_is_not_changed),
		TEST(nodes_are_forgotten),
		TEST(nodes_are_more_than_descriptors),
		TEST(directories_are_read_to_their_end),
		TEST(attributes_of_ours_are_not_the_guests),
		TEST(requests_that_are_none_are_refused),
		TEST(a_file_is_closed_without_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
