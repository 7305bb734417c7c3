// SPDX-License-Identifier: MIT
//
// What is typed at the console, and the lines of the log between: on the screen of a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/debug/console.h"
#include "kernel/debug/console_line.h"

static char text[8192];  // all that was written

void console_write(const char *bytes, size_t len)
{
	assert_true(strlen(text) + len < sizeof(text));
	strncat(text, bytes, len);
}

static void write_beside(const char *bytes)
{
	console_write(bytes, strlen(bytes));
	console_line_add(bytes, strlen(bytes));
}

static void log_line(const char *line)
{
	console_line_hide();
	console_write(line, strlen(line));
	console_line_show();
}

static int setup(void **state)
{
	(void)state;
	console_line_add("\n", 1);
	text[0] = '\0';
	return 0;
}

static void whole_lines_leave_the_log_alone(void **state)
{
	(void)state;
	log_line("one\n");
	write_beside("an answer\n");
	log_line("two\n");
	assert_string_equal(text, "one\nan answer\ntwo\n");
}

static void a_line_is_written_again(void **state)
{
	(void)state;
	write_beside("before\n> ki");
	write_beside("kl\b \b\bll x");
	text[0] = '\0';
	log_line("one\n");
	assert_string_equal(text, "\r\x1b[Kone\n> kill x");
	write_beside("yz\b \b\b \b\b");
	text[0] = '\0';
	log_line("two\n");
	assert_string_equal(text, "\r\x1b[Ktwo\n> kill x\b");
	write_beside("y\rz");
	text[0] = '\0';
	log_line("three\n");
	assert_string_equal(text, "\r\x1b[Kthree\nz");
	write_beside("\b\b\b\b");
	text[0] = '\0';
	log_line("four\n");
	assert_string_equal(text, "\r\x1b[Kfour\nz\b");
}

static void what_fills_a_row_stays_above(void **state)
{
	char line[101];

	(void)state;
	memset(line, 'x', 100);
	line[100] = '\0';
	write_beside(line);
	text[0] = '\0';
	log_line("one\n");
	assert_string_equal(text + strlen(text) - 100, line);
	assert_int_equal(strncmp(text, "\none\n", 5), 0);
}

static void what_is_too_long_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++)
		write_beside("x");
	log_line("one\n");
	text[0] = '\0';
	log_line("two\n");
	assert_string_equal(text, "two\n");
}

static void who_goes_leaves_its_line_behind(void **state)
{
	(void)state;
	console_line_end();
	assert_string_equal(text, "");
	write_beside("> x");
	console_line_end();
	log_line("one\n");
	assert_string_equal(text, "> x\none\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(whole_lines_leave_the_log_alone, setup),
		cmocka_unit_test_setup(a_line_is_written_again, setup),
		cmocka_unit_test_setup(what_fills_a_row_stays_above, setup),
		cmocka_unit_test_setup(what_is_too_long_is_forgotten, setup),
		cmocka_unit_test_setup(who_goes_leaves_its_line_behind, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
