// SPDX-License-Identifier: MIT
//
// What the host has after the container has written: contents, modes, and nothing in a read-only
// share.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_appended_goes_to_the_end),
		TEST(pages_of_mapped_memory_go_where_they_belong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
