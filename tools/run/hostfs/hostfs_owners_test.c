// SPDX-License-Identifier: MIT
//
// Owners, modes, devices and what else of a file an ordinary user cannot have on the host.
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

static void owners_and_setuid_are_kept_beside_the_file(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 04755 };
	uint64_t node, fh;
	struct stat st;
	int fd;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0644, &node, &fh), 0);
	if (test_setattr(c, node, &set) == -EPERM)
		skip();  // no user attributes here
	assert_int_equal(test_attr(c).mode, S_IFREG | 04755);
	assert_int_equal(fstatat(f->shares[0].fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	// A write takes it away, and so does a new owner.
	assert_int_equal(test_write(c, node, fh, 0, "x", 1), 0);
	assert_int_equal(test_getattr(c, node), 0);
	assert_int_equal(test_attr(c).mode, S_IFREG | 0755);
	set = (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_GID, .uid = 7, .gid = 8 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_true(test_attr(c).uid == 7 && test_attr(c).gid == 8);
	assert_int_equal(fstatat(f->shares[0].fd, "a", &st, 0), 0);
	assert_int_equal(st.st_uid, geteuid());
	// What the host changes counts.
	assert_int_equal(fchmodat(f->shares[0].fd, "a", 0600, 0), 0);
	assert_int_equal(test_getattr(c, node), 0);
	assert_true(test_attr(c).mode == (S_IFREG | 0600) && test_attr(c).uid == 7);
	// Back to the user's own, nothing is kept.
	set = (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_GID };
	assert_int_equal(test_setattr(c, node, &set), 0);
	fd = openat(f->shares[0].fd, "a", O_RDONLY);
	assert_int_equal(fgetxattr(fd, HOSTFS_OVERRIDE, NULL, 0), -1);
	close(fd);
	assert_true(test_attr(c).uid == 0 && test_attr(c).gid == 0);
}

static void others_than_root_own_what_they_make(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh;
	int result;

	c->uid = 33;
	c->gid = 34;
	result = test_create(c, f->share, "a", O_RDWR, 0644, &node, &fh);
	if (result == -EPERM) {
		// Then it is not there, rather than somebody else's.
		assert_int_equal(test_lookup(c, f->share, "a"), -ENOENT);
		skip();
	}
	assert_int_equal(result, 0);
	assert_true(test_entry(c).attr.uid == 33 && test_entry(c).attr.gid == 34);
}

// The type that a list of the share has for its one file.
static unsigned char listed_type(struct test_client *c, uint64_t share, uint32_t opcode)
{
	const size_t fixed = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0;
	struct fuse_dirent entry;
	size_t at = 0;
	uint64_t fh;

	assert_int_equal(test_open(c, FUSE_OPENDIR, share, O_RDONLY, &fh), 0);
	assert_int_equal(test_read(c, opcode, share, fh, 0, 4096), 0);
	while (at < c->reply_len) {
		const uint8_t *name = (const uint8_t *)test_body(c) + at + fixed;

		memcpy(&entry, name, sizeof(entry));
		if (name[sizeof(entry)] != '.')
			return (unsigned char)entry.type;
		at += FUSE_DIRENT_ALIGN(fixed + sizeof(entry) + entry.namelen);
	}
	return DT_UNKNOWN;
}

static void a_device_is_a_file_of_the_host(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_mknod_in in = { .mode = S_IFCHR | 0600, .rdev = 1 << 8 | 3 };
	struct stat st;
	uint64_t fh;
	int result;

	test_begin(c, FUSE_MKNOD, f->share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, "null");
	result = test_send(c);
	if (result == -EPERM)
		skip();
	assert_int_equal(result, 0);
	assert_true(test_entry(c).attr.mode == (S_IFCHR | 0600) &&
	            test_entry(c).attr.rdev == (1 << 8 | 3));
	assert_int_equal(fstatat(f->shares[0].fd, "null", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(test_open(c, FUSE_OPEN, test_entry(c).nodeid, O_RDWR, &fh), -ENXIO);
	// `find -type c` looks no further.
	assert_int_equal(listed_type(c, f->share, FUSE_READDIR), DT_CHR);
	assert_int_equal(listed_type(c, f->share, FUSE_READDIRPLUS), DT_CHR);
}

// A FIFO of the host could not be given to another user of the container, and `tar` and `cp -a`
// failed.
static void an_ordinary_users_fifo_is_a_file_of_the_host(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_mknod_in in = { .mode = S_IFIFO | 0620 };
	struct fuse_setattr_in set = { .valid = FATTR_UID | FATTR_GID, .uid = 7, .gid = 8 };
	uint64_t node, fh;
	struct stat st;

	test_begin(c, FUSE_MKNOD, f->share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, "pipe");
	assert_int_equal(test_send(c), 0);
	assert_int_equal(test_entry(c).attr.mode, S_IFIFO | 0620);
	node = test_entry(c).nodeid;
	assert_int_equal(fstatat(f->shares[0].fd, "pipe", &st, 0), 0);
	if (S_ISFIFO(st.st_mode))
		skip();  // no user attributes here
	assert_int_equal(st.st_mode, S_IFREG | 0620);
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_true(test_attr(c).mode == (S_IFIFO | 0620) && test_attr(c).uid == 7);
	set = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = 02666 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_lookup(c, f->share, "pipe"), node);
	assert_true(test_entry(c).attr.mode == (S_IFIFO | 02666) && test_entry(c).attr.gid == 8);
	// A new owner takes these from all but folders, as Linux does.
	set = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = 06755 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	set = (struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 9 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFIFO | 0755);
	// So does one that names nothing, which is a chown(-1, -1): of its owner, not of others.
	set = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = 06755 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	set = (struct fuse_setattr_in){ 0 };
	c->uid = 8;
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFIFO | 06755);
	c->uid = 9;
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFIFO | 0755);
	assert_int_equal(listed_type(c, f->share, FUSE_READDIR), DT_FIFO);
	assert_int_equal(test_open(c, FUSE_OPEN, node, O_RDONLY, &fh), -ENXIO);
}

static void what_would_block_is_not_opened(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 06640 };
	uint64_t node, fh;
	int64_t pipe;

	assert_int_equal(mkfifoat(f->shares[0].fd, "pipe", 0600), 0);
	pipe = test_lookup(c, f->share, "pipe");
	assert_true(pipe > 0);
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)pipe, O_RDONLY, &fh), -ENXIO);
	assert_int_equal(test_create(c, f->share, "pipe", O_RDWR, 0600, &node, &fh), -ENXIO);
	// It has no attribute for its mode, and needs none: nothing executes it.
	assert_int_equal(test_setattr(c, (uint64_t)pipe, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFIFO | 06640);
}

static void what_changes_nothing_changes_ctime(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 0600 };
	struct fuse_attr before, after;
	uint64_t node, fh;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0600, &node, &fh), 0);
	before = test_entry(c).attr;
	after = before;
	// The host's clock has a tick.
	for (unsigned i = 0;
	     i < 100000 && after.ctime == before.ctime && after.ctimensec == before.ctimensec;
	     i++) {
		assert_int_equal(test_setattr(c, node, &set), 0);
		after = test_attr(c);
	}
	assert_true(after.ctime != before.ctime || after.ctimensec != before.ctimensec);
	assert_true(after.mtime == before.mtime && after.mtimensec == before.mtimensec);
}

static void roots_files_are_opened_whatever_their_mode(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, fh;
	struct stat st;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0, &node, &fh), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, node, O_RDWR, &fh), 0);
	assert_int_equal(fstatat(f->shares[0].fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(owners_and_setuid_are_kept_beside_the_file),
		TEST(others_than_root_own_what_they_make),
		TEST(a_device_is_a_file_of_the_host),
		TEST(an_ordinary_users_fifo_is_a_file_of_the_host),
		TEST(what_would_block_is_not_opened),
		TEST(what_changes_nothing_changes_ctime),
		TEST(roots_files_are_opened_whatever_their_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
