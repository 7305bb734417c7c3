// SPDX-License-Identifier: MIT
#include "libs/files/simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/files/provider_fake.h"
#include "libs/starina/alloc.h"

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
	return folder_open(connector, "files:test", &folder);
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

static void test_whole_files(void **state)
{
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(folder_read(folder, "f", 100, &bytes, &len), ERR_NOT_FOUND);
	assert_int_equal(folder_write(folder, "f", "hello", 5), 0);
	assert_int_equal(provider.num_syncs, 2);
	assert_int_equal(folder_replace_unsynced(folder, "f", "hey", 3), 0);
	assert_int_equal(provider.num_syncs, 2);
	assert_int_equal(folder_replace(folder, "f", "hi", 2), 0);
	assert_int_equal(provider.num_syncs, 3);
	assert_int_equal(folder_read(folder, "f", 100, &bytes, &len), 0);
	assert_int_equal(len, 2);
	assert_string_equal((char *)bytes, "hi");
	heap_free(bytes);
	assert_int_equal(folder_read(folder, "f", 1, &bytes, &len), ERR_TOO_LARGE);
	assert_int_equal(provider_fake_find(&provider, 1, "f.new~"), 0);
}

// The old file stays, and nothing beside it.
static void test_no_space(void **state)
{
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(folder_write(folder, "f", "hi", 2), 0);
	provider.capacity = 3;
	assert_int_equal(folder_write(folder, "f", "hello", 5), ERR_NO_SPACE);
	assert_int_equal(folder_read(folder, "f", 100, &bytes, &len), 0);
	assert_string_equal((char *)bytes, "hi");
	heap_free(bytes);
	assert_int_equal(provider_fake_find(&provider, 1, "f.new~"), 0);
}

// A write that was cut off leaves what it had written beside the file.
static void test_unfinished(void **state)
{
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(folder_drop_unfinished(folder), 0);
	assert_int_equal(folder_write(folder, "f", "hi", 2), 0);
	assert_int_equal(folder_write(folder, "f.new~", "hel", 3), 0);
	assert_int_equal(folder_write(folder, "gone.new~", "", 0), 0);
	assert_int_equal(folder_write(folder, ".new~", "a name", 6), 0);
	assert_int_equal(folder_make_folder(folder, "folder.new~"), 0);
	assert_int_equal(folder_drop_unfinished(folder), 0);
	assert_int_equal(provider_fake_find(&provider, 1, "f.new~"), 0);
	assert_int_equal(provider_fake_find(&provider, 1, "gone.new~"), 0);
	assert_int_not_equal(provider_fake_find(&provider, 1, ".new~"), 0);
	assert_int_not_equal(provider_fake_find(&provider, 1, "folder.new~"), 0);
	assert_int_equal(folder_read(folder, "f", 100, &bytes, &len), 0);
	assert_string_equal((char *)bytes, "hi");
	heap_free(bytes);
}

static void count_entry(void *context, const struct file_entry *entry)
{
	(void)entry;
	(*(unsigned *)context)++;
}

static void test_the_rest(void **state)
{
	struct file_space space;
	struct file_info info;
	struct file *file;
	char buffer[8];
	unsigned entries = 0;
	size_t count;

	(void)state;
	assert_int_equal(folder_make_folder(folder, "a"), 0);
	assert_int_equal(folder_make_link(folder, "l", "a/f"), 0);
	assert_int_equal(folder_open_file(folder, "l", FILE_READ | FILE_WRITE | FILE_CREATE, &file),
	                 0);
	assert_int_equal(folder_file_write(folder, file, 0, "12345", 5, &count), 0);
	assert_int_equal(count, 5);
	assert_int_equal(folder_file_truncate(folder, file, 4), 0);
	assert_int_equal(folder_file_sync(folder, file), 0);
	assert_int_equal(folder_file_read(folder, file, 1, buffer, 8, &count), 0);
	assert_int_equal(count, 3);
	assert_memory_equal(buffer, "234", 3);
	assert_int_equal(folder_file_stat(folder, file, &info), 0);
	assert_int_equal(info.size, 4);
	file_close(file);
	assert_int_equal(folder_list(folder, "/", count_entry, &entries), 0);
	assert_int_equal(entries, 2);
	assert_int_equal(folder_rename(folder, "a/f", "g", true), 0);
	assert_int_equal(folder_stat(folder, "g", &info), 0);
	assert_int_equal(folder_remove(folder, "a"), 0);
	assert_int_equal(folder_space(folder, &space), 0);
	assert_int_equal(folder_sync(folder), 0);
	assert_int_equal(folder_finish(folder), 0);
	provider_fake_die(&provider);
	assert_int_equal(folder_sync(folder), ERR_PEER_CLOSED);
	assert_true(folder_text(folder)[0] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_rest, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
