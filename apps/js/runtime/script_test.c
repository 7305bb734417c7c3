// SPDX-License-Identifier: MIT
#include "apps/js/runtime/script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "libs/base/string.h"

#define TEXT "one();\ntwo();\n"
#define HEAD 36u
#define TEXT_AT HEAD
#define SOURCES_AT (TEXT_AT + sizeof(TEXT))
#define NAME_AT (SOURCES_AT + 8)
#define LINES_AT (NAME_AT + 7)
#define SIZE (LINES_AT + 2 * 8)

static uint8_t bytes[SIZE];

static void put(size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		bytes[at + i] = (uint8_t)(value >> (8 * i));
}

// A script of two lines: the first is line 12 of main.ts, the second of no source.
static void make_script(void)
{
	const uint32_t head[] = { SCRIPT_MAGIC, SCRIPT_VERSION,   SIZE,       1,       2,
		                  TEXT_AT,      sizeof(TEXT) - 1, SOURCES_AT, LINES_AT };

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < 9; i++)
		put(4 * i, head[i]);
	memcpy(bytes + TEXT_AT, TEXT, sizeof(TEXT));
	put(SOURCES_AT, NAME_AT);
	put(SOURCES_AT + 4, 7);
	memcpy(bytes + NAME_AT, "main.ts", 7);
	put(LINES_AT + 4, 12);
}

static const char *open_bytes(struct script *script, size_t len)
{
	const char *why;

	return script_open(script, (struct span){ bytes, len }, &why) == 0 ? NULL : why;
}

static void test_lines(void **state)
{
	struct script script;
	struct span source;
	uint32_t line;

	(void)state;
	make_script();
	assert_null(open_bytes(&script, SIZE));
	assert_string_equal(script.text, TEXT);
	assert_true(script_line(&script, 1, &source, &line));
	assert_int_equal(line, 12);
	assert_int_equal(source.len, 7);
	assert_memory_equal(source.data, "main.ts", 7);
	assert_false(script_line(&script, 2, &source, &line));
	assert_false(script_line(&script, 0, &source, &line));
	assert_false(script_line(&script, 3, &source, &line));
}

static void expect_frame(const char *text, enum script_frame_kind kind, const char *name)
{
	struct script_place place;
	struct script script;

	assert_null(open_bytes(&script, SIZE));
	assert_int_equal(script_frame(&script, text_span(text), &place), kind);
	if (kind != FRAME_OF_SOURCE)
		return;
	assert_int_equal(place.line, 12);
	assert_int_equal(place.name_len, strlen(name));
	assert_memory_equal(place.name, name, place.name_len);
}

static void test_frames(void **state)
{
	(void)state;
	make_script();
	expect_frame("at main (script:1:7)", FRAME_OF_SOURCE, "main");
	expect_frame("at <anonymous> (script:1:7)", FRAME_OF_SOURCE, "<anonymous>");
	expect_frame("at script:1:7", FRAME_OF_SOURCE, "");
	expect_frame("at main (script:2:7)", FRAME_UNKNOWN, NULL);
	expect_frame("at then (native)", FRAME_OF_API, NULL);
	expect_frame("at next", FRAME_OF_API, NULL);
	expect_frame("at next (channel.js:1:2)", FRAME_OF_API, NULL);
	expect_frame("what somebody wrote", FRAME_UNKNOWN, NULL);
	expect_frame("", FRAME_UNKNOWN, NULL);
	expect_frame("at (script:99999999999999999999:1)", FRAME_OF_API, NULL);
}

// Each number of the head, and what they point to, is checked.
static void test_damage(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} damages[] = {
		{ 0, 1 },                    // magic
		{ 4, 2 },                    // version
		{ 8, SIZE + 1 },             // size
		{ 8, 8 },                    //
		{ 12, UINT32_MAX },          // sources
		{ 12, 0 },                   // a line of a source that is not there
		{ 16, UINT32_MAX },          // lines
		{ 20, UINT32_MAX },          // the text
		{ 24, UINT32_MAX },          // its length
		{ 24, sizeof(TEXT) - 2 },    // no NUL behind it
		{ 28, SIZE - 4 },            // the sources
		{ 32, SIZE - 8 },            // the lines
		{ SOURCES_AT, UINT32_MAX },  // a name
		{ SOURCES_AT + 4, SIZE },    // its length
		{ LINES_AT, 0x10000 },       // reserved
		{ LINES_AT, 1 },             // a source
	};
	struct script script;

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		make_script();
		put(damages[i].at, damages[i].value);
		assert_non_null(open_bytes(&script, SIZE));
	}
	make_script();
	for (size_t len = 0; len < SIZE; len++)
		assert_non_null(open_bytes(&script, len));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines),
		                            cmocka_unit_test(test_frames),
		                            cmocka_unit_test(test_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
