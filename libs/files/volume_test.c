// SPDX-License-Identifier: MIT
// A volume goes with all that is in it, however deep, and others stay.
#include "libs/files/volume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/files/provider_fake.h"

#define FOLDER 0040755u
#define FILE_MODE 0100644u
#define LINK 0120777u

static struct provider_fake provider;
static struct folder *folder;
static handle_t connector;

static void serve(void)
{
	provider_fake_serve(&provider);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	connector = fake_connector_create();
	provider_fake_init(&provider, connector);
	fake_while_waiting = serve;
	return folder_open(connector, FILES_VOLUMES, &folder);
}

static int teardown(void **state)
{
	(void)state;
	folder_close(folder);
	provider_fake_deinit(&provider);
	fake_while_waiting = NULL;
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	assert_int_equal(fake_num_allocated(), 0);
	return 0;
}

static uint32_t make(uint32_t parent, const char *name, uint32_t mode)
{
	uint32_t number = provider_fake_make(&provider, parent, name, mode, "x", 1);

	assert_int_not_equal(number, 0);
	return number;
}

// What has a name in the whole file system.
static unsigned count(void)
{
	unsigned used = 0;

	for (unsigned i = 2; i < FAKE_NODES; i++)
		used += provider.nodes[i].used && provider.nodes[i].parent != 0;
	return used;
}

static void all_that_is_in_it(void **state)
{
	uint32_t data = make(1, "data", FOLDER);
	uint32_t deep = data;

	(void)state;
	make(make(1, "other", FOLDER), "file", FILE_MODE);
	make(data, "file", FILE_MODE);
	make(data, "link", LINK);
	make(data, "0", FILE_MODE);
	make(data, "1", FOLDER);
	for (unsigned i = 0; i < 12; i++) {
		deep = make(deep, "d", FOLDER);
		make(deep, "file", FILE_MODE);
		make(deep, "e", FOLDER);
	}
	assert_int_equal(volume_remove(folder, "data"), 0);
	assert_int_equal(count(), 2);
	assert_int_equal(volume_remove(folder, "data"), ERR_NOT_FOUND);
	assert_int_equal(volume_remove(folder, "other"), 0);
	assert_int_equal(count(), 0);
}

static void one_that_was_not_wholly_removed(void **state)
{
	(void)state;
	make(make(1, ".data", FOLDER), "file", FILE_MODE);
	make(make(1, "data", FOLDER), "file", FILE_MODE);
	assert_int_equal(volume_remove(folder, "data"), 0);
	assert_int_equal(count(), 0);
	make(make(1, ".data", FOLDER), "file", FILE_MODE);
	assert_int_equal(volume_remove(folder, ".data"), 0);
	assert_int_equal(count(), 0);
}

static void in_parts(void **state)
{
	uint32_t data = make(1, "data", FOLDER), deep = data;
	unsigned parts = 1;
	bool whole;

	(void)state;
	make(1, "other", FOLDER);
	for (unsigned i = 0; i < 8; i++) {
		deep = make(deep, "d", FOLDER);
		make(deep, "file", FILE_MODE);
	}
	assert_int_equal(volume_remove_some(folder, "data", 0, &whole), 0);
	assert_false(whole);
	// It is no volume from the first part on.
	assert_int_equal(volume_remove_some(folder, "data", 1, &whole), ERR_NOT_FOUND);
	do {
		assert_int_equal(volume_remove_some(folder, ".data", 3, &whole), 0);
		parts++;
	} while (!whole);
	assert_true(parts > 5);
	assert_int_equal(count(), 1);
}

// What is left of the first waits, however much it is: the second goes in parts as well.
static void twice_in_parts(void **state)
{
	bool whole;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		make(make(1, "data", FOLDER), "file", FILE_MODE);
		assert_int_equal(volume_remove_some(folder, "data", 0, &whole), 0);
		assert_false(whole);
		assert_int_equal(count(), 2 * (i + 1));
	}
	assert_int_equal(volume_remove_some(folder, ".data", 9, &whole), 0);
	assert_int_equal(volume_remove_some(folder, ".data.1", 9, &whole), 0);
	assert_int_equal(volume_remove_some(folder, ".data.2", 9, &whole), 0);
	assert_true(whole);
	assert_int_equal(count(), 0);
}

static void a_name_of_any_length(void **state)
{
	char name[FILES_NAME_MAX + 1];
	bool whole;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		make(make(1, name, FOLDER), "file", FILE_MODE);
		assert_int_equal(volume_remove_some(folder, name, 0, &whole), 0);
	}
	assert_int_equal(count(), 4);
	name[0] = '.';
	assert_int_equal(volume_remove_some(folder, name, 9, &whole), 0);
	memcpy(name + sizeof(name) - 3, ".1", 2);
	assert_int_equal(volume_remove_some(folder, name, 9, &whole), 0);
	assert_true(whole);
	assert_int_equal(count(), 0);
}

static void what_fails_is_told(void **state)
{
	(void)state;
	make(make(1, "data", FOLDER), "file", FILE_MODE);
	provider.fails = 5;
	assert_int_equal(volume_remove(folder, "data"), ERR_IO);
	provider.fails = 0;
	assert_int_equal(volume_remove(folder, "data"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_in_it),
		TEST(one_that_was_not_wholly_removed),
		TEST(in_parts),
		TEST(twice_in_parts),
		TEST(a_name_of_any_length),
		TEST(what_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
