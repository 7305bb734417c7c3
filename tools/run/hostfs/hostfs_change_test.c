// SPDX-License-Identifier: MIT
//
// What the host has after the container has written: contents, modes, and nothing in a read-only
// share.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/hostfs/hostfs_fixture.h"

static int write_as(struct test_client *c, uint64_t node, struct fuse_write_in in, const char *text)
{
	in.size = (uint32_t)strlen(text);
	test_begin(c, FUSE_WRITE, node);
	test_add(c, &in, sizeof(in));
	test_add(c, text, in.size);
	return test_send(c);
}

static void what_is_appended_goes_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_write_in in = { .flags = O_WRONLY | O_APPEND };
	uint64_t node, fh;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR | O_APPEND, 0644, &node, &fh), 0);
	in.fh = fh;
	assert_int_equal(write_as(c, node, in, "one,"), 0);
	// The host has added to it, which the guest does not know yet.
	put_file(f->shares[0].fd, "a", "one,two,");
	in.offset = 4;
	assert_int_equal(write_as(c, node, in, "three"), 0);
	assert_string_equal(get_file(f->shares[0].fd, "a"), "one,two,three");
}

static void pages_of_mapped_memory_go_where_they_belong(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_write_in in = { .write_flags = FUSE_WRITE_CACHE };
	uint64_t node, fh;

	// Linux takes any handle that can be written by, also one that appends.
	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0644, &node, &fh), 0);
	assert_int_equal(test_write(c, node, fh, 0, "hello", 5), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, node, O_WRONLY | O_APPEND, &in.fh), 0);
	assert_int_equal(write_as(c, node, in, "HE"), 0);
	assert_string_equal(get_file(f->shares[0].fd, "a"), "HEllo");
}

// Whatever the mode, it is what was asked for, and the owner stays.
static void modes_that_keep_their_owner_out(void **state)
{
	static const uint32_t modes[] = { 0400, 0, 0111, 04111, 0200 };
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_UID | FATTR_GID, .uid = 33, .gid = 33 };
	uint64_t node, fh;
	struct stat st;

	assert_int_equal(test_create(c, f->share, "key", O_RDWR, 0644, &node, &fh), 0);
	if (test_setattr(c, node, &set) == -EPERM)
		skip();  // no user attributes here
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		set = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = modes[i] };
		assert_int_equal(test_setattr(c, node, &set), 0);
		assert_int_equal(test_attr(c).mode, S_IFREG | modes[i]);
		assert_true(test_attr(c).uid == 33 && test_attr(c).gid == 33);
		// On the host nobody else gets in.
		assert_int_equal(fstatat(f->shares[0].fd, "key", &st, 0), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600 | (modes[i] & 0777));
	}
	// Back to the user's own, nothing is kept.
	set = (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_GID | FATTR_MODE, .mode = 0400 };
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_true(test_attr(c).mode == (S_IFREG | 0400) && test_attr(c).uid == 0);
	assert_int_equal(fstatat(f->shares[0].fd, "key", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0400);
}

// As programs that run containers without root keep it, with the mode that the container sees.
static void an_attribute_of_a_file_that_cannot_be_written_goes(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 0500 };
	int fd = openat(f->shares[0].fd, "tool", O_WRONLY | O_CREAT, 0600);
	uint64_t node;

	assert_true(fd >= 0);
	if (fsetxattr(fd, HOSTFS_OVERRIDE, "0:0:04500:file", 14, 0) < 0)
		skip();
	assert_int_equal(fchmod(fd, 0500), 0);
	close(fd);
	node = (uint64_t)test_lookup(c, f->share, "tool");
	assert_int_equal(test_entry(c).attr.mode, S_IFREG | 04500);
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFREG | 0500);
}

// As `chown -R` of a folder asks for it.
static void a_links_owner_is_nothing_to_fail_for(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_UID | FATTR_GID, .uid = 33, .gid = 33 };
	struct stat st;

	assert_int_equal(symlinkat("../secret", f->shares[0].fd, "link"), 0);
	assert_int_equal(test_setattr(c, (uint64_t)test_lookup(c, f->share, "link"), &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFLNK | 0777);
	assert_int_equal(test_attr(c).uid, 0);
	assert_int_equal(fstatat(f->top, "secret", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

// Neither a second name nor a time or a mode of it is that of where it leads.
static void a_link_is_changed_itself(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MTIME | FATTR_MODE, .mtime = 1 };
	struct stat st;
	int64_t link;

	assert_int_equal(symlinkat("../secret", f->shares[0].fd, "link"), 0);
	link = test_lookup(c, f->share, "link");
	test_begin(c, FUSE_LINK, f->share);
	test_add(c, &link, sizeof(link));
	test_add_name(c, "second");
	assert_int_equal(test_send(c), 0);
	assert_int_equal(fstatat(f->shares[0].fd, "second", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode) && st.st_nlink == 2);
	assert_int_equal(test_setattr(c, (uint64_t)link, &set), 0);
	assert_int_equal(test_attr(c).mtime, 1);
	assert_int_equal(fstatat(f->top, "secret", &st, 0), 0);
	assert_true(st.st_nlink == 1 && st.st_mtime != 1 && st.st_mode == (S_IFREG | 0644));
}

// A folder that only a file keeps, which was seen in it last, changes places with that file.
static void what_is_exchanged_is_kept_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_rename2_in in = { .newdir = f->share, .flags = FUSE_RENAME_EXCHANGE };
	const uint64_t once = 1;
	int64_t folder, file;

	assert_int_equal(mkdirat(f->shares[0].fd, "folder", 0755), 0);
	put_file(f->shares[0].fd, "file", "text");
	assert_int_equal(linkat(f->shares[0].fd, "file", f->shares[0].fd, "folder/file", 0), 0);
	folder = test_lookup(c, f->share, "folder");
	file = test_lookup(c, (uint64_t)folder, "file");
	test_begin(c, FUSE_FORGET, (uint64_t)folder);
	test_add(c, &once, sizeof(once));
	assert_int_equal(test_send(c), 1);
	test_begin(c, FUSE_RENAME2, f->share);
	test_add(c, &in, sizeof(in));
	test_add_name(c, "file");
	test_add_name(c, "folder");
	assert_int_equal(test_send(c), 0);
	assert_int_equal(test_lookup(c, f->share, "folder"), file);
	assert_true(test_lookup(c, f->share, "file") > 0);
	assert_int_equal(test_entry(c).attr.mode & S_IFMT, S_IFDIR);
}

static void setuid_goes_by_every_write(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 04775 };
	struct fuse_fallocate_in allocate = { .length = 4096 };
	struct fuse_copy_file_range_in copy = { .len = 4 };
	uint64_t node, from;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0644, &from, &copy.fh_in), 0);
	assert_int_equal(test_write(c, from, copy.fh_in, 0, "text", 4), 0);
	assert_int_equal(test_create(c, f->share, "b", O_RDWR, 0644, &node, &copy.fh_out), 0);
	copy.nodeid_out = node;
	allocate.fh = copy.fh_out;
	if (test_setattr(c, node, &set) == -EPERM)
		skip();  // no user attributes here
	test_begin(c, FUSE_COPY_FILE_RANGE, from);
	test_add(c, &copy, sizeof(copy));
	(void)test_send(c);  // not every file system of the host has it
	assert_int_equal(test_getattr(c, node), 0);
	assert_int_equal(test_attr(c).mode, S_IFREG | 0775);
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).mode, S_IFREG | 04775);
	test_begin(c, FUSE_FALLOCATE, node);
	test_add(c, &allocate, sizeof(allocate));
	(void)test_send(c);
	assert_int_equal(test_getattr(c, node), 0);
	assert_int_equal(test_attr(c).mode, S_IFREG | 0775);
}

static void a_read_only_share_has_its_modes_left_alone(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct stat before, after;
	int64_t file = test_lookup(c, f->sealed, "file");
	uint64_t fh;

	assert_true(file > 0);
	assert_int_equal(fchmodat(f->shares[1].fd, "file", 0, 0), 0);
	assert_int_equal(fstatat(f->shares[1].fd, "file", &before, 0), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, (uint64_t)file, O_RDONLY, &fh), -EACCES);
	assert_int_equal(fstatat(f->shares[1].fd, "file", &after, 0), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
}

// /proc and /sys are two file systems whose roots have one number.
static void what_is_mounted_in_a_share_has_numbers_of_its_own(void **state)
{
	static struct test_client client;
	struct hostfs_share root = { .fd = open("/", O_PATH) };
	struct stat proc, sys;
	int64_t share;
	uint64_t number;

	(void)state;
	if (stat("/proc", &proc) < 0 || stat("/sys", &sys) < 0 || proc.st_ino != sys.st_ino)
		skip();
	client.fs = hostfs_create(&root, 1);
	assert_int_equal(test_init(&client), 0);
	share = test_lookup(&client, FUSE_ROOT_ID, "0");
	assert_true(test_lookup(&client, (uint64_t)share, "proc") > 0);
	number = test_entry(&client).attr.ino;
	assert_true(test_lookup(&client, (uint64_t)share, "sys") > 0);
	assert_true(number != test_entry(&client).attr.ino);
	hostfs_destroy(client.fs);
	close(root.fd);
}

// What is open keeps its descriptor, however long it is not used, and others can still be found.
static void open_files_are_in_nobodys_way(void **state)
{
	// As many as one session may have open, and more than are left.
	enum { OPEN = 1100, ALL = OPEN * 16 / 3 + 60, OTHERS = ALL - 2 * OPEN + 60 };
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct rlimit before, few;
	uint64_t node, fh;
	char name[16];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ ALL, before.rlim_max };
	if (before.rlim_max < few.rlim_cur)
		skip();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned i = 0; i < OPEN; i++) {
		snprintf(name, sizeof(name), "open%u", i);
		assert_int_equal(test_create(c, f->share, name, O_RDWR, 0600, &node, &fh), 0);
	}
	for (unsigned i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "other%u", i);
		assert_int_equal(mknodat(f->shares[0].fd, name, S_IFREG | 0600, 0), 0);
		assert_true(test_lookup(c, f->share, name) > 0);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// As in a setgid folder of a group that the user is in.
static void another_group_of_the_users_becomes_roots(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_GID, .gid = 0 };
	uint64_t node;
	struct stat st;

	if (getuid() != 0)
		skip();
	put_file(f->shares[0].fd, "a", "");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(fchownat(f->shares[0].fd, "a", 1234, 4321, 0), 0);
	assert_int_equal(seteuid(1234), 0);
	node = (uint64_t)test_lookup(c, f->share, "a");
	assert_int_equal(test_entry(c).attr.gid, 65534);
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).gid, 0);
	assert_int_equal(fstatat(f->shares[0].fd, "a", &st, 0), 0);
	assert_int_equal(st.st_gid, 1234);
}

static void what_is_sought_is_the_hosts_to_say(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	const struct {
		int64_t offset;
		int whence, answer;
	} asked[] = { { 0, SEEK_DATA, 0 },       { 5, SEEK_DATA, -ENXIO },
		      { -1, SEEK_HOLE, -ENXIO }, { INT64_MIN, SEEK_DATA, -ENXIO },
		      { 0, SEEK_END, -EINVAL },  { 0, 77, -EINVAL } };
	uint64_t node, fh;

	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0644, &node, &fh), 0);
	assert_int_equal(test_write(c, node, fh, 0, "hello", 5), 0);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct fuse_lseek_in in = { .fh = fh,
			                    .offset = (uint64_t)asked[i].offset,
			                    .whence = (uint32_t)asked[i].whence };

		test_begin(c, FUSE_LSEEK, node);
		test_add(c, &in, sizeof(in));
		assert_int_equal(test_send(c), asked[i].answer);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_appended_goes_to_the_end),
		TEST(pages_of_mapped_memory_go_where_they_belong),
		TEST(modes_that_keep_their_owner_out),
		TEST(an_attribute_of_a_file_that_cannot_be_written_goes),
		TEST(a_links_owner_is_nothing_to_fail_for),
		TEST(a_link_is_changed_itself),
		TEST(what_is_exchanged_is_kept_meanwhile),
		TEST(setuid_goes_by_every_write),
		TEST(a_read_only_share_has_its_modes_left_alone),
		TEST(what_is_mounted_in_a_share_has_numbers_of_its_own),
		TEST(open_files_are_in_nobodys_way),
		TEST(another_group_of_the_users_becomes_roots),
		TEST(what_is_sought_is_the_hosts_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
