// SPDX-License-Identifier: MIT
// A log that is read while it is written, from its start and from its last lines.
#include "libs/logs/reader.h"
#include "libs/logs/remover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/files/provider_fake.h"

static struct loop loop;
static struct files files;
static struct provider_fake provider;
static struct log_reader reader;
static handle_t connector;
static char text[400000];
static size_t used;
static unsigned num_ends, num_failed, room;
static error_t last_error;

static bool record(void *context, const struct log_record *r)
{
	assert_ptr_equal(context, &reader);
	if (room == 0)
		return false;
	room--;
	used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s%s", (int)r->text.len,
	                         (const char *)r->text.data, r->whole ? "\n" : "-");
	return true;
}

static void end(void *context)
{
	(void)context;
	num_ends++;
}

static void failed(void *context, error_t error)
{
	(void)context;
	num_failed++;
	last_error = error;
}

static const struct log_reader_ops ops = { .record = record, .end = end, .failed = failed };

static void settle(void)
{
	do
		fake_loop_settle(&loop);
	while (provider_fake_serve(&provider));
}

static void begin(uint64_t lines)
{
	used = num_ends = num_failed = 0;
	text[0] = '\0';
	room = 1000000;
	assert_int_equal(log_reader_start(&reader, &files, "id", lines, &ops, &reader), 0);
	settle();
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	connector = fake_connector_create();
	if (loop_init(&loop) != 0)
		return -1;
	provider_fake_init(&provider, connector);
	files_start(&files, &loop, connector, "store:logs");
	settle();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	settle();
	assert_int_equal(provider.num_open, 0);
	files_stop(&files);
	provider_fake_deinit(&provider);
	assert_int_equal(fake_num_allocated(), 0);
	loop_deinit(&loop);
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	return 0;
}

#define HEAD "2025-11-29T06:41:41.000000007Z stdout "

static uint32_t put(const char *name, const char *bytes)
{
	uint32_t folder = provider_fake_find(&provider, 1, "id");

	if (folder == 0)
		folder = provider_fake_make(&provider, 1, "id", 040755, NULL, 0);
	return provider_fake_make(&provider, folder, name, 0100644, bytes, strlen(bytes));
}

static void append(uint32_t node, const char *bytes)
{
	struct fake_node *n = &provider.nodes[node];
	size_t len = strlen(bytes);

	n->data = realloc(n->data, n->size + len);
	memcpy(n->data + n->size, bytes, len);
	n->size += len;
}

static void test_all(void **state)
{
	(void)state;
	begin(LOG_ALL);
	assert_int_equal(num_ends, 1);
	log_reader_stop(&reader);
	put("10", HEAD "F four\n" HEAD "P torn");
	put("9", HEAD "F two\nwhat\n" HEAD "P thr\n" HEAD "F ee\n");
	put("2", HEAD "F one\n");
	put("02", "no log");
	put("999999999", HEAD "F no log\n");
	begin(LOG_ALL);
	assert_string_equal(text, "one\ntwo\nthr-ee\nfour\n");
	assert_int_equal(num_ends, 1);
	log_reader_stop(&reader);
}

static void test_last_lines(void **state)
{
	static const char *const wanted[] = { "",
		                              "four\n",
		                              "thr-ee\nfour\n",
		                              "two\nthr-ee\nfour\n",
		                              "one\ntwo\nthr-ee\nfour\n",
		                              "one\ntwo\nthr-ee\nfour\n" };

	(void)state;
	begin(3);
	assert_int_equal(num_ends, 1);
	log_reader_stop(&reader);
	put("10", HEAD "F four\n" HEAD "P torn");
	put("9", HEAD "F two\nwhat\n" HEAD "P thr\n" HEAD "F ee\n");
	put("3", "");
	put("2", HEAD "F one\n");
	put("999999999", HEAD "F no log\n");
	for (uint64_t i = 0; i < 6; i++) {
		begin(i);
		assert_string_equal(text, wanted[i]);
		assert_int_equal(num_ends, 1);
		log_reader_stop(&reader);
	}
}

// Over more than a piece.
static void test_many_lines(void **state)
{
	static char log[300000];
	size_t len = 0;
	char first[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		len += (size_t)snprintf(log + len, sizeof(log) - len, HEAD "F %u\n", i);
	put("1", log);
	for (uint64_t lines = 1; lines < 5100; lines += 777) {
		begin(lines);
		snprintf(first, sizeof(first), "%u\n", lines < 5000 ? 5000 - (unsigned)lines : 0);
		assert_memory_equal(text, first, strlen(first));
		assert_string_equal(text + used - 5, "4999\n");
		log_reader_stop(&reader);
	}
	// At the pace of who takes them.
	begin(LOG_ALL);
	log_reader_stop(&reader);
	room = 1;
	used = 0;
	assert_int_equal(log_reader_start(&reader, &files, "id", LOG_ALL, &ops, &reader), 0);
	for (unsigned i = 1; i < 5000; i++) {
		settle();
		assert_int_equal(room, 0);
		room = 1;
		log_reader_resume(&reader);
	}
	settle();
	assert_string_equal(text + used - 5, "4999\n");
	assert_int_equal(num_ends, 2);
	log_reader_stop(&reader);
}

static void test_follow(void **state)
{
	uint32_t first;

	(void)state;
	first = put("1", HEAD "F one\n" HEAD "F t");
	begin(LOG_ALL);
	append(first, "wo\n");
	log_reader_resume(&reader);
	settle();
	assert_string_equal(text, "one\ntwo\n");
	assert_int_equal(num_ends, 2);
	// The last of a file comes with the first of the next.
	append(first, HEAD "F three\n");
	put("2", HEAD "F four\n");
	log_reader_resume(&reader);
	settle();
	assert_string_equal(text, "one\ntwo\nthree\nfour\n");
	// The next two files have come and gone.
	str_copy(provider.nodes[first].name, "gone", FAKE_NAME_MAX);
	put("5", HEAD "F five\n");
	log_reader_resume(&reader);
	settle();
	assert_string_equal(text, "one\ntwo\nthree\nfour\nfive\n");
	log_reader_stop(&reader);
}

static void test_server_dies(void **state)
{
	uint32_t first = put("1", HEAD "F one\n");

	(void)state;
	for (unsigned stop_after = 0; stop_after < 12; stop_after++) {
		used = 0;
		room = 100;
		num_failed = 0;
		assert_int_equal(log_reader_start(&reader, &files, "id",
		                                  stop_after % 2 ? 1 : LOG_ALL, &ops, &reader),
		                 0);
		for (unsigned i = 0; i < stop_after; i++) {
			fake_loop_settle(&loop);
			(void)provider_fake_serve(&provider);
		}
		provider_fake_die(&provider);
		provider.num_open = 0;
		fake_loop_settle(&loop);
		log_reader_lost(&reader);
		files_stop(&files);
		files_start(&files, &loop, connector, "store:logs");
		append(first, HEAD "F two\n");
		log_reader_resume(&reader);
		settle();
		assert_string_equal(text + used - 4, "two\n");
		assert_true(num_failed == 0 || last_error == ERR_PEER_CLOSED);
		log_reader_stop(&reader);
		settle();
	}
}

// What is no log costs time, and nothing else.
static void test_garbage(void **state)
{
	static char garbage[3 * LOG_PIECE + 1];

	(void)state;
	memset(garbage, 'x', sizeof(garbage) - 1);
	put("1", garbage);
	append(provider_fake_find(&provider, provider_fake_find(&provider, 1, "id"), "1"),
	       "\n" HEAD "F one\n");
	put("2", garbage);
	put("3", HEAD "F two\n");
	begin(LOG_ALL);
	assert_string_equal(text, "one\ntwo\n");
	log_reader_stop(&reader);
	begin(2);
	assert_string_equal(text, "one\ntwo\n");
	log_reader_stop(&reader);
	begin(7);
	assert_string_equal(text, "one\ntwo\n");
	log_reader_stop(&reader);
}

// All files of a log go, whatever else is in its folder; then the folder, if it can.
static void test_removing(void **state)
{
	uint32_t folder = provider_fake_make(&provider, 1, "id", 040755, NULL, 0);
	uint32_t inner = provider_fake_make(&provider, folder, "0", 040755, NULL, 0);
	uint32_t file = provider_fake_make(&provider, inner, "x", 0100644, "x", 1);
	struct log_remover remover;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		put("1", "a");
		put("2", "b");
		log_remover_init(&remover);
		assert_int_equal(log_remover_add(&remover, "id"), 0);
		log_remover_use(&remover, &files);
		settle();
		assert_false(log_remover_has_work(&remover));
		assert_int_equal(provider_fake_find(&provider, folder, "1"), 0);
		assert_int_equal(provider_fake_find(&provider, folder, "2"), 0);
		assert_int_equal(provider_fake_find(&provider, 1, "id"), i == 0 ? folder : 0);
		free(provider.nodes[file].data);
		provider.nodes[file] = (struct fake_node){ 0 };
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
