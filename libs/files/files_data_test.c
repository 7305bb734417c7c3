// SPDX-License-Identifier: MIT
//
// What is in files, and how it comes and goes.
#include "libs/files/files_fixture.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_open),   TEST(test_long_transfers), TEST(test_no_space),
		TEST(test_append), TEST(test_pieces_move),    TEST(test_the_limit_is_kept),
		TEST(test_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
