// SPDX-License-Identifier: MIT
#include "libs/base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t bytes[15] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
	                           0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };

static void test_reads_integers(void **state)
{
	struct reader r = reader_make(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_le16(&r), 0x0302);
	assert_int_equal(reader_le32(&r), 0x07060504);
	assert_true(reader_le64(&r) == 0xfffefdfcfbfaf908);
	assert_int_equal(reader_status(&r), 0);
	assert_int_equal(r.rest.len, 0);

	r = reader_make(bytes, sizeof(bytes));
	reader_skip(&r, 1);
	assert_int_equal(reader_be16(&r), 0x0203);
	assert_int_equal(reader_be32(&r), 0x04050607);
	assert_true(reader_be64(&r) == 0x08f9fafbfcfdfeff);
	assert_int_equal(reader_status(&r), 0);
}

// Past the end: zeros, and bad for good, even where a later step would fit.
static void test_reader_is_sticky(void **state)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct reader r = reader_make(bytes, 3);

	(void)state;
	assert_int_equal(reader_le32(&r), 0);
	assert_int_equal(reader_status(&r), ERR_RANGE);
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(reader_bytes(&r, 1).len, 0);
	reader_copy(&r, out, sizeof(out));
	assert_int_equal(out[0] | out[1] | out[2] | out[3], 0);

	r = reader_make(bytes, 3);
	reader_skip(&r, SIZE_MAX);
	assert_int_equal(reader_status(&r), ERR_RANGE);
}

static void test_reads_of_nothing(void **state)
{
	struct reader r = reader_make(NULL, 0);

	(void)state;
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	reader_copy(&r, NULL, 0);
	assert_int_equal(reader_status(&r), 0);
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(reader_status(&r), ERR_RANGE);
}

static void test_writes_what_is_read(void **state)
{
	uint8_t out[64];
	struct writer w = writer_make(out, sizeof(out));
	struct reader r;

	(void)state;
	writer_u8(&w, 0xab);
	writer_le16(&w, 0x1234);
	writer_be16(&w, 0x1234);
	writer_le32(&w, 0x12345678);
	writer_be32(&w, 0x12345678);
	writer_le64(&w, 0x1122334455667788);
	writer_be64(&w, 0x1122334455667788);
	writer_str(&w, "hey");
	writer_zero(&w, 2);
	assert_int_equal(writer_status(&w), 0);
	assert_int_equal(w.len, 1 + 4 + 8 + 16 + 3 + 2);
	assert_int_equal(out[1], 0x34);
	assert_int_equal(out[3], 0x12);

	r = reader_make(out, w.len);
	assert_int_equal(reader_u8(&r), 0xab);
	assert_int_equal(reader_le16(&r), 0x1234);
	assert_int_equal(reader_be16(&r), 0x1234);
	assert_int_equal(reader_le32(&r), 0x12345678);
	assert_int_equal(reader_be32(&r), 0x12345678);
	assert_true(reader_le64(&r) == 0x1122334455667788);
	assert_true(reader_be64(&r) == 0x1122334455667788);
	assert_memory_equal(reader_bytes(&r, 5).data, "hey\0\0", 5);
	assert_int_equal(reader_status(&r), 0);
}

// What does not fit is not written at all, nor is anything after it.
static void test_writer_is_sticky(void **state)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct writer w = writer_make(out, 3);

	(void)state;
	writer_u8(&w, 1);
	writer_le32(&w, 0x22222222);
	writer_u8(&w, 3);
	assert_int_equal(writer_status(&w), ERR_TOO_LARGE);
	assert_int_equal(w.len, 1);
	assert_int_equal(out[1], 9);
	assert_int_equal(out[3], 9);
}

static void test_compares_with_text(void **state)
{
	(void)state;
	assert_true(span_is(text_span("key"), "key"));
	assert_true(span_is(text_span(""), ""));
	assert_true(span_is(span_make("keys", 3), "key"));
	assert_false(span_is(text_span("keys"), "key"));
	assert_false(span_is(text_span("ke"), "key"));
	assert_false(span_is(text_span("kex"), "key"));
	assert_false(span_is(span_make("key", 4), "key"));
}

static void test_takes_a_prefix(void **state)
{
	struct span s = text_span("keyword");

	(void)state;
	assert_false(span_take_prefix(&s, "kez"));
	assert_false(span_take_prefix(&s, "keywords"));
	assert_true(span_is(s, "keyword"));
	assert_true(span_take_prefix(&s, "key"));
	assert_true(span_is(s, "word"));
	assert_true(span_take_prefix(&s, "word"));
	assert_int_equal(s.len, 0);
	assert_false(span_take_prefix(&s, "w"));
}

static void test_case_of_letters(void **state)
{
	struct span s = text_span("Content-Length");

	(void)state;
	assert_true(span_equals_nocase(s, "content-LENGTH"));
	assert_false(span_equals_nocase(s, "content-lengths"));
	assert_false(span_equals_nocase(s, "content-lengt"));
	// Of letters only, which differ by that bit.
	assert_false(span_equals_nocase(text_span("@[`{"), "`{@["));
	assert_false(span_take_prefix_nocase(&s, "contents"));
	assert_true(span_take_prefix_nocase(&s, "CONTENT-"));
	assert_true(span_is(s, "Length"));
	assert_false(span_take_prefix_nocase(&s, "lengths"));
	assert_true(span_take_prefix_nocase(&s, "lengtH"));
	assert_int_equal(s.len, 0);
}

static void test_ranges(void **state)
{
	(void)state;
	assert_true(range_within(0, 0, 0));
	assert_true(range_within(3, 7, 10));
	assert_false(range_within(3, 8, 10));
	assert_false(range_within(11, 0, 10));
	assert_false(range_within(UINT64_MAX, 2, 10));
	assert_false(range_within(2, UINT64_MAX, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_integers),
		cmocka_unit_test(test_reader_is_sticky),
		cmocka_unit_test(test_reads_of_nothing),
		cmocka_unit_test(test_writes_what_is_read),
		cmocka_unit_test(test_writer_is_sticky),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_compares_with_text),
		cmocka_unit_test(test_takes_a_prefix),
		cmocka_unit_test(test_case_of_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
