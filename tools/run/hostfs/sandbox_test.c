// SPDX-License-Identifier: MIT
//
// What the server of the host's folders can still do: in a child that has shut itself in, as with
// each version of Landlock, and with none. The child says by its exit status what went wrong.
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/hostfs/hostfs_fixture.h"
#include "tools/run/hostfs/sandbox.h"

// The child has failed at that line.
#define MUST(condition)                                                         \
	do {                                                                    \
		if (!(condition)) {                                             \
			dprintf(2, "line %d: %s (%m)\n", __LINE__, #condition); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

static int version_of_host(void)
{
	long version = syscall(444, NULL, 0, 1u);  // landlock_create_ruleset

	return version < 0 ? 0 : (int)version;
}

static bool is_refused(int result)
{
	return result < 0 && (errno == EACCES || errno == EPERM || errno == EXDEV);
}

// As if a fault had let the guest name any path, with descriptors as they are.
static void try_outside(struct fixture *f)
{
	int share = f->shares[0].fd;
	int sealed = f->shares[1].fd;

	MUST(is_refused(openat(f->top, "secret", O_RDONLY)));
	MUST(is_refused(openat(share, "../secret", O_RDONLY)));
	MUST(is_refused(open("/etc/passwd", O_RDONLY)));
	MUST(is_refused(open("/proc/self/mem", O_RDWR)));
	MUST(is_refused(openat(f->top, ".", O_RDONLY | O_DIRECTORY)));
	MUST(is_refused(openat(f->top, "new", O_WRONLY | O_CREAT, 0600)));
	MUST(is_refused(unlinkat(f->top, "secret", 0)));
	MUST(is_refused(renameat(f->top, "secret", share, "secret")));
	MUST(is_refused(linkat(f->top, "secret", share, "secret", 0)));
	MUST(is_refused(mkdirat(f->top, "folder", 0700)));
	// Of the read-only one, nothing but to read.
	MUST(is_refused(openat(sealed, "file", O_RDWR)));
	MUST(is_refused(openat(sealed, "new", O_WRONLY | O_CREAT, 0600)));
	MUST(is_refused(unlinkat(sealed, "file", 0)));
	MUST(openat(sealed, "file", O_RDONLY) >= 0);
}

// What holds on any kernel.
static void try_calls(struct fixture *f)
{
	char *const none[] = { NULL };
	siginfo_t info = { .si_code = SI_QUEUE };

	(void)f;
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(is_refused(execve("/bin/true", none, none)));
	MUST(is_refused(socket(AF_UNIX, SOCK_STREAM, 0)));
	MUST(is_refused(kill(getppid(), 0)));
	MUST(is_refused((int)syscall(SYS_tkill, getppid(), 0)));
	MUST(is_refused((int)syscall(SYS_tgkill, getppid(), getppid(), 0)));
	MUST(is_refused((int)syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info)));
	MUST(is_refused((int)syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), 0, &info)));
	MUST(is_refused((int)syscall(SYS_ptrace, 0, 0, 0, 0)));
}

// All that a guest asks for in earnest.
static void try_requests(struct fixture *f)
{
	struct test_client *c = &f->client;
	struct fuse_rename2_in rename = { 0 };
	struct fuse_link_in link = { 0 };
	struct fuse_mkdir_in mkdir = { .mode = 0755 };
	struct fuse_setattr_in set = { .valid = FATTR_SIZE, .size = 2 };
	struct fuse_create_in tmpfile = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_mknod_in mknod = { .mode = S_IFCHR | 0600, .rdev = 0x0103 };
	uint64_t node, fh, dir;

	MUST(test_create(c, f->share, "a", O_RDWR, 0600, &node, &fh) == 0);
	MUST(test_write(c, node, fh, 0, "hello", 5) == 0);
	MUST(test_open(c, FUSE_OPEN, node, O_RDWR | O_TRUNC, &fh) == 0);
	MUST(test_setattr(c, node, &set) == 0);
	test_begin(c, FUSE_MKDIR, f->share);
	test_add(c, &mkdir, sizeof(mkdir));
	test_add_name(c, "d");
	MUST(test_send(c) == 0);
	dir = test_entry(c).nodeid;
	rename.newdir = dir;
	test_begin(c, FUSE_RENAME2, f->share);
	test_add(c, &rename, sizeof(rename));
	test_add_name(c, "a");
	test_add_name(c, "b");
	MUST(test_send(c) == 0);
	link.oldnodeid = node;
	test_begin(c, FUSE_LINK, f->share);
	test_add(c, &link, sizeof(link));
	test_add_name(c, "c");
	MUST(test_send(c) == 0);
	test_begin(c, FUSE_SYMLINK, f->share);
	test_add_name(c, "s");
	test_add_name(c, "/etc/passwd");
	MUST(test_send(c) == 0);
	test_begin(c, FUSE_MKNOD, f->share);
	test_add(c, &mknod, sizeof(mknod));
	test_add_name(c, "null");
	MUST(test_send(c) == 0 || test_send(c) == -EPERM);  // no attributes there
	test_begin(c, FUSE_TMPFILE, dir);
	test_add(c, &tmpfile, sizeof(tmpfile));
	test_add_name(c, "#1");
	MUST(test_send(c) == 0 || test_send(c) == -EOPNOTSUPP);
	MUST(test_open(c, FUSE_OPENDIR, dir, 0, &fh) == 0);
	MUST(test_read(c, FUSE_READDIRPLUS, dir, fh, 0, 4096) == 0);
	test_begin(c, FUSE_UNLINK, dir);
	test_add_name(c, "b");
	MUST(test_send(c) == 0);
	test_begin(c, FUSE_RMDIR, f->share);
	test_add_name(c, "d");
	MUST(test_send(c) == 0);
	node = (uint64_t)test_lookup(c, f->sealed, "file");
	MUST(test_open(c, FUSE_OPEN, node, O_RDONLY, &fh) == 0);
	MUST(test_read(c, FUSE_READ, node, fh, 0, 100) == 0);
	MUST(c->reply_len == 6);
	MUST(test_open(c, FUSE_OPEN, node, O_RDWR, &fh) == -EROFS);
}

static void run_inside(struct fixture *f, int landlock)
{
	bool holds = landlock >= 2 && version_of_host() >= 2;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		MUST(sandbox_enter(f->shares, 2, landlock) == holds);
		try_calls(f);
		if (holds)
			try_outside(f);
		try_requests(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void nothing_but_the_shares_is_reached(void **state)
{
	run_inside(*state, SANDBOX_LANDLOCK_MAX);
	assert_string_equal(get_file(((struct fixture *)*state)->top, "secret"), "secret");
}

static void an_older_landlock_is_used(void **state)
{
	struct fixture *f = *state;

	for (int version = 2; version < SANDBOX_LANDLOCK_MAX; version++) {
		char command[128];

		run_inside(f, version);
		snprintf(command, sizeof(command), "rm -rf %s/share/*", f->path);
		assert_int_equal(system(command), 0);
	}
}

static void all_works_without_landlock(void **state)
{
	run_inside(*state, 0);
}

static void the_first_landlock_is_not_used(void **state)
{
	run_inside(*state, 1);
}

// As root's run.sh: of its privileges those stay that files need.
static void root_keeps_what_files_need(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	if (getuid() != 0)
		skip();
	put_file(f->shares[0].fd, "others", "text");
	assert_int_equal(fchmodat(f->shares[0].fd, "others", 0, 0), 0);
	pid = fork();
	if (pid == 0) {
		MUST(seteuid(0) == 0 && setegid(0) == 0);
		(void)sandbox_enter(f->shares, 2, SANDBOX_LANDLOCK_MAX);
		MUST(openat(f->shares[0].fd, "others", O_RDWR) >= 0);
		MUST(fchownat(f->shares[0].fd, "others", 7, 7, 0) == 0);
		MUST(fchmodat(f->shares[0].fd, "others", 0640, 0) == 0);
		MUST(is_refused(mknodat(f->shares[0].fd, "device", S_IFCHR | 0600, 0x0103)));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing_but_the_shares_is_reached), TEST(an_older_landlock_is_used),
		TEST(all_works_without_landlock),        TEST(the_first_landlock_is_not_used),
		TEST(root_keeps_what_files_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
