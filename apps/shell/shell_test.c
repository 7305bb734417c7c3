// SPDX-License-Identifier: MIT
//
// What is typed at the console, and tables that are shown there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/shell/arguments.h"
#include "apps/shell/line.h"
#include "apps/shell/table.h"
#include "libs/starina/alloc.h"

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

// --- A line --------------------------------------------------------------------------------------

static struct line line;
static char shown[4096];

// What is shown of keys. A line that they end is left as it is.
static enum line_event type(const char *keys)
{
	enum line_event event = LINE_NONE;
	char echo[LINE_ECHO_MAX];

	shown[0] = '\0';
	for (; *keys != '\0'; keys++) {
		enum line_event now = line_take(&line, (uint8_t)*keys, echo);

		event = now != LINE_NONE ? now : event;
		strcat(shown, echo);
	}
	return event;
}

static int setup(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	return 0;
}

static void enter(const char *text)
{
	type(text);
	assert_int_equal(type("\r"), LINE_WHOLE);
	line_next(&line);
}

static void a_line_is_typed(void **state)
{
	(void)state;
	assert_int_equal(type("pz\x7fs"), LINE_NONE);
	assert_string_equal(shown, "pz\b \bs");
	assert_int_equal(type("\r\n"), LINE_WHOLE);
	assert_string_equal(shown, "\n");
	assert_string_equal(line.text, "ps");
	line_next(&line);
	assert_int_equal(type("\x7f\x01\t\xff\x1b[5~"), LINE_NONE);
	assert_string_equal(shown, "");
	type("kill fs");
	type("\x17");
	assert_string_equal(line.text, "kill ");
	type("\x15");
	assert_string_equal(line.text, "");
	type("x");
	assert_int_equal(type("\x03"), LINE_CANCELLED);
	assert_string_equal(shown, "^C\n");
}

static void lines_come_back(void **state)
{
	(void)state;
	enter("one");
	enter("two");
	enter("two");
	enter("");
	type("th\x1b[A");
	assert_string_equal(shown, "th\b \b\b \btwo");
	type("\x1b[A");
	assert_string_equal(line.text, "one");
	type("\x1bOA");
	assert_string_equal(line.text, "one");
	type("\x1b[B\x1b[B\x1b[B");
	assert_string_equal(line.text, "");
	for (unsigned i = 0; i < 2 * LINE_HISTORY; i++) {
		char text[2] = { (char)('a' + i % 26), '\0' };

		enter(text);
	}
	assert_int_equal(line.num_history, LINE_HISTORY);
}

static void a_line_has_an_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * LINE_SIZE; i++)
		type("x");
	assert_int_equal(line.len, LINE_SIZE - 1);
	assert_string_equal(shown, "");
	type("\x17");
	assert_int_equal(line.len, 0);
	assert_int_equal(strlen(shown), 3 * (LINE_SIZE - 1));
}

// --- Its words -----------------------------------------------------------------------------------

static void check_words(const char *text, size_t count, const char *const *words)
{
	struct arguments arguments;
	char copy[256];

	strcpy(copy, text);
	assert_null(arguments_split(copy, &arguments));
	assert_int_equal(arguments.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(arguments.words[i], words[i]);
}

static void lines_have_words(void **state)
{
	struct arguments arguments;
	char many[512] = "", open[] = "a 'b", last[] = "a \\";

	(void)state;
	check_words("", 0, NULL);
	check_words("   ", 0, NULL);
	check_words("ps", 1, (const char *const[]){ "ps" });
	check_words(" run  sh -c 'echo  $A \"b\"' ", 4,
	            (const char *const[]){ "run", "sh", "-c", "echo  $A \"b\"" });
	check_words("a\"b c\"d '' e\\ f \"\\\"\"", 4,
	            (const char *const[]){ "ab cd", "", "e f", "\"" });
	assert_non_null(arguments_split(open, &arguments));
	assert_null(arguments_split(last, &arguments));
	assert_string_equal(arguments.words[1], "\\");
	for (size_t i = 0; i <= ARGUMENTS_MAX; i++)
		strcat(many, "a ");
	assert_non_null(arguments_split(many, &arguments));
}

// --- Tables --------------------------------------------------------------------------------------

static struct {
	struct text_sink sink;
	char text[8192];
} page;

static void page_put(struct text_sink *sink, const char *text, size_t len)
{
	(void)sink;
	assert_true(strlen(page.text) + len < sizeof(page.text));
	strncat(page.text, text, len);
}

static error_t show(const char *json)
{
	static const struct column columns[] = {
		{ "ID", "id", COLUMN_NUMBER }, { "NAME", "name", COLUMN_TEXT },
		{ "CPU", "cpu", COLUMN_TIME }, { "MEMORY", "memory", COLUMN_SIZE },
		{ "OF", "of", COLUMN_NAME },   { "USERS", "users", COLUMN_NAMES },
	};
	struct table table = { .columns = columns, .num_columns = 6 };
	struct json_reader r = json_reader_make(text_span(json));
	error_t err = table_read(&table, &r);

	page.sink.put = page_put;
	page.text[0] = '\0';
	if (err == 0)
		table_write(&table, &page.sink);
	table_deinit(&table);
	return err;
}

static void arrays_are_tables(void **state)
{
	(void)state;
	assert_int_equal(show("[]"), 0);
	assert_string_equal(page.text, "ID  NAME  CPU  MEMORY  OF  USERS\n");
	assert_int_equal(
		show("[{\"id\":7,\"name\":\"a\\u001b[2J\",\"cpu\":61500000000,\"memory\":1536,"
	             "\"of\":{\"name\":\"x\",\"id\":1},\"users\":[{\"name\":\"b\"},\"c\"],\"z\":[]},"
	             "{\"id\":12,\"cpu\":520000000,\"memory\":20971520,\"of\":null}]"),
		0);
	assert_string_equal(page.text,
	                    "ID  NAME      CPU  MEMORY  OF  USERS\n"
	                    " 7  a?[2J  1:01.5    1.5K  x   b, c\n"
	                    "12           0.52     20M  -   \n");
}

static void what_is_no_table_is_refused(void **state)
{
	static const char *const none[] = {
		"", "{}", "[", "[1]", "[{\"id\":\"x\"}]", "[{\"users\":{}}]", "[{\"of\":[]}]"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(show(none[i]), ERR_PROTOCOL);
}

static void sizes_are_read_by_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = { { 0, "0" },           { 1023, "1023" },    { 1024, "1.0K" },
		      { 1536, "1.5K" },     { 10 << 10, "10K" }, { 5ull << 40, "5.0T" },
		      { UINT64_MAX, "15E" } };
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_write(sizes[i].bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_is_typed, setup),
		cmocka_unit_test_setup(lines_come_back, setup),
		cmocka_unit_test_setup(a_line_has_an_end, setup),
		cmocka_unit_test(lines_have_words),
		cmocka_unit_test(arrays_are_tables),
		cmocka_unit_test(what_is_no_table_is_refused),
		cmocka_unit_test(sizes_are_read_by_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
