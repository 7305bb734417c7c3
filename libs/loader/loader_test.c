// SPDX-License-Identifier: MIT
//
// App files: a good one, and each error, made by one change of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/loader/app_file_fake.h"
#include "libs/loader/loader.h"

static struct app_file app;

// What to change in the good file: a number of `size` bytes at `at`.
struct change {
	unsigned size;
	size_t at;
	uint64_t value;
};

// A copy of its own, so that a read past its end is seen.
static error_t read_file(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	error_t err;

	memcpy(copy, bytes, size);
	err = app_file_read(&app, (struct span){ .data = copy, .len = size });
	free(copy);
	return err;
}

static void expect_error(error_t err, error_t expected, const char *text)
{
	if (err != expected || strstr(app.error, text) == NULL)
		fail_msg("%d (\"%s\") in place of %d (\"%s\")", err, app.error, expected, text);
	assert_true(strlen(app.error) < APP_FILE_ERROR_MAX - 1);
}

static void apply(uint8_t *bytes, const struct change *change)
{
	if (change->size == 1)
		bytes[change->at] = (uint8_t)change->value;
	else if (change->size == 2)
		fake_put16(bytes, change->at, (uint16_t)change->value);
	else if (change->size == 4)
		fake_put32(bytes, change->at, (uint32_t)change->value);
	else if (change->size == 8)
		fake_put64(bytes, change->at, change->value);
}

static void check_error_of(error_t expected, const char *text, struct change first,
                           struct change second)
{
	static uint8_t bytes[FAKE_SIZE];

	app_file_fake(bytes);
	apply(bytes, &first);
	apply(bytes, &second);
	expect_error(read_file(bytes, FAKE_SIZE), expected, text);
}

#define NONE ((struct change){ 0 })
#define AT(size, at, value) ((struct change){ size, at, (uint64_t)(value) })
#define REFUSED(text, change) check_error_of(ERR_INVALID, text, change, NONE)
#define REFUSED2(text, first, second) check_error_of(ERR_INVALID, text, first, second)
#define UNSUPPORTED(text, change) check_error_of(ERR_NOT_SUPPORTED, text, change, NONE)

#define SPEC(offset) (FAKE_SPEC + (offset))
#define STRING(offset) (FAKE_STRINGS + (offset))

static void a_good_file_is_read(void **state)
{
	static uint8_t bytes[FAKE_SIZE];
	const struct app_spec *spec = &app.spec;

	(void)state;
	app_file_fake(bytes);
	assert_int_equal(app_file_read(&app, (struct span){ bytes, FAKE_SIZE }), 0);
	assert_string_equal(app.error, "");
	assert_string_equal(spec->name, "fake");
	assert_int_equal(spec->abi_version, APP_ABI_VERSION);
	assert_int_equal(spec->memory_limit, 1 << 20);
	assert_int_equal(spec->stack_size, 1 << 16);
	assert_int_equal(spec->handle_limit, 100);
	assert_int_equal(spec->restart, RESTART_ON_FAULT);
	assert_int_equal((uintptr_t)spec->main, 0x10010);
	assert_int_equal(app.entry, 0x10010);
	assert_int_equal(app.thread_return, 0x10100);
	assert_int_equal(spec->needs[0].kind, NEED_SERVICE);
	assert_string_equal(spec->needs[0].name, "echo");
	assert_null(spec->needs[0].fallback);
	assert_int_equal(spec->needs[1].kind, NEED_DEVICE);
	assert_string_equal(spec->needs[1].name, "virtio,mmio");
	assert_int_equal(spec->needs[1].optional, 1);
	assert_string_equal(spec->needs[2].name, "greeting");
	assert_string_equal(spec->needs[2].fallback, "good morning");
	assert_int_equal(spec->needs[3].kind, NEED_SYSTEM);
	assert_null(spec->needs[3].name);
	assert_int_equal(spec->needs[4].kind, 0);
	assert_string_equal(spec->provides[0], "fake");
	assert_string_equal(spec->provides[1], "fake:control");
	assert_null(spec->provides[2]);
}

static void segments_are_described(void **state)
{
	static uint8_t bytes[FAKE_SIZE];

	(void)state;
	app_file_fake(bytes);
	assert_int_equal(app_file_read(&app, (struct span){ bytes, FAKE_SIZE }), 0);
	assert_int_equal(app.text.address, 0x10000);
	assert_int_equal(app.text.size, 0x200);
	assert_ptr_equal(app.text.bytes.data, bytes + FAKE_TEXT);
	assert_int_equal(app.text.bytes.len, 0x200);
	assert_int_equal(app.rodata.address, 0x11000);
	assert_ptr_equal(app.rodata.bytes.data, bytes + FAKE_RODATA);
	assert_int_equal(app.data.address, 0x12000);
	assert_int_equal(app.data.size, 0x2080);
	assert_int_equal(app_segment_pages(&app.data), 0x3000);
	assert_ptr_equal(app.data.bytes.data, bytes + FAKE_DATA);
	assert_int_equal(app.data.bytes.len, 0x80);
	assert_ptr_equal(app.symbols.data, bytes + FAKE_SYMBOLS);
	assert_int_equal(app.symbols.len, 42);
}

static void what_may_be_missing(void **state)
{
	static uint8_t bytes[FAKE_SIZE];

	(void)state;
	app_file_fake(bytes);
	fake_put64(bytes, FAKE_SEGMENT(1) + 40, 0);  // no read-only data
	fake_put64(bytes, FAKE_SEGMENT(2) + 32, 0);  // no data but zeros
	fake_put32(bytes, FAKE_SECTION(3), 0);       // no function names
	fake_put32(bytes, SPEC(56), 0);
	fake_put32(bytes, SPEC(64), 0);
	assert_int_equal(read_file(bytes, FAKE_SIZE), 0);
	assert_int_equal(app.rodata.size, 0);
	assert_int_equal(app.data.bytes.len, 0);
	assert_int_equal(app.data.size, 0x2080);
	assert_int_equal(app.symbols.len, 0);
	assert_int_equal(app.spec.needs[0].kind, 0);
	assert_null(app.spec.provides[0]);
}

static void a_truncated_file_is_refused_at_each_length(void **state)
{
	static uint8_t bytes[FAKE_SIZE];

	(void)state;
	app_file_fake(bytes);
	// What follows the last section header means nothing.
	for (size_t size = 0; size < FAKE_SECTION(4); size += size < 0x200 ? 1 : 61) {
		assert_int_equal(read_file(bytes, size), ERR_INVALID);
		assert_true(app.error[0] != '\0');
	}
	assert_int_equal(read_file(bytes, FAKE_SECTION(4)), 0);
	expect_error(read_file(bytes, 0), ERR_INVALID, "not an ELF file");
	expect_error(read_file(bytes, 10), ERR_INVALID, "ends within its header");
	expect_error(read_file(bytes, 63), ERR_INVALID, "ends within its header");
	expect_error(read_file(bytes, 64), ERR_INVALID, "its table of segments");
	expect_error(read_file(bytes, 0x1000), ERR_INVALID, "its table of sections");
}

static void a_huge_file_is_refused(void **state)
{
	uint8_t *bytes = calloc(1, APP_FILE_MAX + 1);

	(void)state;
	app_file_fake(bytes);
	assert_int_equal(app_file_read(&app, (struct span){ bytes, APP_FILE_MAX }), 0);
	expect_error(app_file_read(&app, (struct span){ bytes, APP_FILE_MAX + 1 }), ERR_INVALID,
	             "it has 4194305 bytes");
	free(bytes);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	REFUSED("not an ELF file", AT(1, 0, '#'));
	REFUSED("not an ELF file of 64 bits", AT(1, 4, 1));
	REFUSED("not little-endian", AT(1, 5, 2));
	UNSUPPORTED("ELF of version 2", AT(1, 6, 2));
	REFUSED("another machine (62)", AT(2, 18, 62));
	REFUSED("not a linked program at fixed addresses (type 3", AT(2, 16, 3));
	REFUSED("another ABI than lp64d (flags 0x1)", AT(4, 48, 1));
	REFUSED("another ABI than lp64d (flags 0xd)", AT(4, 48, 13));
}

static void tables_are_within_the_file(void **state)
{
	(void)state;
	REFUSED("its table of segments", AT(8, 32, FAKE_SIZE - 100));
	REFUSED("its table of segments", AT(8, 32, UINT64_MAX - 100));
	REFUSED("its table of sections", AT(8, 40, FAKE_SIZE - 100));
	REFUSED("its table of sections", AT(8, 40, UINT64_MAX));
	REFUSED("65535 segments", AT(2, 56, UINT16_MAX));
	REFUSED("65 sections", AT(2, 60, 65));
	REFUSED("unknown sizes (57 and 64", AT(2, 54, 57));
	REFUSED("unknown sizes (56 and 0", AT(2, 58, 0));
}

static void permissions_of_segments(void **state)
{
	(void)state;
	REFUSED("at 0x10000 is writable and executable", AT(4, FAKE_SEGMENT(0) + 4, 7));
	REFUSED("at 0x12000 is writable and executable", AT(4, FAKE_SEGMENT(2) + 4, 7));
	REFUSED("neither text", AT(4, FAKE_SEGMENT(0) + 4, 1));
	REFUSED("neither text", AT(4, FAKE_SEGMENT(1) + 4, 0x14));
	REFUSED("it has text twice, at 0x10000 and 0x11000", AT(4, FAKE_SEGMENT(1) + 4, 5));
	REFUSED("it has no text", AT(4, FAKE_SEGMENT(0), 0));
	REFUSED("dynamic linker", AT(4, FAKE_SEGMENT(3), 2));
	REFUSED("dynamic linker", AT(4, FAKE_SEGMENT(3), 3));
	REFUSED("thread-local", AT(4, FAKE_SEGMENT(3), 7));
}

static void sizes_of_segments(void **state)
{
	(void)state;
	REFUSED("its data has 0x2081 bytes in the file, and 0x2080 in memory",
	        AT(8, FAKE_SEGMENT(2) + 32, 0x2081));
	REFUSED("its text is not in the file as a whole", AT(8, FAKE_SEGMENT(0) + 40, 0x201));
	REFUSED2("its text is 0x4000 bytes at 0x1000 of the file",
	         AT(8, FAKE_SEGMENT(0) + 32, 0x4000), AT(8, FAKE_SEGMENT(0) + 40, 0x4000));
	REFUSED("of the file, which has", AT(8, FAKE_SEGMENT(0) + 8, UINT64_MAX - 0xfff));
	REFUSED("its data is 0x40000000 bytes", AT(8, FAKE_SEGMENT(2) + 40, 0x40000000));
	REFUSED("its data is 0xffffffffffffffff bytes", AT(8, FAKE_SEGMENT(2) + 40, UINT64_MAX));
	REFUSED("take 64 MiB of memory", AT(8, FAKE_SEGMENT(2) + 40, 64ull << 20));
}

static void places_of_segments(void **state)
{
	(void)state;
	REFUSED("its text begins at 0x10008, which is not a page",
	        AT(8, FAKE_SEGMENT(0) + 16, 0x10008));
	REFUSED("its text begins at 0x1008 of the file", AT(8, FAKE_SEGMENT(0) + 8, 0x1008));
	REFUSED("at 0; an app lies in", AT(8, FAKE_SEGMENT(0) + 16, 0));
	REFUSED("an app lies in", AT(8, FAKE_SEGMENT(0) + 16, 0x40000000));
	REFUSED("an app lies in", AT(8, FAKE_SEGMENT(0) + 16, 0xffffffffffff0000));
	REFUSED("an app lies in", AT(8, FAKE_SEGMENT(0) + 16, 0xffffffff80200000));
	REFUSED("text and read-only data share a page: 0x10000 and 0x10000",
	        AT(8, FAKE_SEGMENT(1) + 16, 0x10000));
	REFUSED("text and data share a page", AT(8, FAKE_SEGMENT(2) + 16, 0xe000));
	REFUSED("read-only data and data share a page", AT(8, FAKE_SEGMENT(1) + 16, 0x14000));
	REFUSED("text and read-only data share a page of the file",
	        AT(8, FAKE_SEGMENT(1) + 8, FAKE_TEXT));
	REFUSED("text and data share a page of the file", AT(8, FAKE_SEGMENT(2) + 8, FAKE_TEXT));
	REFUSED("read-only data and data share a page of the file",
	        AT(8, FAKE_SEGMENT(2) + 8, FAKE_RODATA));
}

static void addresses_in_the_text(void **state)
{
	(void)state;
	REFUSED("its entry (0x10200) is outside its text", AT(8, 24, 0x10200));
	REFUSED("its entry (0x11000) is outside its text", AT(8, 24, 0x11000));
	REFUSED("its entry (0) is outside its text", AT(8, 24, 0));
	REFUSED("it is odd", AT(8, 24, 0x10011));
	REFUSED("the thread return of its spec (0xffff", AT(8, SPEC(40), 0xffff));
	REFUSED("it is odd", AT(8, SPEC(40), 0x10101));
}

static void sections(void **state)
{
	(void)state;
	REFUSED("it has no section .starina.spec", AT(2, 60, 0));
	REFUSED("it has no section .starina.spec", AT(4, FAKE_SECTION(2), 0));
	REFUSED("it has no section .starina.spec", AT(4, FAKE_SECTION(2), UINT32_MAX));
	REFUSED("it has no section .starina.spec", AT(4, FAKE_SECTION(2) + 4, 0));
	REFUSED("it has the section .starina.spec twice", AT(4, FAKE_SECTION(3), 8));
	REFUSED("section 4, with the names of its 4 sections", AT(2, 62, 4));
	REFUSED("its section of names has no bytes", AT(4, FAKE_SECTION(1) + 4, 8));
	REFUSED("its section of names is 0x", AT(8, FAKE_SECTION(1) + 24, FAKE_SIZE));
	REFUSED("its section .starina.spec has no bytes (type 8)", AT(4, FAKE_SECTION(2) + 4, 8));
	REFUSED("its section .starina.spec is 0x", AT(8, FAKE_SECTION(2) + 24, UINT64_MAX - 8));
	REFUSED("its section .starina.spec is 0x", AT(8, FAKE_SECTION(2) + 32, FAKE_SIZE));
	REFUSED("its section .starina.symbols is 0x", AT(8, FAKE_SECTION(3) + 32, UINT64_MAX));
}

static void versions(void **state)
{
	(void)state;
	REFUSED("its spec begins with 0,", AT(4, SPEC(0), 0));
	UNSUPPORTED("its spec has version 2, this system knows 1", AT(2, SPEC(4), 2));
	UNSUPPORTED("its spec has version 0", AT(2, SPEC(4), 0));
	UNSUPPORTED("version 9 of the system's interface", AT(4, SPEC(12), 9));
	REFUSED("says that they are 223 and 79", AT(2, SPEC(6), 79));
	REFUSED("says that they are 1 and 80", AT(4, SPEC(8), 1));
	REFUSED("its spec ends within the header", AT(8, FAKE_SECTION(2) + 32, 8));
	REFUSED2("its spec ends within the header", AT(8, FAKE_SECTION(2) + 32, 79),
	         AT(4, SPEC(8), 79));
}

static void numbers_of_the_spec(void **state)
{
	(void)state;
	REFUSED("more than any app may have", AT(8, SPEC(16), (64ull << 30) + 1));
	REFUSED("more than any app may have", AT(8, SPEC(24), (16ull << 20) + 1));
	REFUSED("more than any app may have", AT(8, SPEC(24), UINT64_MAX));
	REFUSED("more than any app may have", AT(4, SPEC(32), (1 << 20) + 1));
	REFUSED("unknown restart policy 3", AT(4, SPEC(36), 3));
	REFUSED("17 needs and provides 2", AT(4, SPEC(56), 17));
	REFUSED("4 needs and provides 5", AT(4, SPEC(64), 5));
	REFUSED("the needs of its spec (4 at 0x4f)", AT(4, SPEC(52), 79));
	REFUSED("the needs of its spec (4 at 0x52)", AT(4, SPEC(52), 82));
	REFUSED("the needs of its spec (4 at 0xffffff00)", AT(4, SPEC(52), 0xffffff00));
	REFUSED("the services of its spec (2 at 0xd8)", AT(4, SPEC(60), 216));
	REFUSED("the strings of its spec (0 bytes", AT(4, SPEC(72), 0));
	REFUSED("the strings of its spec (72 bytes", AT(4, SPEC(72), FAKE_STRINGS_SIZE + 1));
	REFUSED("the strings of its spec (71 bytes at 0xffffffff", AT(4, SPEC(68), UINT32_MAX));
	REFUSED("the strings of its spec do not end", AT(4, SPEC(72), 3));
}

static void strings_of_the_spec(void **state)
{
	(void)state;
	REFUSED("the name of its spec is at 0x97", AT(4, SPEC(48), FAKE_STRINGS - 1));
	REFUSED("the name of its spec is at 0xdf", AT(4, SPEC(48), STRING(71)));
	REFUSED("the name of its spec is empty", AT(4, SPEC(48), STRING(70)));
	REFUSED("the name of its spec has blanks", AT(1, SPEC(STRING(1)), ' '));
	REFUSED("the name of its spec has blanks", AT(1, SPEC(STRING(1)), 0xc3));
	REFUSED("\"f-ke\" is not a name for an app", AT(1, SPEC(STRING(1)), '-'));
	REFUSED("\"1ake\" is not a name for an app", AT(1, SPEC(STRING(0)), '1'));
	REFUSED2("the name of its spec is longer than 23 bytes", AT(8, SPEC(STRING(4)), -1),
	         AT(8, SPEC(STRING(20)), -1));
	REFUSED2("the name of a need of its spec is longer than 31 bytes",
	         AT(1, SPEC(STRING(21)), 'x'), AT(1, SPEC(STRING(30)), 'x'));
	REFUSED("a fallback of its spec has characters", AT(1, SPEC(STRING(32)), 0x1b));
	REFUSED("a fallback of its spec is at", AT(4, FAKE_NEED(2) + 8, UINT32_MAX));
	REFUSED("a service of its spec is at 0,", AT(4, FAKE_PROVIDE(1), 0));
}

static void a_fallback_may_not_be_longer_than_a_value(void **state)
{
	static uint8_t bytes[FAKE_SIZE + 256];
	const uint32_t size = FAKE_STRINGS_SIZE + 160;

	(void)state;
	app_file_fake(bytes);
	memset(bytes + SPEC(STRING(FAKE_STRINGS_SIZE)), 'v', 127);
	fake_put32(bytes, SPEC(8), FAKE_STRINGS + size);
	fake_put32(bytes, SPEC(72), size);
	fake_put64(bytes, FAKE_SECTION(2) + 32, FAKE_STRINGS + size);
	fake_put32(bytes, FAKE_NEED(2) + 8, STRING(FAKE_STRINGS_SIZE));
	assert_int_equal(read_file(bytes, FAKE_SIZE), 0);
	assert_int_equal(strlen(app.spec.needs[2].fallback), 127);
	bytes[SPEC(STRING(FAKE_STRINGS_SIZE)) + 127] = 'v';
	expect_error(read_file(bytes, FAKE_SIZE), ERR_INVALID,
	             "a fallback of its spec is longer than 127 bytes");
}

static void a_script_is_read(void **state)
{
	static uint8_t bytes[FAKE_SIZE];

	(void)state;
	app_file_fake(bytes);
	app_file_fake_script(bytes);
	assert_int_equal(app_file_read(&app, (struct span){ bytes, FAKE_SIZE }), 0);
	assert_string_equal(app.spec.runtime, "fake");
	assert_null(app.spec.main);
	assert_int_equal(app.rodata.address, SCRIPT_ADDRESS);
	assert_int_equal(app.rodata.size, 0x100);
	assert_int_equal(app.text.size, 0);
	assert_int_equal(app.data.size, 0);
	assert_int_equal(app.symbols.len, 0);
}

static void check_script_error(const char *text, struct change change)
{
	static uint8_t bytes[FAKE_SIZE];

	app_file_fake(bytes);
	app_file_fake_script(bytes);
	apply(bytes, &change);
	expect_error(read_file(bytes, FAKE_SIZE), ERR_INVALID, text);
}

static void a_script_has_nothing_else(void **state)
{
	(void)state;
	check_script_error("has text or data of its own", AT(4, FAKE_SEGMENT(0), 1));
	check_script_error("has text or data of its own", AT(4, FAKE_SEGMENT(2), 1));
	check_script_error("its script is 0 bytes at 0; a script is read-only data at 0x10000000",
	                   AT(4, FAKE_SEGMENT(1), 0));
	check_script_error("its script is 0x100 bytes at 0x20000000",
	                   AT(8, FAKE_SEGMENT(1) + 16, 0x20000000));
	check_script_error("its entry (0x10000000) and its thread return (0) are not 0",
	                   AT(8, 24, SCRIPT_ADDRESS));
	check_script_error("its thread return (0x8) are not 0", AT(8, SPEC(40), 8));
	check_script_error("it is a script, and has the section .starina.symbols",
	                   AT(4, FAKE_SECTION(3) + 4, 1));
	check_script_error("the runtime of its spec is at 0x7", AT(4, SPEC(76), 7));
	check_script_error("the runtime of its spec is empty", AT(4, SPEC(76), STRING(70)));
	check_script_error("\"virtio,mmio\" is not a name for an app", AT(4, SPEC(76), STRING(10)));
	// Without a runtime it is nothing.
	check_script_error("it has no text", AT(4, SPEC(76), 0));
}

static void needs_and_services(void **state)
{
	(void)state;
	REFUSED("need 1 of its spec is of the unknown kind 0", AT(4, FAKE_NEED(0), 0));
	REFUSED("need 4 of its spec is of the unknown kind 8", AT(4, FAKE_NEED(3), 8));
	REFUSED("need 1 of its spec has a fallback", AT(4, FAKE_NEED(0) + 8, STRING(0)));
	REFUSED("need 2 of its spec has a fallback", AT(4, FAKE_NEED(1) + 12, 2));
	REFUSED2("its spec needs echo twice", AT(4, FAKE_NEED(1), NEED_SERVICE),
	         AT(4, FAKE_NEED(1) + 4, STRING(5)));
	REFUSED("the name of a need of its spec is at 0", AT(4, FAKE_NEED(3), NEED_KEPT));
	REFUSED("its spec needs the system twice", AT(4, FAKE_NEED(1), NEED_SYSTEM));
	REFUSED("its spec provides \"fake\" twice", AT(4, FAKE_PROVIDE(1), STRING(0)));
	// A need of the system may have a name, one of a service must.
	REFUSED("the name of a need of its spec is at 0", AT(4, FAKE_NEED(0) + 4, 0));
}

static void function_names(void **state)
{
	const size_t at = FAKE_SYMBOLS;

	(void)state;
	REFUSED("has no header", AT(8, FAKE_SECTION(3) + 32, 7));
	REFUSED("has no header", AT(4, at + 4, 1));
	REFUSED("its table of 5 function names is larger", AT(4, at, 5));
	REFUSED("its table of 4294967295 function names is larger", AT(4, at, UINT32_MAX));
	REFUSED("is not aligned to 8 bytes", AT(8, FAKE_SECTION(3) + 24, FAKE_SYMBOLS + 60));
	REFUSED("not in ascending order (number 1)", AT(4, at + 16, 0x10));
	REFUSED("its function name 1 is of 0x200 bytes into the text", AT(4, at + 16, 0x200));
	REFUSED("its function name 0, at 0x17", AT(4, at + 12, 23));
	REFUSED("its function name 0, at 0x2a", AT(4, at + 12, 42));
	REFUSED("its function name 0, at 0xffffffff", AT(4, at + 12, UINT32_MAX));
	REFUSED("its function name 1, at 0x22", AT(1, at + 36, '\n'));
	REFUSED("its function name 1, at 0x22", AT(1, at + 41, 'x'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_read),
		cmocka_unit_test(segments_are_described),
		cmocka_unit_test(what_may_be_missing),
		cmocka_unit_test(a_truncated_file_is_refused_at_each_length),
		cmocka_unit_test(a_huge_file_is_refused),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(tables_are_within_the_file),
		cmocka_unit_test(permissions_of_segments),
		cmocka_unit_test(sizes_of_segments),
		cmocka_unit_test(places_of_segments),
		cmocka_unit_test(addresses_in_the_text),
		cmocka_unit_test(sections),
		cmocka_unit_test(versions),
		cmocka_unit_test(numbers_of_the_spec),
		cmocka_unit_test(strings_of_the_spec),
		cmocka_unit_test(a_fallback_may_not_be_longer_than_a_value),
		cmocka_unit_test(a_script_is_read),
		cmocka_unit_test(a_script_has_nothing_else),
		cmocka_unit_test(needs_and_services),
		cmocka_unit_test(function_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
