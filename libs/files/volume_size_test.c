// SPDX-License-Identifier: MIT
// The files of a volume are counted, and others are answered meanwhile.
#include "libs/files/volume_size.h"

#include "libs/files/files_fixture.h"

#define FOLDER 0040755u
#define FILE_MODE 0100644u

static struct volume_size size;

static uint32_t put(uint32_t parent, const char *name, uint32_t mode)
{
	uint32_t number = provider_fake_make(&provider, parent, name, mode, "x", 1);

	assert_int_not_equal(number, 0);
	return number;
}

static void start(const char *name)
{
	told.count = 0;
	assert_int_equal(volume_size_start(&size, &files, name, on_done, NULL), 0);
}

// Eleven files, in five folders beside each other, and five in each other.
static void make_volume(void)
{
	uint32_t data = put(1, "data", FOLDER), deep = data, wide;

	put(data, "one", FILE_MODE);
	for (unsigned i = 0; i < 5; i++) {
		wide = put(data, (char[]){ 'w', (char)('a' + i), '\0' }, FOLDER);
		put(wide, "file", FILE_MODE);
		deep = put(deep, "deep", FOLDER);
		put(deep, "file", FILE_MODE);
	}
}

static void all_files(void **state)
{
	(void)state;
	put(1, "empty", FOLDER);
	make_volume();
	put(put(1, "other", FOLDER), "file", FILE_MODE);
	start("data");
	settle();
	assert_int_equal(told.count, 1);
	assert_int_equal(told.error, 0);
	assert_int_equal(size.bytes, 11);
	start("empty");
	settle();
	assert_int_equal(size.bytes, 0);
	start("none");
	settle();
	assert_int_equal(told.error, ERR_NOT_FOUND);
}

// Twenty folders beside each other, all with paths of some 3,900 bytes.
static void long_paths(void **state)
{
	char name[241];
	uint32_t folder = put(1, "data", FOLDER);

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 15; i++)
		folder = put(folder, name, FOLDER);
	for (unsigned i = 0; i < 20; i++) {
		name[0] = (char)('A' + i);
		put(put(folder, name, FOLDER), "f", FILE_MODE);
	}
	start("data");
	settle();
	assert_int_equal(told.error, 0);
	assert_int_equal(size.bytes, 20);
}

// Between two answers of the provider, something else is done.
static void in_steps(void **state)
{
	unsigned turns = 0;

	(void)state;
	make_volume();
	start("data");
	while (told.count == 0) {
		fake_loop_settle(&loop);
		turns++;
		assert_true(told.count == 1 || provider_fake_serve(&provider));
	}
	assert_int_equal(size.bytes, 11);
	assert_true(turns > 10);
}

static void given_up(void **state)
{
	(void)state;
	make_volume();
	start("data");
	// Some of the folders are known.
	while (size.used == 0) {
		fake_loop_settle(&loop);
		provider_fake_serve(&provider);
	}
	volume_size_cancel(&size);
	settle();
	assert_int_equal(told.count, 0);
	volume_size_cancel(&size);
}

static void the_provider_dies(void **state)
{
	(void)state;
	make_volume();
	start("data");
	fake_loop_settle(&loop);
	provider_fake_die(&provider);
	settle();
	assert_int_equal(told.count, 1);
	assert_int_equal(told.error, ERR_PEER_CLOSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_files), TEST(long_paths),        TEST(in_steps),
		TEST(given_up),  TEST(the_provider_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
