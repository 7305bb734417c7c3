// SPDX-License-Identifier: MIT
//
// What a guest hears of changes that others make on the host, and that its own way of learning of
// them changes nothing.
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/abi/files_change.h"
#include "tools/run/hostfs/hostfs_fixture.h"

static uint64_t changes_node;

// Asks for changes: the answer comes later.
static int ask(struct test_client *c)
{
	uint64_t fh;

	changes_node = (uint64_t)test_lookup(c, FUSE_ROOT_ID, FILES_CHANGES);
	assert_int_equal(test_open(c, FUSE_OPEN, changes_node, O_RDONLY, &fh), 0);
	return test_read(c, FUSE_READ, changes_node, fh, 0, 8192);
}

// What is told until now, and what will be as soon as the writers are thought to be done: "+path",
// "-path", "=path", "~path", a space behind each.
static const char *heard(struct test_client *c)
{
	static char text[4096];
	struct fuse_out_header out;
	size_t at = sizeof(out);
	size_t length;
	int wait;

	text[0] = '\0';
	while ((length = hostfs_changes(c->fs, c->reply, &wait)) == 0 && wait >= 0)
		poll(NULL, 0, wait);
	if (length == 0)
		return text;
	memcpy(&out, c->reply, sizeof(out));
	assert_int_equal(out.error, 0);
	assert_int_equal(out.len, length);
	while (at < length) {
		struct files_change change;
		size_t end = strlen(text);

		memcpy(&change, c->reply + at, sizeof(change));
		at += sizeof(change);
		assert_true(change.length <= length - at);
		snprintf(text + end, sizeof(text) - end, "%c%.*s%s ", " +-=~"[change.kind],
		         change.length, (const char *)c->reply + at,
		         change.type == S_IFDIR ? "/" : "");
		at += change.length;
	}
	return text;
}

static int others_rename(const char *old, const char *new)
{
	return renameat(fixture.shares[0].fd, old, fixture.shares[0].fd, new);
}

static void what_others_change_is_told(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	int fd;

	put_file(f->shares[0].fd, "a", "1");
	assert_int_equal(ask(c), 1);
	put_file(f->shares[0].fd, "a", "2");
	assert_string_equal(heard(c), "=0/a ");
	assert_int_equal(ask(c), 1);
	put_file(f->shares[0].fd, "new", "2");
	assert_string_equal(heard(c), "+0/new ");
	assert_int_equal(ask(c), 1);
	assert_int_equal(others_rename("new", "a"), 0);
	assert_string_equal(heard(c), "-0/new +0/a ");
	assert_int_equal(ask(c), 1);
	assert_int_equal(fchmodat(f->shares[0].fd, "a", 0600, 0), 0);
	assert_string_equal(heard(c), "~0/a ");
	assert_int_equal(ask(c), 1);
	assert_int_equal(unlinkat(f->shares[0].fd, "a", 0), 0);
	assert_string_equal(heard(c), "-0/a ");
	// A writer that does not end.
	assert_int_equal(ask(c), 1);
	fd = openat(f->shares[0].fd, "log", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_string_equal(heard(c), "+0/log ");
	assert_int_equal(ask(c), 1);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_string_equal(heard(c), "=0/log ");
	close(fd);
	// A file that came and went is nothing.
	assert_int_equal(ask(c), 1);
	assert_string_equal(heard(c), "=0/log ");
	assert_int_equal(ask(c), 1);
	put_file(f->shares[0].fd, "b", "");
	assert_int_equal(unlinkat(f->shares[0].fd, "b", 0), 0);
	assert_string_equal(heard(c), "");
}

static void folders_are_watched_once_they_are_looked_at(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	int64_t node;

	assert_int_equal(ask(c), 1);
	assert_int_equal(mkdirat(f->shares[0].fd, "d", 0755), 0);
	assert_string_equal(heard(c), "+0/d/ ");
	assert_int_equal(ask(c), 1);
	put_file(f->shares[0].fd, "d/file", "1");
	assert_string_equal(heard(c), "");
	node = test_lookup(c, f->share, "d");
	assert_true(node > 0);
	put_file(f->shares[0].fd, "d/file", "2");
	assert_string_equal(heard(c), "=0/d/file ");
	assert_int_equal(ask(c), 1);
	assert_int_equal(others_rename("d", "e"), 0);
	assert_string_equal(heard(c), "-0/d/ +0/e/ ");
	// The read-only share, too.
	assert_int_equal(ask(c), 1);
	put_file(f->top, "sealed/file", "3");
	assert_string_equal(heard(c), "=1/file ");
}

static void what_the_guest_does_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_SIZE | FATTR_MODE, .size = 2, .mode = 0600 };
	struct fuse_release_in release = { 0 };
	struct fuse_rename_in rename = { .newdir = f->share };
	uint64_t node, fh;

	assert_int_equal(ask(c), 1);
	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0640, &node, &fh), 0);
	// Others meanwhile.
	put_file(f->shares[0].fd, "others", "1");
	assert_int_equal(test_write(c, node, fh, 0, "hello", 5), 0);
	assert_int_equal(test_setattr(c, node, &set), 0);
	release.fh = fh;
	test_begin(c, FUSE_RELEASE, node);
	test_add(c, &release, sizeof(release));
	assert_int_equal(test_send(c), 0);
	test_begin(c, FUSE_RENAME, f->share);
	test_add(c, &rename, sizeof(rename));
	test_add_name(c, "a");
	test_add_name(c, "b");
	assert_int_equal(test_send(c), 0);
	test_begin(c, FUSE_UNLINK, f->share);
	test_add_name(c, "b");
	assert_int_equal(test_send(c), 0);
	assert_string_equal(heard(c), "+0/others ");
}

static void release(struct test_client *c, uint64_t node, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	test_begin(c, FUSE_RELEASE, node);
	test_add(c, &in, sizeof(in));
	assert_int_equal(test_send(c), 0);
}

static void names(struct test_client *c, uint32_t opcode, const void *in, size_t size,
                  const char *name, const char *other)
{
	test_begin(c, opcode, fixture.share);
	test_add(c, in, size);
	test_add_name(c, name);
	if (other)
		test_add_name(c, other);
	assert_int_equal(test_send(c), 0);
}

// Names that move and go while their files are open.
static void what_the_guest_replaces_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_rename_in rename = { .newdir = f->share };
	struct fuse_mkdir_in mkdir = { .mode = 0755 };
	struct fuse_link_in link;
	uint64_t nodes[2], fhs[2];

	assert_int_equal(ask(c), 1);
	assert_int_equal(test_create(c, f->share, "a", O_RDWR, 0640, &nodes[0], &fhs[0]), 0);
	assert_int_equal(test_create(c, f->share, "b", O_RDWR, 0640, &nodes[1], &fhs[1]), 0);
	assert_int_equal(test_write(c, nodes[0], fhs[0], 0, "x", 1), 0);
	names(c, FUSE_RENAME, &rename, sizeof(rename), "a", "b");
	assert_int_equal(test_write(c, nodes[0], fhs[0], 0, "x", 1), 0);
	assert_int_equal(test_write(c, nodes[1], fhs[1], 0, "x", 1), 0);
	release(c, nodes[1], fhs[1]);
	link.oldnodeid = nodes[0];
	names(c, FUSE_LINK, &link, sizeof(link), "c", NULL);
	assert_int_equal(test_write(c, nodes[0], fhs[0], 0, "x", 1), 0);
	names(c, FUSE_MKDIR, &mkdir, sizeof(mkdir), "d", NULL);
	names(c, FUSE_RMDIR, "", 0, "d", NULL);
	names(c, FUSE_UNLINK, "", 0, "b", NULL);
	assert_int_equal(test_write(c, nodes[0], fhs[0], 0, "x", 1), 0);
	release(c, nodes[0], fhs[0]);
	names(c, FUSE_UNLINK, "", 0, "c", NULL);
	assert_string_equal(heard(c), "");
}

static int touch(struct test_client *c, unsigned kind, uint32_t opcode, const char *name)
{
	struct fuse_mknod_in mknod = { .mode = S_IFREG };
	int result;

	c->gid = FILES_TOUCH_GID + kind;
	test_begin(c, opcode, fixture.share);
	if (opcode == FUSE_MKNOD)
		test_add(c, &mknod, sizeof(mknod));
	test_add_name(c, name);
	result = test_send(c);
	c->gid = 0;
	return result;
}

static void touches_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	struct fuse_setattr_in set = { .valid = FATTR_SIZE };
	uint64_t fh, node;

	put_file(f->shares[0].fd, "a", "text");
	assert_int_equal(ask(c), 1);
	node = (uint64_t)test_lookup(c, f->share, "a");
	// To be made, it is not there yet.
	assert_int_equal(touch(c, FILES_CREATED, FUSE_LOOKUP, "a"), -ENOENT);
	assert_int_equal(touch(c, FILES_CREATED, FUSE_MKNOD, "a"), 0);
	assert_int_equal(test_entry(c).nodeid, node);
	// What is gone again is a phantom.
	assert_int_equal(touch(c, FILES_CREATED, FUSE_MKNOD, "gone"), 0);
	assert_true(test_entry(c).nodeid != 0 && S_ISREG(test_entry(c).attr.mode));
	assert_int_equal(touch(c, FILES_REMOVED, FUSE_LOOKUP, "gone"), 0);
	c->gid = FILES_TOUCH_GID + FILES_WRITTEN;
	assert_int_equal(test_getattr(c, test_entry(c).nodeid), 0);
	assert_int_equal(test_open(c, FUSE_OPEN, node, O_WRONLY | O_TRUNC, &fh), 0);
	assert_int_equal(test_setattr(c, node, &set), 0);
	assert_int_equal(test_attr(c).size, 4);
	assert_int_equal(test_write(c, node, fh, 0, "x", 1), -EBADF);
	c->gid = 0;
	assert_int_equal(touch(c, FILES_DROP, FUSE_UNLINK, "a"), -ENOENT);
	assert_int_equal(touch(c, FILES_REMOVED, FUSE_UNLINK, "a"), 0);
	assert_string_equal(get_file(f->shares[0].fd, "a"), "text");
	assert_null(get_file(f->shares[0].fd, "gone"));
	assert_string_equal(heard(c), "");
	// A removed file is still the node that the guest knows.
	assert_int_equal(unlinkat(f->shares[0].fd, "a", 0), 0);
	assert_int_equal(touch(c, FILES_REMOVED, FUSE_LOOKUP, "a"), 0);
	assert_int_equal(test_entry(c).nodeid, node);
	assert_int_equal(test_lookup(c, f->share, "a"), -ENOENT);
}

// The host's file is told of as a file, but the guest knows a FIFO: Linux would not take that for
// the file that it makes.
static void what_stands_for_a_fifo_is_a_phantom(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	uint64_t node, count = 1;
	int fd;

	assert_int_equal(ask(c), 1);
	put_file(f->shares[0].fd, "pipe", "");
	fd = openat(f->shares[0].fd, "pipe", O_WRONLY);
	assert_true(fd >= 0);
	if (fsetxattr(fd, HOSTFS_OVERRIDE, "7:8:0644:pipe", 13, 0) < 0)
		skip();  // no user attributes here
	close(fd);
	node = (uint64_t)test_lookup(c, f->share, "pipe");
	assert_true(S_ISFIFO(test_entry(c).attr.mode));
	assert_int_equal(touch(c, FILES_CREATED, FUSE_MKNOD, "pipe"), 0);
	assert_true(test_entry(c).nodeid != node && S_ISREG(test_entry(c).attr.mode));
	// It has not been looked up by that.
	test_begin(c, FUSE_FORGET, node);
	test_add(c, &count, sizeof(count));
	assert_int_equal(test_send(c), 1);
	assert_int_equal(test_getattr(c, node), -ESTALE);
}

static void one_asks_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;

	assert_int_equal(ask(c), 1);
	assert_int_equal(test_read(c, FUSE_READ, changes_node, 0, 0, 8192), -EBUSY);
	// The same one, asked again.
	c->unique -= 2;
	assert_int_equal(test_read(c, FUSE_READ, changes_node, 0, 0, 8192), 1);
	assert_int_equal(test_read(c, FUSE_READ, changes_node, 0, 0, 10), -EINVAL);
}

// More folders than are watched: the others are forgotten, and nothing else happens.
static void many_folders(void **state)
{
	struct fixture *f = *state;
	struct test_client *c = &f->client;
	char name[16];

	assert_int_equal(ask(c), 1);
	for (unsigned i = 0; i < 8300; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(mkdirat(f->shares[0].fd, name, 0755), 0);
		assert_true(test_lookup(c, f->share, name) > 0);
	}
	while (strlen(heard(c)) > 0)
		ask(c);
	put_file(f->shares[0].fd, "8299/file", "1");
	assert_string_equal(heard(c), "+0/8299/file ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_others_change_is_told),
		TEST(folders_are_watched_once_they_are_looked_at),
		TEST(what_the_guest_does_is_not_told),
		TEST(touches_change_nothing),
		TEST(what_the_guest_replaces_is_not_told),
		TEST(what_stands_for_a_fifo_is_a_phantom),
		TEST(one_asks_at_a_time),
		TEST(many_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
