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
	return symbol_find_in((const uint8_t *)&table, BASE, SIZE, pc, offset);
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
	uintptr_t offset = 7;

	(void)state;
	assert_null(find(0, &offset));
	assert_null(find(BASE - 1, &offset));
	assert_null(find(BASE, &offset));
	assert_null(find(BASE + 0xf, &offset));
	assert_null(find(BASE + SIZE, &offset));
	assert_null(find(UINTPTR_MAX, &offset));
	assert_null(symbol_find_in(empty, BASE, SIZE, BASE + 0x20, &offset));
	assert_int_equal(offset, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_address_is_in),
		cmocka_unit_test(test_what_is_in_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
