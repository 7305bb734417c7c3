// SPDX-License-Identifier: MIT
#include "libs/files/provider_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct loop loop;
static struct files files;
static struct provider_fake provider;
static handle_t connector;

// What a callback has told.
static struct {
	unsigned count;
	error_t error;
	struct file *file;
	struct file_info info;
	struct file_space space;
	size_t bytes;
	char text[FILES_PATH_MAX];
	handle_t folio;
	uint32_t offset;
	unsigned num_entries;
	struct file_entry entries[16];
} told;

static void settle(void)
{
	do
		fake_loop_settle(&loop);
	while (provider_fake_serve(&provider));
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(&told, 0, sizeof(told));
	connector = fake_connector_create();
	if (loop_init(&loop) != 0)
		return -1;
	provider_fake_init(&provider, connector);
	files_start(&files, &loop, connector, "files:test");
	settle();
	return 0;
}

// Nothing is left, here and at the provider.
static int teardown(void **state)
{
	(void)state;
	settle();
	if (files.state == FILES_OPEN) {
		assert_int_equal(provider_fake_lookups(&provider), 0);
		assert_int_equal(provider.num_open, 0);
	}
	files_stop(&files);
	provider_fake_deinit(&provider);
	assert_int_equal(fake_num_allocated(), 0);
	loop_deinit(&loop);
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	return 0;
}

// --- Asking and waiting --------------------------------------------------------------------------

static void tell(error_t error)
{
	told.count++;
	told.error = error;
}

static void on_done(void *context, error_t error)
{
	(void)context;
	tell(error);
}

static void on_info(void *context, error_t error, const struct file_info *info)
{
	(void)context;
	tell(error);
	if (error == 0)
		told.info = *info;
}

static void on_open(void *context, error_t error, struct file *file)
{
	(void)context;
	tell(error);
	told.file = file;
	assert_true((error == 0) == (file != NULL));
}

static void on_count(void *context, error_t error, size_t count)
{
	(void)context;
	tell(error);
	told.bytes = count;
}

static void on_link(void *context, error_t error, const char *target)
{
	(void)context;
	tell(error);
	if (error == 0)
		str_copy(told.text, target, sizeof(told.text));
}

static void on_space(void *context, error_t error, const struct file_space *space)
{
	(void)context;
	tell(error);
	if (error == 0)
		told.space = *space;
}

static void on_piece(void *context, error_t error, struct file_piece *piece)
{
	(void)context;
	tell(error);
	told.folio = HANDLE_NONE;
	if (error < 0)
		return;
	told.bytes = piece->bytes.len;
	told.offset = piece->offset;
	told.folio = piece->folio;
	piece->folio = HANDLE_NONE;
}

static void on_entry(void *context, const struct file_entry *entry)
{
	(void)context;
	if (told.num_entries < 16)
		told.entries[told.num_entries++] = *entry;
}

// The outcome of what was asked: its callback's error, or what it returned.
static error_t outcome(error_t err)
{
	unsigned before = told.count;

	if (err < 0)
		return err;
	settle();
	assert_int_equal(told.count, before + 1);
	return told.error;
}

static error_t stat_path(const char *path)
{
	return outcome(files_stat(&files, path, on_info, NULL));
}

static struct file *open_path(const char *path, uint32_t flags)
{
	assert_int_equal(outcome(files_open(&files, path, flags, on_open, NULL)), 0);
	return told.file;
}

static error_t open_error(const char *path, uint32_t flags)
{
	return outcome(files_open(&files, path, flags, on_open, NULL));
}

static uint32_t make(uint32_t parent, const char *name, uint32_t mode, const char *data)
{
	return provider_fake_make(&provider, parent, name, mode, data, strlen(data));
}

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

// --- Files ---------------------------------------------------------------------------------------

static void test_open(void **state)
{
	uint32_t a = make(1, "a", MODE_FOLDER, "");
	uint32_t f = make(a, "f", MODE_FILE, "hello");

	(void)state;
	make(1, "l", MODE_LINK, "a/new");
	file_close(open_path("a/f", FILE_READ));
	assert_int_equal(open_error("a/g", FILE_READ), ERR_NOT_FOUND);
	assert_int_equal(open_error("a", FILE_READ), ERR_IS_FOLDER);
	assert_int_equal(open_error("/", FILE_READ), ERR_IS_FOLDER);
	assert_int_equal(open_error("a/f", 0), ERR_INVALID);
	assert_int_equal(open_error("a/f", FILE_READ | FILE_CREATE), ERR_INVALID);
	assert_int_equal(open_error("a/f", FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE), ERR_EXISTS);
	file_close(open_path("a/f", FILE_WRITE | FILE_CREATE));
	assert_int_equal(provider.nodes[f].size, 5);
	file_close(open_path("a/f", FILE_WRITE | FILE_CREATE | FILE_TRUNCATE));
	assert_int_equal(provider.nodes[f].size, 0);
	file_close(open_path("a/n", FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE));
	assert_true(provider_fake_find(&provider, a, "n") != 0);
	// It is made where a link leads to.
	file_close(open_path("l", FILE_WRITE | FILE_CREATE));
	assert_true(provider_fake_find(&provider, a, "new") != 0);
	assert_int_equal(open_error("new/", FILE_WRITE | FILE_CREATE), ERR_IS_FOLDER);
	assert_int_equal(open_error("x/new", FILE_WRITE | FILE_CREATE), ERR_NOT_FOUND);
}

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
}

static void test_long_transfers(void **state)
{
	const size_t len = 9 * FILES_PIECE_MAX + 12345;
	uint8_t *bytes = malloc(len), *back = malloc(len + 1);
	struct file *file = open_path("big", FILE_READ | FILE_WRITE | FILE_CREATE);
	uint32_t node = provider_fake_find(&provider, 1, "big");

	(void)state;
	fill(bytes, len);
	provider.max_write = 100000;  // less than asked
	assert_int_equal(outcome(file_write(file, 5, bytes, len, on_count, NULL)), 0);
	assert_int_equal(told.bytes, len);
	assert_int_equal(provider.nodes[node].size, len + 5);
	assert_memory_equal(provider.nodes[node].data + 5, bytes, len);
	assert_int_equal(outcome(file_read(file, 5, back, len + 1, on_count, NULL)), 0);
	assert_int_equal(told.bytes, len);
	assert_memory_equal(back, bytes, len);
	assert_int_equal(outcome(file_read(file, len + 5, back, 10, on_count, NULL)), 0);
	assert_int_equal(told.bytes, 0);
	assert_int_equal(outcome(file_stat(file, on_info, NULL)), 0);
	assert_int_equal(told.info.size, len + 5);
	assert_int_equal(outcome(file_truncate(file, 100, on_done, NULL)), 0);
	assert_int_equal(provider.nodes[node].size, 100);
	assert_int_equal(outcome(file_set_access(file, 0640, 7, 8, on_done, NULL)), 0);
	assert_int_equal(outcome(file_stat(file, on_info, NULL)), 0);
	assert_int_equal(told.info.mode, 0640);
	assert_int_equal(told.info.uid, 7);
	assert_int_equal(told.info.gid, 8);
	assert_int_equal(told.info.size, 100);
	assert_int_equal(outcome(file_sync(file, on_done, NULL)), 0);
	assert_int_equal(outcome(file_read(file, UINT64_MAX, back, 10, on_count, NULL)), ERR_RANGE);
	file_close(file);
	free(bytes);
	free(back);
}

static void test_no_space(void **state)
{
	const size_t len = 6 * FILES_PIECE_MAX;
	uint8_t *bytes = calloc(1, len);
	struct file *file = open_path("f", FILE_WRITE | FILE_CREATE);

	(void)state;
	provider.capacity = 3 * FILES_PIECE_MAX;
	assert_int_equal(outcome(file_write(file, 0, bytes, len, on_count, NULL)), ERR_NO_SPACE);
	assert_int_equal(told.bytes, 3 * FILES_PIECE_MAX);
	assert_int_equal(outcome(file_write(file, 0, bytes, 0, on_count, NULL)), 0);
	file_close(file);
	free(bytes);
}

static void test_append(void **state)
{
	const size_t len = 3 * FILES_PIECE_MAX;
	uint8_t *bytes = malloc(len);
	struct file *file = open_path("f", FILE_WRITE | FILE_CREATE | FILE_APPEND);
	uint32_t node = provider_fake_find(&provider, 1, "f");

	(void)state;
	fill(bytes, len);
	provider.max_write = 7777;
	assert_int_equal(outcome(file_write(file, 0, "abc", 3, on_count, NULL)), 0);
	assert_int_equal(outcome(file_write(file, 0, bytes, len, on_count, NULL)), 0);
	assert_int_equal(provider.nodes[node].size, len + 3);
	assert_memory_equal(provider.nodes[node].data + 3, bytes, len);
	file_close(file);
	free(bytes);
}

static void test_pieces_move(void **state)
{
	struct file *file = open_path("f", FILE_READ | FILE_WRITE | FILE_CREATE);
	uint32_t node = provider_fake_find(&provider, 1, "f");
	handle_t folio;
	void *base;

	(void)state;
	assert_int_equal(folio_create(FILES_WRITE_ROOM + 5000, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(folio_map(folio, PROT_READ | PROT_WRITE, &base), 0);
	fill((uint8_t *)base + FILES_WRITE_ROOM, 5000);
	assert_int_equal(file_write_folio(file, 0, folio, 64, 5000, on_count, NULL), ERR_RANGE);
	assert_int_equal(file_write_folio(file, 0, folio, 4096, 5000, on_count, NULL), ERR_RANGE);
	assert_int_equal(
		outcome(file_write_folio(file, 0, folio, FILES_WRITE_ROOM, 5000, on_count, NULL)),
		0);
	assert_int_equal(told.bytes, 5000);
	assert_int_equal(provider.nodes[node].size, 5000);
	assert_int_equal(outcome(file_read_piece(file, 0, FILES_PIECE_MAX, on_piece, NULL)), 0);
	assert_int_equal(told.bytes, 5000);
	assert_true(told.folio != HANDLE_NONE);
	assert_int_equal(folio_map(told.folio, PROT_READ, &base), 0);
	assert_memory_equal((uint8_t *)base + told.offset, provider.nodes[node].data, 5000);
	handle_close(told.folio);
	assert_int_equal(outcome(file_read_piece(file, 4990, FILES_PIECE_MAX, on_piece, NULL)), 0);
	assert_int_equal(told.bytes, 10);
	assert_int_equal(told.folio, HANDLE_NONE);
	file_close(file);
}

static void test_the_limit_is_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * FILES_MAX_REQUESTS; i++)
		assert_int_equal(files_stat(&files, "x", on_info, NULL), 0);
	provider.most_waiting = 0;
	settle();
	assert_int_equal(told.count, 3 * FILES_MAX_REQUESTS);
	assert_int_equal(provider.most_waiting, FILES_MAX_REQUESTS);
}

static void test_share(void **state)
{
	(void)state;
	assert_int_equal(outcome(files_space(&files, on_space, NULL)), 0);
	assert_int_equal(told.space.total, 40960);
	assert_int_equal(told.space.free, 4 * 4096);
	assert_int_equal(outcome(files_sync(&files, on_done, NULL)), 0);
	assert_int_equal(outcome(files_finish(&files, on_done, NULL)), 0);
}

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
		TEST(test_open),
		TEST(test_long_transfers),
		TEST(test_no_space),
		TEST(test_append),
		TEST(test_pieces_move),
		TEST(test_the_limit_is_kept),
		TEST(test_share),
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
