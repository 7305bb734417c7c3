// SPDX-License-Identifier: MIT
// What linuxrun reads from the host: ustar headers and the lines of the control port.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/linuxrun/console_ports.h"
#include "libs/boot_files/ustar.h"

static uint8_t block[USTAR_BLOCK];

static void sign(void)
{
	unsigned int sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
}

static void make(const char *name, const char *size, char type)
{
	memset(block, 0, sizeof(block));
	memcpy(block, name, strnlen(name, 100));
	memcpy(block + 124, size, strnlen(size, 12));
	block[156] = (uint8_t)type;
	memcpy(block + 257, "ustar\00000", 8);
	sign();
}

static error_t parse(struct ustar_entry *entry)
{
	return ustar_entry_parse((struct span){ .data = block, .len = sizeof(block) }, entry);
}

static void test_ustar(void **state)
{
	struct ustar_entry entry;

	(void)state;
	make("kernel", "00026676544", '0');
	assert_int_equal(parse(&entry), 0);
	assert_string_equal(entry.name, "kernel");
	assert_int_equal(entry.size, 026676544);
	assert_true(entry.is_file);
	make("dir/", "00000000000", '5');
	assert_int_equal(parse(&entry), 0);
	assert_false(entry.is_file);
	memset(block, 0, sizeof(block));
	assert_int_equal(parse(&entry), ERR_EMPTY);
}

static void test_ustar_hostile(void **state)
{
	struct ustar_entry entry;
	char name[101];

	(void)state;
	// A name that fills its field has no end of its own.
	memset(name, 'x', 100);
	name[100] = '\0';
	make(name, "00000000001", '0');
	assert_int_equal(parse(&entry), 0);
	assert_string_equal(entry.name, name);
	make("kernel", "00000000001", '0');
	block[0] ^= 1;
	assert_int_equal(parse(&entry), ERR_INVALID);
	make("kernel", "0000000000z", '0');
	assert_int_equal(parse(&entry), ERR_INVALID);
	make("kernel", "", '0');
	assert_int_equal(parse(&entry), ERR_INVALID);
	make("kernel", "-0000000001", '0');
	assert_int_equal(parse(&entry), ERR_INVALID);
	make("kernel", "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", '0');
	assert_int_equal(parse(&entry), ERR_INVALID);
	make("kernel", "777777777777", '0');
	assert_int_equal(parse(&entry), 0);
	assert_int_equal(entry.size, 0777777777777);
	make("kernel", "00000000001", '0');
	block[257] = 'U';
	sign();
	assert_int_equal(parse(&entry), ERR_INVALID);
	assert_int_equal(ustar_entry_parse((struct span){ .data = block, .len = 511 }, &entry),
	                 ERR_INVALID);
}

static struct host_line line(const char *text)
{
	return host_line_parse(text_span(text));
}

static void test_host_lines(void **state)
{
	static const char *const unknown[] = { "",
		                               " ",
		                               "signal",
		                               "signal ",
		                               "signal x",
		                               "signal 15x",
		                               "signal 15 ",
		                               "signal  15",
		                               "signal -1",
		                               "signals 15",
		                               "resize 24",
		                               "resize 24 80 1",
		                               "stdin-open 1",
		                               "stdin-eof 99999999999999999999999",
		                               "SIGNAL 15" };

	(void)state;
	assert_int_equal(line("stdin-open").kind, HOST_LINE_STDIN_OPEN);
	assert_int_equal(line("signal 15").kind, HOST_LINE_SIGNAL);
	assert_int_equal(line("signal 15").value, 15);
	assert_int_equal(line("stdin-eof 12345678901").kind, HOST_LINE_STDIN_EOF);
	assert_int_equal(line("stdin-eof 12345678901").value, 12345678901);
	assert_int_equal(line("resize 24 80").kind, HOST_LINE_RESIZE);
	assert_int_equal(line("resize 24 80").value, 24);
	assert_int_equal(line("resize 24 80").value2, 80);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(line(unknown[i]).kind, HOST_LINE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ustar),
		cmocka_unit_test(test_ustar_hostile),
		cmocka_unit_test(test_host_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
