// SPDX-License-Identifier: MIT
//
// A guest that means harm to what it may not change, and to other guests of the same server.
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "tools/run/hostfs/binds.h"
#include "tools/run/hostfs/hostfs_fixture.h"

#define NUM_OPEN 80u  // directories

static unsigned num_reads;

// In the place of the C library's.
ssize_t getdents64(int fd, void *buffer, size_t length)
{
	num_reads++;
	return syscall(SYS_getdents64, fd, buffer, length);
}

// Another guest's session, of the writable share.
static struct test_client *other_client(struct fixture *f)
{
	static struct test_client other;

	memset(&other, 0, sizeof(other));
	other.fs = hostfs_create(f->shares, 1);
	assert_non_null(other.fs);
	assert_int_equal(test_init(&other), 0);
	return &other;
}

static struct rlimit few_descriptors(rlim_t count)
{
	struct rlimit before, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ .rlim_cur = count, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	return before;
}

// All that one needs to work.
static void works(struct test_client *c)
{
	uint64_t share = (uint64_t)test_lookup(c, FUSE_ROOT_ID, "0"), node, fh;
	struct fuse_release_in in = { 0 };

	assert_int_equal(test_create(c, share, "works", O_RDWR, 0600, &node, &fh), 0);
	assert_int_equal(test_write(c, node, fh, 0, "x", 1), 0);
	in.fh = fh;
	test_begin(c, FUSE_RELEASE, node);
	test_add(c, &in, sizeof(in));
	assert_int_equal(test_send(c), 0);
	assert_int_equal(test_open(c, FUSE_OPENDIR, share, O_RDONLY, &fh), 0);
	assert_int_equal(test_read(c, FUSE_READDIRPLUS, share, fh, 0, 4096), 0);
}

// --- Handles -------------------------------------------------------------------------------------

// One of a read-only share, with a node of the other.
static void a_handle_is_good_for_its_own_node_only(void **state)
{
	static const char setuid[] = "0:0:04755:file";
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_fallocate_in in = { .length = 1 };
	struct fuse_read_in read = { .size = 100 };
	uint64_t sealed = (uint64_t)test_lookup(c, f->sealed, "file"), node, fh;
	char text[32] = "";
	int fd = openat(f->shares[1].fd, "file", O_RDONLY);

	if (fsetxattr(fd, HOSTFS_OVERRIDE, setuid, strlen(setuid), 0) < 0)
		skip();
	assert_int_equal(test_create(c, f->share, "mine", O_RDWR, 0600, &node, &fh), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, sealed, O_RDONLY, &fh), 0);
	in.fh = read.fh = fh;
	test_begin(c, FUSE_FALLOCATE, node);
	test_add(c, &in, sizeof(in));
	assert_int_equal(test_send(c), -EBADF);
	assert_int_equal(fgetxattr(fd, HOSTFS_OVERRIDE, text, sizeof(text)), strlen(setuid));
	assert_string_equal(text, setuid);
	test_begin(c, FUSE_READ, node);
	test_add(c, &read, sizeof(read));
	assert_int_equal(test_send(c), -EBADF);
	assert_int_equal(test_read(c, FUSE_READ, sealed, fh, 0, 100), 0);
	close(fd);
}

// --- Descriptors, which all sessions share -------------------------------------------------------

static void who_opens_all_leaves_others_some(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client, *other = other_client(f);
	struct rlimit before = few_descriptors(200);
	struct fuse_lk_in lock = { .owner = 1, .lk = { .type = FUSE_LOCK_READ, .end = 10 } };
	int result = 0, count = 0;
	uint64_t node, fh;
	char name[16];

	while (result == 0 && count < 1000) {
		snprintf(name, sizeof(name), "open%d", count++);
		result = test_create(c, f->share, name, O_RDWR, 0600, &node, &fh);
		if (result != 0)
			break;
		test_begin(c, FUSE_SETLK, node);
		test_add(c, &lock, sizeof(lock));
		(void)test_send(c);
	}
	assert_int_equal(result, -ENFILE);
	works(other);
	hostfs_destroy(other->fs);
	// It has what it had, and more once others are gone.
	assert_int_equal(test_getattr(c, node), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// An open that fails leaves all as it was.
static void who_may_open_no_more_makes_and_cuts_nothing(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct rlimit before = few_descriptors(100);
	uint64_t node, fh;
	struct stat st;

	put_file(f->shares[0].fd, "full", "text");
	node = (uint64_t)test_lookup(c, f->share, "full");
	while (test_open(c, FUSE_OPEN, node, O_RDONLY, &fh) == 0)
		continue;
	assert_int_equal(test_open(c, FUSE_OPEN, node, O_RDWR | O_TRUNC, &fh), -ENFILE);
	assert_int_equal(test_create(c, f->share, "full", O_RDWR | O_TRUNC, 0600, &node, &fh),
	                 -ENFILE);
	assert_int_equal(test_create(c, f->share, "new", O_RDWR, 0600, &node, &fh), -ENFILE);
	assert_int_equal(fstatat(f->shares[0].fd, "full", &st, 0), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(fstatat(f->shares[0].fd, "new", &st, 0), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static bool is_one_free(void)
{
	int fd = open("/", O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void who_looks_at_all_leaves_others_some(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client, *other = other_client(f);
	struct rlimit before = few_descriptors(100);
	char name[16];

	for (unsigned i = 0; is_one_free(); i++) {
		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(mknodat(f->shares[0].fd, name, S_IFREG | 0600, 0), 0);
		assert_true(test_lookup(c, f->share, name) > 0);
	}
	works(other);
	hostfs_destroy(other->fs);
	works(c);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// A folder of the host that is asked for then is opened nevertheless.
static void who_looks_at_all_leaves_new_folders_some(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct binds binds = { .root = f->top, .path = f->path };
	struct rlimit before = few_descriptors(100);
	struct bind_answer answer;
	char name[96];

	for (unsigned i = 0; is_one_free(); i++) {
		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(mknodat(f->shares[0].fd, name, S_IFREG | 0600, 0), 0);
		assert_true(test_lookup(c, f->share, name) > 0);
	}
	snprintf(name, sizeof(name), "%s/new/one", f->path);
	binds_open(&binds, BIND_MAKE, name, &answer);
	assert_string_equal(answer.text, "");
	assert_int_equal(answer.number, 1);
	binds_close(&binds);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// What has no node is not made either: who asks once more would find it there.
static void makes_nothing(struct fixture *f)
{
	struct fuse_mknod_in mknod = { .mode = S_IFREG | 0600 };
	struct fuse_mkdir_in mkdir = { .mode = 0700 };
	struct test_client *c = &f->client;
	uint64_t node, fh;
	struct stat st;

	test_begin(c, FUSE_MKNOD, f->share);
	test_add(c, &mknod, sizeof(mknod));
	test_add_name(c, "new");
	assert_int_equal(test_send(c), -ENFILE);
	test_begin(c, FUSE_MKDIR, f->share);
	test_add(c, &mkdir, sizeof(mkdir));
	test_add_name(c, "new");
	assert_int_equal(test_send(c), -ENFILE);
	test_begin(c, FUSE_SYMLINK, f->share);
	test_add_name(c, "new");
	test_add_name(c, "target");
	assert_int_equal(test_send(c), -ENFILE);
	assert_int_equal(test_create(c, f->share, "new", O_RDWR, 0600, &node, &fh), -ENFILE);
	assert_int_equal(fstatat(f->shares[0].fd, "new", &st, AT_SYMLINK_NOFOLLOW), -1);
}

// The server's memory is for all guests.
static void who_knows_all_leaves_others_some(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client, *other = other_client(f);
	const struct fuse_forget_in twice = { .nlookup = 2 };
	unsigned known = 0;
	uint64_t made, fh;
	int64_t node = 1;
	char name[16];

	for (; node > 0 && known < MAX_NODES; known++) {
		snprintf(name, sizeof(name), "file%u", known);
		assert_int_equal(mknodat(f->shares[0].fd, name, S_IFREG | 0600, 0), 0);
		node = test_lookup(c, f->share, name);
	}
	assert_int_equal(node, -ENFILE);
	assert_true(known > MAX_NODES / 3 && known < MAX_NODES);
	makes_nothing(f);
	// A guest forgets what it does not use, and asks once more.
	test_begin(c, FUSE_FORGET, (uint64_t)test_lookup(c, f->share, "file0"));
	test_add(c, &twice, sizeof(twice));
	assert_int_equal(test_send(c), 1);
	assert_int_equal(test_create(c, f->share, "new", O_RDWR, 0600, &made, &fh), 0);
	works(other);
	hostfs_destroy(other->fs);
}

// Nobody has them open, and none has a name.
static void files_without_names_are_in_nobodys_way(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client, *other = other_client(f);
	struct rlimit before = few_descriptors(100);
	struct fuse_release_in in = { 0 };
	uint64_t node, fh;

	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(test_create(c, f->share, "gone", O_RDWR, 0600, &node, &fh), 0);
		in.fh = fh;
		test_begin(c, FUSE_RELEASE, node);
		test_add(c, &in, sizeof(in));
		assert_int_equal(test_send(c), 0);
		test_begin(c, FUSE_UNLINK, f->share);
		test_add_name(c, "gone");
		assert_int_equal(test_send(c), 0);
	}
	works(other);
	hostfs_destroy(other->fs);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// --- Directories ---------------------------------------------------------------------------------

// Lists it from `offset` on, in small pieces. Returns how many requests that took.
static unsigned list(struct test_client *c, uint64_t node, uint64_t fh, unsigned *seen)
{
	uint64_t offset = 0;
	unsigned requests = 0;

	for (*seen = 0;; requests++) {
		struct fuse_direntplus entry;

		assert_int_equal(test_read(c, FUSE_READDIRPLUS, node, fh, offset, 4096), 0);
		if (c->reply_len == 0)
			return requests;
		for (size_t at = 0; at < c->reply_len;) {
			memcpy(&entry, (const uint8_t *)test_body(c) + at, sizeof(entry));
			at += FUSE_DIRENT_ALIGN(sizeof(entry) + entry.dirent.namelen);
			offset = entry.dirent.off;
			*seen += entry.entry_out.nodeid != 0;
		}
	}
}

static void make_files(int dir, unsigned count)
{
	char name[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(mknodat(dir, name, S_IFREG | 0600, 0), 0);
	}
}

static void a_directory_is_read_once_for_many_requests(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	unsigned requests, seen;
	uint64_t fh;

	make_files(f->shares[0].fd, 1000);
	assert_int_equal(test_open(c, FUSE_OPENDIR, f->share, O_RDONLY, &fh), 0);
	num_reads = 0;
	requests = list(c, f->share, fh, &seen);
	assert_int_equal(seen, 1000);
	assert_true(num_reads > 0 && num_reads * 8 < requests);
	// From its beginning it is read as it is now.
	assert_int_equal(unlinkat(f->shares[0].fd, "file0", 0), 0);
	(void)list(c, f->share, fh, &seen);
	assert_int_equal(seen, 999);
}

// More than have memory for what was read: none loses its place.
static void many_directories_are_read_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t fhs[NUM_OPEN], offsets[NUM_OPEN] = { 0 };
	unsigned seen = 0, ended = 0;

	make_files(f->shares[0].fd, 100);
	for (unsigned i = 0; i < NUM_OPEN; i++)
		assert_int_equal(test_open(c, FUSE_OPENDIR, f->share, O_RDONLY, &fhs[i]), 0);
	while (ended < NUM_OPEN) {
		ended = 0;
		for (unsigned i = 0; i < NUM_OPEN; i++) {
			struct fuse_direntplus entry;

			assert_int_equal(
				test_read(c, FUSE_READDIRPLUS, f->share, fhs[i], offsets[i], 4096),
				0);
			ended += c->reply_len == 0;
			for (size_t at = 0; at < c->reply_len;) {
				memcpy(&entry, (const uint8_t *)test_body(c) + at, sizeof(entry));
				at += FUSE_DIRENT_ALIGN(sizeof(entry) + entry.dirent.namelen);
				offsets[i] = entry.dirent.off;
				seen += entry.entry_out.nodeid != 0;
			}
		}
	}
	assert_int_equal(seen, 100 * NUM_OPEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_handle_is_good_for_its_own_node_only),
		TEST(who_opens_all_leaves_others_some),
		TEST(who_may_open_no_more_makes_and_cuts_nothing),
		TEST(who_looks_at_all_leaves_others_some),
		TEST(who_looks_at_all_leaves_new_folders_some),
		TEST(who_knows_all_leaves_others_some),
		TEST(files_without_names_are_in_nobodys_way),
		TEST(a_directory_is_read_once_for_many_requests),
		TEST(many_directories_are_read_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
