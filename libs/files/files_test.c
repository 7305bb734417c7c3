// SPDX-License-Identifier: MIT
//
// Paths, links and names.
#include "libs/files/files_fixture.h"

// --- Paths ---------------------------------------------------------------------------------------

static void test_paths(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");
	uint32_t b = make(a, "b", MODE_FOLDER, "");

	(void)state;
	make(b, "file", MODE_FILE | 0640, "hello");
	assert_int_equal(stat_path("a/b/file"), 0);
	assert_int_equal(told.info.size, 5);
	assert_int_equal(told.info.type, FILE_TYPE_FILE);
	assert_int_equal(told.info.mode, 0640);
	assert_int_equal(told.info.modified, 7);
	assert_int_equal(stat_path("/a//b/./file"), 0);
	assert_int_equal(stat_path("a/../a/b/../b/file"), 0);
	// The root is its own parent: no way leads out.
	assert_int_equal(stat_path("../../../a/b/file"), 0);
	assert_int_equal(stat_path("/"), 0);
	assert_int_equal(told.info.type, FILE_TYPE_FOLDER);
	assert_int_equal(stat_path("a/b/.."), 0);
	assert_int_equal(told.info.number, a);
	assert_int_equal(stat_path("a/x"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/x/y"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/b/file/.."), ERR_NOT_FOLDER);
	assert_int_equal(stat_path("a/b/file/"), ERR_NOT_FOLDER);
	assert_int_equal(stat_path("a/b/"), 0);
	assert_int_equal(stat_path(""), ERR_INVALID);
}

static void test_long_paths(void **state)
{
	char path[FILES_PATH_MAX + 2];

	(void)state;
	memset(path, 'n', sizeof(path));
	path[FILES_NAME_MAX] = 0;
	make(1, path, MODE_FILE, "");
	assert_int_equal(stat_path(path), 0);
	path[FILES_NAME_MAX] = 'n';
	path[FILES_NAME_MAX + 1] = 0;
	assert_int_equal(stat_path(path), ERR_TOO_LARGE);
	path[FILES_NAME_MAX + 1] = 'n';
	path[FILES_PATH_MAX] = 0;
	assert_int_equal(stat_path(path), ERR_TOO_LARGE);
}

static void test_links(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");
	uint32_t b = make(a, "b", MODE_FOLDER, "");

	(void)state;
	make(b, "file", MODE_FILE, "hello");
	make(1, "to_b", MODE_LINK, "a/b");
	make(a, "up", MODE_LINK, "../a/b/file");
	make(b, "absolute", MODE_LINK, "/a/b/file");
	make(b, "out", MODE_LINK, "../../../../a/b/file");
	make(1, "loop", MODE_LINK, "loop");
	make(1, "gone", MODE_LINK, "nowhere");
	assert_int_equal(stat_path("to_b/file"), 0);
	assert_int_equal(stat_path("a/up"), 0);
	assert_int_equal(told.info.size, 5);
	assert_int_equal(stat_path("to_b/absolute"), 0);
	assert_int_equal(stat_path("a/b/out"), 0);
	assert_int_equal(told.info.type, FILE_TYPE_FILE);
	// What ".." is after a link: the folder of what it leads to.
	assert_int_equal(stat_path("to_b/../up"), 0);
	assert_int_equal(stat_path("loop"), ERR_CYCLE);
	assert_int_equal(stat_path("loop/x"), ERR_CYCLE);
	assert_int_equal(stat_path("gone"), ERR_NOT_FOUND);
	assert_int_equal(outcome(files_stat_link(&files, "gone", on_info, NULL)), 0);
	assert_int_equal(told.info.type, FILE_TYPE_LINK);
	assert_int_equal(outcome(files_read_link(&files, "a/up", on_link, NULL)), 0);
	assert_string_equal(told.text, "../a/b/file");
	assert_int_equal(outcome(files_read_link(&files, "a", on_link, NULL)), ERR_INVALID);
}

// Of folders that must not lead into one another.
static void test_links_of_folders_apart(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");
	uint32_t sub = make(a, "sub", MODE_FOLDER, "");
	uint32_t b = make(1, "b", MODE_FOLDER, "");

	(void)state;
	make(b, "secret", MODE_FILE, "secret");
	make(a, "own", MODE_FILE, "own");
	make(sub, "absolute", MODE_LINK, "/own");
	make(sub, "up", MODE_LINK, "../../../own");
	make(a, "to_secret", MODE_LINK, "/b/secret");
	make(a, "up_to_secret", MODE_LINK, "../b/secret");
	make(a, "up", MODE_LINK, "..");
	assert_int_equal(stat_path("a/to_secret"), 0);
	files.link_depth = 1;
	assert_int_equal(stat_path("a/to_secret"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/up_to_secret"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/up/b/secret"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/up/../b/secret"), ERR_NOT_FOUND);
	assert_int_equal(stat_path("a/sub/absolute"), 0);
	assert_int_equal(stat_path("a/sub/up"), 0);
	assert_int_equal(told.info.size, 3);
	assert_int_equal(stat_path("a/../b/secret"), 0);
}

static void test_chain_of_links(void **state)
{
	char name[8] = "l00", target[8] = "l00";

	(void)state;
	make(1, "l00", MODE_FILE, "x");
	for (unsigned i = 1; i <= FILES_LINKS_MAX + 1; i++) {
		name[1] = (char)('0' + i / 10);
		name[2] = (char)('0' + i % 10);
		make(1, name, MODE_LINK, target);
		memcpy(target, name, sizeof(name));
	}
	assert_int_equal(stat_path("l40"), 0);
	assert_int_equal(stat_path("l41"), ERR_CYCLE);
}

// --- Names ---------------------------------------------------------------------------------------

static void test_make_and_remove(void **state)
{
	(void)state;
	assert_int_equal(outcome(files_make_folder(&files, "a/", on_done, NULL)), 0);
	assert_int_equal(outcome(files_make_folder(&files, "a", on_done, NULL)), ERR_EXISTS);
	assert_int_equal(outcome(files_make_folder(&files, "x/y", on_done, NULL)), ERR_NOT_FOUND);
	assert_int_equal(outcome(files_make_folder(&files, "a/..", on_done, NULL)), ERR_INVALID);
	assert_int_equal(outcome(files_make_link(&files, "a/l", "to", on_done, NULL)), 0);
	assert_int_equal(outcome(files_read_link(&files, "a/l", on_link, NULL)), 0);
	assert_string_equal(told.text, "to");
	assert_int_equal(outcome(files_remove(&files, "a", on_done, NULL)), ERR_NOT_EMPTY);
	assert_int_equal(outcome(files_remove(&files, "a/l", on_done, NULL)), 0);
	assert_int_equal(outcome(files_remove(&files, "a/l", on_done, NULL)), ERR_NOT_FOUND);
	assert_int_equal(outcome(files_remove(&files, "a/.", on_done, NULL)), ERR_INVALID);
	assert_int_equal(outcome(files_remove(&files, "/", on_done, NULL)), ERR_INVALID);
	assert_int_equal(outcome(files_remove(&files, "a/", on_done, NULL)), 0);
	assert_int_equal(provider_fake_find(&provider, 1, "a"), 0);
}

static void test_rename(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");
	uint32_t f = make(1, "f", MODE_FILE, "1");
	uint32_t g = make(a, "g", MODE_FILE, "2");

	(void)state;
	assert_int_equal(outcome(files_rename(&files, "f", "a/g", true, on_done, NULL)),
	                 ERR_EXISTS);
	assert_int_equal(outcome(files_rename(&files, "a/g", "h", true, on_done, NULL)), 0);
	assert_int_equal(provider_fake_find(&provider, 1, "h"), g);
	assert_int_equal(outcome(files_rename(&files, "f", "h", false, on_done, NULL)), 0);
	assert_int_equal(provider_fake_find(&provider, 1, "h"), f);
	assert_int_equal(outcome(files_rename(&files, "h", "a/h", false, on_done, NULL)), 0);
	assert_int_equal(outcome(files_rename(&files, "a/h", "x/h", false, on_done, NULL)),
	                 ERR_NOT_FOUND);
	assert_int_equal(outcome(files_rename(&files, "a/h", "..", false, on_done, NULL)),
	                 ERR_INVALID);
	assert_int_equal(provider_fake_find(&provider, a, "h"), f);
}

static void list_all(const char *path)
{
	told.num_entries = 0;
	assert_int_equal(outcome(files_list(&files, path, on_entry, on_done, NULL)), 0);
}

static void test_list(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");

	(void)state;
	for (char name[] = "e0"; name[1] < '8'; name[1]++)
		make(a, name, name[1] == '7' ? MODE_LINK : MODE_FILE, "data");
	list_all("a");
	assert_int_equal(told.num_entries, 8);
	assert_string_equal(told.entries[0].name, "e0");
	assert_true(told.entries[0].has_info);
	assert_int_equal(told.entries[0].info.size, 4);
	assert_int_equal(told.entries[7].type, FILE_TYPE_LINK);
	list_all("/");
	assert_int_equal(told.num_entries, 1);
	provider.no_readdirplus = true;
	list_all("a");
	assert_int_equal(told.num_entries, 8);
	assert_false(told.entries[0].has_info);
	assert_int_equal(told.entries[7].type, FILE_TYPE_LINK);
	assert_int_equal(outcome(files_list(&files, "a/e0", on_entry, on_done, NULL)),
	                 ERR_NOT_FOLDER);
}

static void count_entry(void *context, const struct file_entry *entry)
{
	(void)context;
	(void)entry;
	told.num_entries++;
}

static void stop_at_entry(void *context, const struct file_entry *entry)
{
	(void)entry;
	told.num_entries++;
	files_stop(context);
}

static void test_stop_within_a_list(void **state)
{
	(void)state;
	make(1, "a", MODE_FILE, "");
	make(1, "b", MODE_FILE, "");
	assert_int_equal(files_list(&files, "/", stop_at_entry, on_done, &files), 0);
	settle();
	assert_int_equal(told.num_entries, 1);
	assert_int_equal(told.count, 0);
	assert_int_equal(stat_path("a"), ERR_BAD_STATE);
}

// A provider whose offsets go round would never come to an end.
static void test_list_goes_round(void **state)
{
	(void)state;
	for (char name[] = "e0"; name[1] < '9'; name[1]++)
		make(1, name, MODE_FILE, "");
	for (provider.circle = 3; provider.circle < 10; provider.circle++) {
		told.num_entries = 0;
		assert_int_equal(outcome(files_list(&files, "/", count_entry, on_done, NULL)),
		                 ERR_PROTOCOL);
	}
	assert_int_equal(provider.num_open, 0);
}

static void pause_at_entry(void *context, const struct file_entry *entry)
{
	(void)entry;
	told.num_entries++;
	files_list_pause(&files, context);
}

// What was paused goes on when it is resumed, and ends in any way that others do.
static void test_pause_a_list(void **state)
{
	int context;

	(void)state;
	for (char name[] = "e0"; name[1] < '9'; name[1]++)
		make(1, name, MODE_FILE, "");
	assert_int_equal(files_list(&files, "/", pause_at_entry, on_done, &context), 0);
	settle();
	assert_int_equal(told.num_entries, 1);  // the first reply has "." and ".."
	files_list_resume(&files, &context);
	settle();
	assert_int_equal(told.num_entries, 4);
	for (int i = 0; i < 4; i++) {
		files_list_resume(&files, &context);
		settle();
	}
	assert_int_equal(told.num_entries, 9);
	assert_int_equal(told.count, 1);
	told.num_entries = 0;
	assert_int_equal(files_list(&files, "/", pause_at_entry, on_done, &context), 0);
	settle();
	files_cancel(&files, &context);
	files_list_resume(&files, &context);
	settle();
	assert_int_equal(told.num_entries, 1);
	assert_int_equal(told.count, 1);
	assert_int_equal(provider.num_open, 0);
	assert_int_equal(files_list(&files, "/", pause_at_entry, on_done, &context), 0);
	settle();
	files_stop(&files);
	settle();
	assert_int_equal(told.count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_paths),
		TEST(test_long_paths),
		TEST(test_links),
		TEST(test_links_of_folders_apart),
		TEST(test_chain_of_links),
		TEST(test_make_and_remove),
		TEST(test_rename),
		TEST(test_list),
		TEST(test_stop_within_a_list),
		TEST(test_list_goes_round),
		TEST(test_pause_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
