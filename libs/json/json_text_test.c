// SPDX-License-Identifier: MIT
//
// Strings of any bytes as JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/json/json.h"
#include "libs/starina/alloc.h"

void *heap_alloc(size_t size)
{
	return test_calloc(1, size);
}

void heap_free(void *p)
{
	test_free(p);
}

static void check(const char *bytes, size_t len, const char *expected)
{
	struct json_writer w = { 0 };

	json_write_text(&w, (struct span){ .data = (const uint8_t *)bytes, .len = len });
	assert_string_equal(json_writer_text(&w), expected);
	json_writer_deinit(&w);
}

#define CHECK(bytes, expected) check(bytes, sizeof(bytes) - 1, expected)

static void text_stays(void **state)
{
	(void)state;
	CHECK("", "\"\"");
	CHECK("hello, world", "\"hello, world\"");
	CHECK("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
	      "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void what_has_a_meaning_is_escaped(void **state)
{
	(void)state;
	CHECK("a\"b\\c", "\"a\\\"b\\\\c\"");
	CHECK("\0\n\x1b[31m\x7f", "\"\\u0000\\u000a\\u001b[31m\\u007f\"");
	CHECK("<script>&'", "\"\\u003cscript\\u003e\\u0026\\u0027\"");
}

static void what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	CHECK("a\xff"
	      "b",
	      "\"a\\ufffdb\"");
	CHECK("\xc0\xaf", "\"\\ufffd\\ufffd\"");             // overlong
	CHECK("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");  // a surrogate
	CHECK("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	CHECK("\xe2\x82", "\"\\ufffd\\ufffd\"");  // cut short
}

static void a_message_is_a_document(void **state)
{
	struct json_writer w = { 0 };
	struct span document = json_write_message(&w, "no \"x\"");

	(void)state;
	assert_int_equal(document.len, strlen("{\"message\":\"no \\\"x\\\"\"}"));
	assert_memory_equal(document.data, "{\"message\":\"no \\\"x\\\"\"}", document.len);
	json_writer_deinit(&w);
	w = (struct json_writer){ .bad = true };
	document = json_write_message(&w, "x");
	assert_memory_equal(document.data, "{\"message\":\"out of memory\"}", document.len);
	json_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays),
		cmocka_unit_test(what_has_a_meaning_is_escaped),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(a_message_is_a_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
