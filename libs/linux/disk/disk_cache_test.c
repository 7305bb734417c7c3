// SPDX-License-Identifier: MIT
//
// The cache and the loader, over a disk that answers late and may die.
#include <stdlib.h>
#include <string.h>

#include "libs/linux/disk/disk_cache.h"
#include "libs/linux/disk/disk_fake.h"
#include "libs/linux/machine/loader.h"

#define DISK_BYTES (20u * DISK_CACHE_CHUNK + 512)

static struct disk_cache cache;

struct client {
	struct disk_cache_read read;
	uint8_t *bytes;
	bool finished;
	error_t status;
};

static void take_piece(void *context, size_t position, struct span bytes)
{
	struct client *c = context;

	memcpy(c->bytes + position, bytes.data, bytes.len);
}

static void take_finished(void *context, error_t status)
{
	struct client *c = context;

	assert_false(c->finished);
	c->finished = true;
	c->status = status;
}

static void read_start(struct client *c, uint64_t offset, size_t length)
{
	*c = (struct client){ .bytes = malloc(length) };
	c->read.offset = offset;
	c->read.length = length;
	c->read.piece = take_piece;
	c->read.finished = take_finished;
	c->read.context = c;
	disk_cache_read(&cache, &c->read);
}

static void read_check(struct client *c)
{
	assert_true(c->finished);
	assert_int_equal(c->status, 0);
	for (size_t i = 0; i < c->read.length; i++)
		assert_int_equal(c->bytes[i], content[c->read.offset + i]);
	free(c->bytes);
}

static int setup(void **state)
{
	(void)state;
	disk_fake_reset(DISK_BYTES);
	max_pending = 8;
	disk_cache_init(&cache, &disk, enter, leave, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_cache_deinit(&cache);
	assert_int_equal(num_open, num_pending);
	return 0;
}

static void test_read_and_hit(void **state)
{
	struct client c;

	(void)state;
	read_start(&c, 1000 * 512, 3 * DISK_CACHE_CHUNK);
	assert_false(c.finished);
	assert_int_equal(num_pending, 4);  // all its chunks at once
	answer_all();
	read_check(&c);
	num_reads = 0;
	read_start(&c, 1001 * 512, 512);
	read_check(&c);
	assert_int_equal(num_reads, 0);
}

static void test_end_of_disk(void **state)
{
	struct client c;

	(void)state;
	read_start(&c, DISK_BYTES - 512, 512);
	answer_all();
	read_check(&c);
}

static void test_two_wait_for_one(void **state)
{
	struct client a, b;

	(void)state;
	read_start(&a, 0, 512);
	read_start(&b, 512, 1024);
	assert_int_equal(num_pending, 1);
	answer_all();
	read_check(&a);
	read_check(&b);
}

static void test_failure(void **state)
{
	struct client a, b;

	(void)state;
	read_start(&a, 0, 512);
	read_start(&b, 5 * DISK_CACHE_CHUNK, 512);
	answer(0, ERR_IO);
	assert_true(a.finished);
	assert_int_equal(a.status, ERR_IO);
	free(a.bytes);
	assert_false(b.finished);
	answer_all();
	read_check(&b);
	// A failure is not remembered.
	read_start(&a, 0, 512);
	answer_all();
	read_check(&a);
}

static void test_read_ahead(void **state)
{
	struct client c;

	(void)state;
	read_start(&c, 4 * DISK_CACHE_CHUNK, 512);
	answer_all();
	read_check(&c);
	assert_int_equal(num_reads, 1);
	read_start(&c, 5 * DISK_CACHE_CHUNK, 512);
	answer_all();
	read_check(&c);
	assert_int_equal(num_reads, 2 + DISK_CACHE_AHEAD);
}

static void test_many(void **state)
{
	static struct client clients[40];

	(void)state;
	// More than the disk takes at once and, with read-ahead, all of the cache.
	for (uint32_t i = 0; i < 40; i++)
		read_start(&clients[i], (uint64_t)i * 65536 % (DISK_BYTES - 65536), 65536);
	answer_all();
	for (uint32_t i = 0; i < 40; i++)
		read_check(&clients[i]);
	assert_int_equal(depth, 0);
}

// The disk dies under reads and comes back: they go on as if nothing had been.
static void test_disk_returns(void **state)
{
	struct client a, b, c;

	(void)state;
	cache.may_return = true;
	read_start(&a, 0, 3 * DISK_CACHE_CHUNK);
	read_start(&b, 512, 512);
	answer(0, 0);
	read_check(&b);
	disk_dies();
	read_start(&c, 7 * DISK_CACHE_CHUNK, 512);
	assert_false(a.finished || c.finished);
	assert_int_equal(num_pending, 0);
	disk.ready = true;
	disk_cache_resume(&cache, 0);
	answer_all();
	read_check(&a);
	read_check(&c);
	// Cached bytes need no disk.
	disk_dies();
	read_start(&b, 1024, 512);
	read_check(&b);
}

static void test_disk_does_not_return(void **state)
{
	struct client a, b;

	(void)state;
	cache.may_return = true;
	read_start(&a, 0, 512);
	disk_dies();
	assert_false(a.finished);
	disk_cache_resume(&cache, ERR_IO);
	assert_true(a.finished);
	assert_int_equal(a.status, ERR_IO);
	free(a.bytes);
	// Not even when there is a disk: it is another one.
	disk.ready = true;
	read_start(&b, 0, 512);
	assert_true(b.finished);
	assert_int_equal(b.status, ERR_IO);
	free(b.bytes);
	assert_int_equal(num_pending, 0);
}

static uint32_t loads_finished;
static error_t load_status;

static void take_loaded(void *context, error_t status)
{
	(void)context;
	loads_finished++;
	load_status = status;
}

static void test_loader(void **state)
{
	const size_t size = 5 * LOADER_PIECE / 2 + 77;
	uint8_t *bytes = malloc(size);
	struct mut_span target = { .data = bytes, .len = size };
	static struct loader loader;

	(void)state;
	loads_finished = 0;
	assert_int_equal(loader_start(&loader, &disk, 1024, size, target, take_loaded, NULL), 0);
	answer_all();
	assert_int_equal(loads_finished, 1);
	assert_int_equal(load_status, 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], content[1024 + i]);
	// One failure is told once, after all that was under way came back.
	assert_int_equal(loader_start(&loader, &disk, 0, size, target, take_loaded, NULL), 0);
	answer(1, ERR_IO);
	assert_int_equal(loads_finished, 1);
	answer_all();
	assert_int_equal(loads_finished, 2);
	assert_int_equal(load_status, ERR_IO);
	assert_int_equal(loader_start(&loader, &disk, 512, DISK_BYTES, target, take_loaded, NULL),
	                 ERR_INVALID);
	assert_int_equal(loader_start(&loader, &disk, DISK_BYTES, 1, target, take_loaded, NULL),
	                 ERR_RANGE);
	assert_int_equal(loader_start(&loader, &disk, 100, 1, target, take_loaded, NULL),
	                 ERR_INVALID);
	assert_int_equal(loader_start(&loader, &disk, 0, 0, target, take_loaded, NULL),
	                 ERR_INVALID);
	assert_int_equal(num_open, 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_and_hit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_wait_for_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_returns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_does_not_return, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loader, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
