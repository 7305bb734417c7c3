// SPDX-License-Identifier: MIT
// Records, and the last lines of a log.
#include "libs/logs/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2025-11-29T06:41:41.000000007Z "

static void test_both_ways(void **state)
{
	static const char text[] = TIME "stdout F hello\n" TIME "stderr P wo\rld";
	struct log_record record = { .time = 1764398501 * NSEC_PER_SEC + 7,
		                     .stream = LOG_STDOUT,
		                     .whole = true,
		                     .text = text_span("hello") };
	char out[200];
	struct writer w = writer_make(out, sizeof(out));
	char date[DATE_LENGTH + 1];
	size_t len;
	bool good;

	(void)state;
	date_write(record.time, date);
	log_record_write(&w, &record, date);
	record.stream = LOG_STDERR;
	record.whole = false;
	record.text = text_span("wo\rld");
	log_record_write(&w, &record, date);
	assert_int_equal(writer_status(&w), 0);
	assert_int_equal(w.len, sizeof(text));
	assert_memory_equal(out, text, sizeof(text) - 1);
	assert_int_equal(out[w.len - 1], '\n');
	len = log_record_read((struct span){ w.data, w.len }, &record, &good);
	assert_true(good && record.whole && record.stream == LOG_STDOUT);
	assert_int_equal(record.text.len, 5);
	assert_int_equal(len, LOG_HEAD_LENGTH + 6);
	len = log_record_read((struct span){ w.data + len, w.len - len }, &record, &good);
	assert_true(good && !record.whole && record.stream == LOG_STDERR);
	assert_int_equal(record.time, 1764398501 * NSEC_PER_SEC + 7);
	assert_memory_equal(record.text.data, "wo\rld", 5);
	assert_int_equal(log_record_read((struct span){ w.data, 40 }, &record, &good), 0);
	assert_false(good);
}

static void test_no_records(void **state)
{
	static const char *const lines[] = {
		"\n",
		"hello\n",
		TIME "stdout F\n",
		TIME "stdin  F x\n",
		TIME "stdout f x\n",
		TIME "stdoutF x\n",
		TIME "stdout FFx\n",
		"2025-11-29T06:41:41.00000007Z stdout F x\n",
		"2025-13-29T06:41:41.000000007Z stdout F x\n",
	};
	static char longer[LOG_RECORD_MAX + 2];
	struct log_record record;
	bool good;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(log_record_read(text_span(lines[i]), &record, &good),
		                 strlen(lines[i]));
		assert_false(good);
	}
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, TIME "stdout F ", LOG_HEAD_LENGTH);
	longer[LOG_RECORD_MAX] = '\n';
	(void)log_record_read((struct span){ (uint8_t *)longer, LOG_RECORD_MAX + 1 }, &record,
	                      &good);
	assert_false(good);
	longer[LOG_RECORD_MAX - 1] = '\n';
	(void)log_record_read((struct span){ (uint8_t *)longer, LOG_RECORD_MAX + 1 }, &record,
	                      &good);
	assert_true(good);
}

// Where the last `wanted` lines begin, by pieces of a size; the length: nowhere.
static uint64_t look(struct span log, size_t piece_size, uint64_t wanted)
{
	struct log_tail tail = { .wanted = wanted, .offset = log.len };
	uint64_t end = log.len;

	while (end > 0 && !tail.found) {
		size_t len = end < piece_size ? (size_t)end : piece_size;
		uint64_t next =
			log_tail_look(&tail, (struct span){ log.data + end - len, len }, end);

		assert_true(next < end);
		end = next;
	}
	return tail.found ? tail.offset : UINT64_MAX;
}

static void test_tail(void **state)
{
	// Of lines of two records and of one, with garbage among them and at the end.
	static const char log[] = TIME "stdout F 1\n" TIME "stdout P 2\n" TIME "stdout F 2\n"
				       "garbage\n" TIME "stderr F 3\n" TIME "stdout P 4\nto";
	const size_t line = LOG_HEAD_LENGTH + 2, whole = sizeof(log) - 1;
	const uint64_t starts[] = { whole, 3 * line + 8 + line, 3 * line + 8, line };

	(void)state;
	for (size_t piece = 2 * line; piece < whole + 10; piece++) {
		// From the end: nothing, the torn 4, and so on; garbage may come along.
		assert_int_equal(look(text_span(log), piece, 0), whole);
		assert_int_equal(look(text_span(log), piece, 1), starts[1]);
		assert_int_equal(look(text_span(log), piece, 2), starts[2]);
		assert_int_equal(look(text_span(log), piece, 3), starts[3]);
		assert_int_equal(look(text_span(log), piece, 4), UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_no_records),
		cmocka_unit_test(test_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
