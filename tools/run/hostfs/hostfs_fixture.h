// SPDX-License-Identifier: MIT
//
// What the tests of hostfs run on: folders of the host, and a client of them. Included after
// cmocka.
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/run/hostfs/hostfs_test.h"

// Two shares, of which the second is read-only, and beside them what nobody may reach.
struct fixture {
	char path[64];
	int top;
	struct hostfs_share shares[2];
	struct test_client client;
	uint64_t share;
	uint64_t sealed;
};

static struct fixture fixture;

static inline void put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

// Reads a file of the host.
static inline const char *get_file(int dir, const char *name)
{
	static char text[4096];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		return NULL;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static inline int set_up(void **state)
{
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/hostfs_test.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	// Nobody's privileges, as most users have them.
	assert_true(geteuid() != 0 || chown(f->path, 1234, 1234) == 0);
	if (geteuid() == 0)
		assert_true(setegid(1234) == 0 && seteuid(1234) == 0);
	umask(0);
	f->top = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_true(mkdirat(f->top, "share", 0755) == 0 && mkdirat(f->top, "sealed", 0755) == 0);
	put_file(f->top, "secret", "secret");
	put_file(f->top, "sealed/file", "sealed");
	f->shares[0].fd = openat(f->top, "share", O_PATH);
	f->shares[1].fd = openat(f->top, "sealed", O_PATH);
	f->shares[1].read_only = true;
	f->client.fs = hostfs_create(f->shares, 2);
	assert_non_null(f->client.fs);
	assert_int_equal(test_init(&f->client), 0);
	f->share = (uint64_t)test_lookup(&f->client, FUSE_ROOT_ID, "0");
	f->sealed = (uint64_t)test_lookup(&f->client, FUSE_ROOT_ID, "1");
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[256];

	hostfs_destroy(f->client.fs);
	close(f->shares[0].fd);
	close(f->shares[1].fd);
	close(f->top);
	snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", f->path, f->path);
	assert_int_equal(system(command), 0);
	if (getuid() == 0)
		assert_true(seteuid(0) == 0 && setegid(0) == 0);
	return 0;
}
