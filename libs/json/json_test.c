// SPDX-License-Identifier: MIT
//
// Values taken as they stand in the document.
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

static void raw_values_are_without_white_space(void **state)
{
	static const struct {
		const char *document, *value;
	} cases[] = {
		{ "1", "1" },
		{ " \t\r\n-1.5e3 \n", "-1.5e3" },
		{ " null ", "null" },
		{ " \"a \\\" b\" ", "\"a \\\" b\"" },
		{ " { \"a\" : [ 1, {} ] } ", "{ \"a\" : [ 1, {} ] }" },
		{ "\n[ ]\n", "[ ]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_reader r = json_reader_make(text_span(cases[i].document));

		assert_true(span_is(json_take_raw(&r), cases[i].value));
		assert_true(json_at_end(&r));
	}
}

static void raw_values_of_members_follow_each_other(void **state)
{
	struct json_reader r = json_reader_make(text_span("{ \"a\" : {\"b\": 1} , \"c\" : true }"));
	struct span key;

	(void)state;
	json_enter_object(&r);
	assert_true(json_next_member(&r, &key));
	assert_true(span_is(key, "a"));
	assert_true(span_is(json_take_raw(&r), "{\"b\": 1}"));
	assert_true(json_next_member(&r, &key));
	assert_true(span_is(key, "c"));
	assert_true(span_is(json_take_raw(&r), "true"));
	assert_false(json_next_member(&r, &key));
	assert_true(json_at_end(&r));
}

// What is no value leaves an empty span and a bad reader, also where some of it was taken.
static void raw_values_that_are_none(void **state)
{
	static const char *const documents[] = { "",    " ",    "x",         "tru",   "-",
		                                 "\"a", "[1, ", "{\"a\": }", "{1:2}", "1." };

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct json_reader r = json_reader_make(text_span(documents[i]));

		assert_int_equal(json_take_raw(&r).len, 0);
		assert_int_equal(json_reader_status(&r), ERR_PROTOCOL);
		assert_int_equal(json_take_raw(&r).len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_values_are_without_white_space),
		cmocka_unit_test(raw_values_of_members_follow_each_other),
		cmocka_unit_test(raw_values_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
