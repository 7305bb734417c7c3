// SPDX-License-Identifier: MIT
//
// Locks between the owners of a client, two clients, and the host.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>

#include <cmocka.h>

#include "libs/locks/locks.h"
#include "tools/run/hostfs/hostfs_fixture.h"

// One client's open file, and an owner of locks.
struct opened {
	struct test_client *client;
	uint64_t node, fh;
};

static struct test_client other;

static struct opened open_in(struct test_client *client, const char *share, const char *name)
{
	struct opened o = { .client = client };
	const int64_t folder = test_lookup(client, FUSE_ROOT_ID, share);
	const int64_t node = test_lookup(client, (uint64_t)folder, name);

	assert_true(folder > 0 && node > 0);
	o.node = (uint64_t)node;
	if (test_open(client, FUSE_OPEN, o.node, O_RDWR, &o.fh) != 0)
		assert_int_equal(test_open(client, FUSE_OPEN, o.node, O_RDONLY, &o.fh), 0);
	return o;
}

static int set_flags(struct opened *o, uint64_t owner, uint32_t type, uint64_t start, uint64_t end,
                     uint32_t flags)
{
	struct fuse_lk_in in = { .fh = o->fh,
		                 .owner = owner,
		                 .lk = { .start = start, .end = end, .type = type, .pid = 77 },
		                 .lk_flags = flags };

	test_begin(o->client, FUSE_SETLK, o->node);
	test_add(o->client, &in, sizeof(in));
	return test_send(o->client);
}

static int set(struct opened *o, uint64_t owner, uint32_t type, uint64_t start, uint64_t end)
{
	return set_flags(o, owner, type, start, end, 0);
}

static struct fuse_file_lock get(struct opened *o, uint64_t owner, uint32_t type, uint64_t start,
                                 uint64_t end)
{
	struct fuse_lk_in in = { .owner = owner,
		                 .lk = { .start = start, .end = end, .type = type } };
	struct fuse_lk_out out;

	test_begin(o->client, FUSE_GETLK, o->node);
	test_add(o->client, &in, sizeof(in));
	assert_int_equal(test_send(o->client), 0);
	memcpy(&out, test_body(o->client), sizeof(out));
	return out.lk;
}

// What a process of the host is told.
static int host_set(int fd, short type, off_t start, off_t len)
{
	struct flock range = { .l_type = type,
		               .l_whence = SEEK_SET,
		               .l_start = start,
		               .l_len = len };

	return fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : 0;
}

static int set_up_two(void **state)
{
	struct fixture *f;

	set_up(state);
	f = *state;
	put_file(f->top, "share/file", "content");
	memset(&other, 0, sizeof(other));
	other.fs = hostfs_create(f->shares, 2);
	assert_non_null(other.fs);
	return test_init(&other);
}

static int tear_down_two(void **state)
{
	if (other.fs)
		hostfs_destroy(other.fs);
	return tear_down(state);
}

static void test_clients_exclude_each_other(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	struct opened two = open_in(&other, "0", "file");

	assert_int_equal(set(&one, 1, FUSE_LOCK_WRITE, 0, 9), 0);
	assert_int_equal(set(&one, 2, FUSE_LOCK_WRITE, 5, 5), -EAGAIN);
	assert_int_equal(set(&two, 1, FUSE_LOCK_WRITE, 5, 5), -EAGAIN);
	assert_int_equal(set(&two, 1, FUSE_LOCK_WRITE, 10, LOCKS_END), 0);
	assert_int_equal(get(&one, 2, FUSE_LOCK_READ, 0, LOCKS_END).pid, 77);
	assert_int_equal(get(&two, 2, FUSE_LOCK_READ, 0, 3).type, FUSE_LOCK_WRITE);
	assert_int_equal(get(&two, 2, FUSE_LOCK_READ, 0, 3).pid, 0);
	assert_int_equal(get(&one, 1, FUSE_LOCK_READ, 0, 9).type, FUSE_LOCK_NONE);
	// A client that is gone has no locks.
	hostfs_destroy(other.fs);
	other.fs = NULL;
	assert_int_equal(set(&one, 1, FUSE_LOCK_WRITE, 0, LOCKS_END), 0);
}

// What two owners share is free when both are done with it.
static void test_owners_share_one_descriptor(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	int host = openat(f->top, "share/file", O_RDWR);

	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 0, 19), 0);
	assert_int_equal(set(&one, 2, FUSE_LOCK_READ, 10, 29), 0);
	assert_int_equal(set(&one, 1, FUSE_LOCK_NONE, 0, LOCKS_END), 0);
	assert_int_equal(host_set(host, F_WRLCK, 0, 10), 0);
	assert_int_equal(host_set(host, F_WRLCK, 10, 1), -EAGAIN);
	assert_int_equal(host_set(host, F_RDLCK, 10, 1), 0);
	assert_int_equal(host_set(host, F_WRLCK, 30, 0), 0);
	assert_int_equal(set(&one, 2, FUSE_LOCK_NONE, 0, LOCKS_END), 0);
	assert_int_equal(host_set(host, F_WRLCK, 0, 0), 0);
	close(host);
}

static void test_the_host_excludes_and_is_excluded(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	int host = openat(f->top, "share/file", O_RDWR);

	assert_int_equal(host_set(host, F_WRLCK, 3, 4), 0);
	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 0, LOCKS_END), -EAGAIN);
	assert_int_equal(get(&one, 1, FUSE_LOCK_READ, 0, LOCKS_END).start, 3);
	assert_int_equal(get(&one, 1, FUSE_LOCK_READ, 0, LOCKS_END).end, 6);
	assert_int_equal(host_set(host, F_RDLCK, 3, 4), 0);
	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 0, LOCKS_END), 0);
	assert_int_equal(set(&one, 1, FUSE_LOCK_WRITE, 0, LOCKS_END), -EAGAIN);
	// It has what it had.
	assert_int_equal(host_set(host, F_WRLCK, 3, 4), -EAGAIN);
	close(host);
	assert_int_equal(set(&one, 1, FUSE_LOCK_WRITE, 0, LOCKS_END), 0);
}

static void test_flock(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	struct opened two = open_in(&other, "0", "file");
	int host = openat(f->top, "share/file", O_RDONLY);

	assert_int_equal(set_flags(&one, 1, FUSE_LOCK_READ, 5, 1, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(&one, 2, FUSE_LOCK_READ, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(&two, 1, FUSE_LOCK_READ, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(&two, 1, FUSE_LOCK_WRITE, 0, LOCKS_END, FUSE_LK_FLOCK), -EAGAIN);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), -1);
	// The two kinds do not see each other.
	assert_int_equal(set(&two, 1, FUSE_LOCK_WRITE, 0, LOCKS_END), 0);
	assert_int_equal(set_flags(&two, 1, FUSE_LOCK_NONE, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(&one, 1, FUSE_LOCK_NONE, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(set_flags(&one, 2, FUSE_LOCK_NONE, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(set_flags(&one, 1, FUSE_LOCK_READ, 0, LOCKS_END, FUSE_LK_FLOCK), -EAGAIN);
	close(host);
	assert_int_equal(set_flags(&one, 1, FUSE_LOCK_WRITE, 0, LOCKS_END, FUSE_LK_FLOCK), 0);
}

// A folder, and a share that must not be changed.
static void test_what_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct opened sealed = open_in(&f->client, "1", "file");
	struct opened folder = { .client = &f->client, .node = f->share };
	int host = openat(f->top, "share", O_RDONLY | O_DIRECTORY);

	assert_int_equal(set(&sealed, 1, FUSE_LOCK_READ, 0, LOCKS_END), 0);
	assert_int_equal(set_flags(&sealed, 1, FUSE_LOCK_WRITE, 0, 0, FUSE_LK_FLOCK), 0);
	assert_int_equal(set_flags(&folder, 1, FUSE_LOCK_WRITE, 0, 0, FUSE_LK_FLOCK), 0);
	assert_int_equal(flock(host, LOCK_SH | LOCK_NB), -1);
	close(host);
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	struct opened root = one;

	assert_int_equal(set(&one, 1, 3, 0, 9), -EINVAL);
	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 9, 8), -EINVAL);
	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 0, UINT64_MAX), -EINVAL);
	for (uint64_t i = 0; i < 1024; i++)
		assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 2 * i, 2 * i), 0);
	assert_int_equal(set(&one, 1, FUSE_LOCK_READ, 5000, 5000), -ENOLCK);
	assert_int_equal(set(&one, 1, FUSE_LOCK_NONE, 0, LOCKS_END), 0);
	// The root is no file.
	root.node = FUSE_ROOT_ID;
	assert_int_equal(set(&root, 1, FUSE_LOCK_READ, 0, 9), -EACCES);
}

// The host's folders of a guest that forgets what it has locked.
static void test_forgotten(void **state)
{
	struct fixture *f = *state;
	struct opened one = open_in(&f->client, "0", "file");
	int host = openat(f->top, "share/file", O_RDWR);
	struct fuse_forget_in in = { .nlookup = 1 };
	struct fuse_release_in release = { .fh = one.fh };

	assert_int_equal(set(&one, 1, FUSE_LOCK_WRITE, 0, 9), 0);
	test_begin(&f->client, FUSE_RELEASE, one.node);
	test_add(&f->client, &release, sizeof(release));
	assert_int_equal(test_send(&f->client), 0);
	assert_int_equal(host_set(host, F_WRLCK, 0, 0), -EAGAIN);
	test_begin(&f->client, FUSE_FORGET, one.node);
	test_add(&f->client, &in, sizeof(in));
	assert_int_equal(test_send(&f->client), 1);
	assert_int_equal(host_set(host, F_WRLCK, 0, 0), 0);
	close(host);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up_two, tear_down_two)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clients_exclude_each_other),
		TEST(test_owners_share_one_descriptor),
		TEST(test_the_host_excludes_and_is_excluded),
		TEST(test_flock),
		TEST(test_what_cannot_be_written),
		TEST(test_nonsense),
		TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
