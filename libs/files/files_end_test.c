// SPDX-License-Identifier: MIT
//
// What was asked for is given up; the provider, or the session, ends.
#include "libs/files/files_fixture.h"

// --- Cancelling and ends -------------------------------------------------------------------------

static void test_close_cancels(void **state)
{
	static uint8_t buffer[3 * FILES_PIECE_MAX];
	struct file *file = open_path("f", FILE_READ | FILE_WRITE | FILE_CREATE);

	(void)state;
	assert_int_equal(file_write(file, 0, buffer, sizeof(buffer), on_count, NULL), 0);
	assert_int_equal(file_stat(file, on_info, NULL), 0);
	file_close(file);
	told.count = 0;
	settle();
	assert_int_equal(told.count, 0);
	file_close(NULL);
}

static void test_cancel(void **state)
{
	int context;

	(void)state;
	make(1, "f", MODE_FILE, "");
	assert_int_equal(files_open(&files, "f", FILE_READ, on_open, &context), 0);
	assert_int_equal(files_list(&files, "/", on_entry, on_done, &context), 0);
	assert_int_equal(files_stat(&files, "f", on_info, NULL), 0);
	files_cancel(&files, &context);
	settle();
	assert_int_equal(told.count, 1);
	assert_int_equal(told.num_entries, 0);
}

static void on_lost(void *context)
{
	*(unsigned *)context += 1;
}

static void test_provider_dies(void **state)
{
	struct file *file = open_path("f", FILE_READ | FILE_WRITE | FILE_CREATE);
	unsigned lost = 0;

	(void)state;
	files.lost = on_lost;
	files.context = &lost;
	told.count = 0;
	assert_int_equal(file_stat(file, on_info, NULL), 0);
	assert_int_equal(files_stat(&files, "f", on_info, NULL), 0);
	provider_fake_die(&provider);
	fake_loop_settle(&loop);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.error, ERR_PEER_CLOSED);
	assert_int_equal(lost, 1);
	assert_int_equal(files.error, ERR_PEER_CLOSED);
	assert_int_equal(file_stat(file, on_info, NULL), ERR_PEER_CLOSED);
	file_close(file);
}

static void stop_at_info(void *context, error_t error, const struct file_info *info)
{
	(void)info;
	told.count++;
	told.error = error;
	files_stop(context);
}

static void test_stop_when_it_dies(void **state)
{
	(void)state;
	assert_int_equal(files_stat(&files, "f", stop_at_info, &files), 0);
	assert_int_equal(files_stat(&files, "f", stop_at_info, &files), 0);
	provider_fake_die(&provider);
	fake_loop_settle(&loop);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.error, ERR_PEER_CLOSED);
}

static void test_stop_with_open_files(void **state)
{
	static uint8_t buffer[2 * FILES_PIECE_MAX];
	struct file *file = open_path("f", FILE_READ | FILE_WRITE | FILE_CREATE);

	(void)state;
	open_path("f", FILE_READ);
	told.count = 0;
	assert_int_equal(file_write(file, 0, buffer, sizeof(buffer), on_count, NULL), 0);
	assert_int_equal(files_open(&files, "f", FILE_READ, on_open, NULL), 0);
	files_stop(&files);
	settle();
	assert_int_equal(told.count, 0);
}

static void test_refused(void **state)
{
	(void)state;
	files_stop(&files);
	provider_fake_die(&provider);
	provider.refuses = true;
	files_start(&files, &loop, connector, "files:other");
	// What is asked meanwhile waits.
	assert_int_equal(outcome(files_stat(&files, "f", on_info, NULL)), ERR_NOT_FOUND);
	assert_string_equal(files.text, "there is no such share");
	assert_int_equal(files_stat(&files, "f", on_info, NULL), ERR_NOT_FOUND);
}

static void test_errors(void **state)
{
	(void)state;
	provider.fails = LINUX_EROFS;
	assert_int_equal(outcome(files_make_folder(&files, "a", on_done, NULL)), ERR_READ_ONLY);
	provider.fails = LINUX_EACCES;
	assert_int_equal(outcome(files_list(&files, "/", on_entry, on_done, NULL)), ERR_REFUSED);
	provider.fails = 300;
	assert_int_equal(stat_path("/"), ERR_IO);
	provider.fails = 0;
}

// Every allocation may fail: what was asked fails, and the rest goes on.
static void test_no_memory(void **state)
{
	static uint8_t buffer[2 * FILES_PIECE_MAX];
	struct file *file = open_path("f", FILE_READ | FILE_WRITE | FILE_CREATE);

	(void)state;
	for (unsigned n = 1; n < 8; n++) {
		unsigned before = told.count;
		error_t errors[4];
		unsigned accepted = 0;

		fake_memory_fail(n);
		errors[0] = files_rename(&files, "x", "y", false, on_done, NULL);
		errors[1] = file_write(file, 0, buffer, sizeof(buffer), on_count, NULL);
		errors[2] = files_stat(&files, "f", on_info, NULL);
		errors[3] = files_make_folder(&files, "f", on_done, NULL);
		fake_memory_fail(0);
		for (unsigned i = 0; i < 4; i++)
			accepted += errors[i] == 0;
		settle();
		assert_int_equal(told.count, before + accepted);
	}
	file_close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_close_cancels),
		TEST(test_cancel),
		TEST(test_provider_dies),
		TEST(test_stop_when_it_dies),
		TEST(test_stop_with_open_files),
		TEST(test_refused),
		TEST(test_errors),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
