// SPDX-License-Identifier: MIT
#include "kernel/debug/symbols.h"

// cmocka.h needs these.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// What the linker script defines: this image has no table of its own.
const uint8_t __symbols_start[1], __symbols_end[1], __text_start[1], __text_end[1];

#define BASE 0x10000u
#define SIZE 0x1000u

// kernel/debug/symbols.c says what it looks like.
static const struct {
	uint32_t count;
	uint32_t reserved;
	struct {
		uint32_t address;
		uint32_t name;
	} entries[3];
	char names[16];
} table = { 3, 0, { { 0x10, 32 }, { 0x20, 36 }, { 0x800, 41 } }, "one\0four\0last" };

static const char *find(uintptr_t pc, uintptr_t *offset)
{
	const struct symbol_source source = { (const uint8_t *)&table, SIZE_MAX, BASE, SIZE };

	return symbol_find_in(&source, pc, offset);
}

static void test_what_an_address_is_in(void **state)
{
	uintptr_t offset = 0;

	(void)state;
	assert_string_equal(find(BASE + 0x10, &offset), "one");
	assert_int_equal(offset, 0);
	assert_string_equal(find(BASE + 0x1f, &offset), "one");
	assert_int_equal(offset, 0xf);
	assert_string_equal(find(BASE + 0x20, &offset), "four");
	assert_int_equal(offset, 0);
	assert_string_equal(find(BASE + SIZE - 1, &offset), "last");
	assert_int_equal(offset, 0x7ff);
}

static void test_what_is_in_none(void **state)
{
	static const uint8_t empty[8] __attribute__((aligned(8)));
	const struct symbol_source nothing = { empty, SIZE_MAX, BASE, SIZE };
	uintptr_t offset = 7;

	(void)state;
	assert_null(find(0, &offset));
	assert_null(find(BASE - 1, &offset));
	assert_null(find(BASE, &offset));
	assert_null(find(BASE + 0xf, &offset));
	assert_null(find(BASE + SIZE, &offset));
	assert_null(find(UINTPTR_MAX, &offset));
	assert_null(symbol_find_in(&nothing, BASE + 0x20, &offset));
	assert_int_equal(offset, 7);
}

// A loaded app's table is the bytes of a stranger.
static void test_tables_that_are_wrong(void **state)
{
	struct symbol_source source = { (const uint8_t *)&table, sizeof(table), BASE, SIZE };
	uint8_t bytes[sizeof(table)] __attribute__((aligned(8)));
	uintptr_t offset = 7;

	(void)state;
	assert_string_equal(symbol_find_in(&source, BASE + 0x10, &offset), "one");
	// More entries than there is room for, names that do not end, a table that is cut.
	source.table = bytes;
	for (size_t cut = 0; cut < sizeof(table); cut++) {
		__builtin_memcpy(bytes, &table, sizeof(table));
		source.table_size = cut;
		// Each of them ends with a name's NUL, or has none.
		if (cut < sizeof(table) - 1 && bytes[cut == 0 ? 0 : cut - 1] != 0)
			assert_null(symbol_find_in(&source, BASE + 0x800, &offset));
	}
	source.table_size = sizeof(table);
	bytes[sizeof(table) - 1] = 'x';
	assert_null(symbol_find_in(&source, BASE + 0x10, &offset));
	bytes[sizeof(table) - 1] = 0;
	for (size_t i = 0; i < 4; i++)
		bytes[i] = 0xff;
	assert_null(symbol_find_in(&source, BASE + 0x10, &offset));
	bytes[0] = 3;
	bytes[1] = bytes[2] = bytes[3] = 0;
	bytes[12] = sizeof(table);  // where the first name is
	assert_null(symbol_find_in(&source, BASE + 0x10, &offset));
	source.table = NULL;
	assert_null(symbol_find_in(&source, BASE + 0x10, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_address_is_in),
		cmocka_unit_test(test_what_is_in_none),
		cmocka_unit_test(test_tables_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
