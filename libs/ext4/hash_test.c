// SPDX-License-Identifier: MIT
// What debugfs says of the same names: debugfs -R "dx_hash -h VERSION -s SEED NAME".
#include "libs/ext4/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t seed[4] = { 0x67452301, 0xefcdab89, 0x67452301, 0xefcdab89 };

static const struct {
	const char *name;
	uint32_t hashes[3];  // by version
} cases[] = {
	{ "a", { 0xe74b53e2, 0x35dc0cc4, 0x6d0ea4c0 } },
	{ "hello", { 0x32252546, 0xa26e4a80, 0x6f5bb1a8 } },
	{ "a-much-longer-name-than-sixteen", { 0xb3767a88, 0xce6c213c, 0xd6911a00 } },
	{ "this is a really long file name that is longer than sixty four bytes, so it takes "
	  "several rounds.txt",
	  { 0xfc78ed9a, 0x8d34b9f4, 0x0674ed38 } },
	{ "\xc3\xa4\xff\x80"
	  "bc",
	  { 0x422b6fae, 0x2a34b640, 0xb28d7a42 } },
};

static void hashes_are_those_of_debugfs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span name = text_span(cases[i].name);

		for (uint32_t version = 0; version < 3; version++)
			assert_int_equal(name_hash(name, version, seed).major,
			                 cases[i].hashes[version] & ~1u);
	}
}

// ASCII names have the same ones in both.
static void characters_may_be_unsigned(void **state)
{
	const struct span ascii = { (const uint8_t *)"hello", 5 };
	const struct span other = { (const uint8_t *)"\xff\x80", 2 };

	(void)state;
	for (uint32_t version = 0; version < 3; version++) {
		assert_int_equal(name_hash(ascii, version, seed).major,
		                 name_hash(ascii, version + HASH_UNSIGNED, seed).major);
		assert_int_not_equal(name_hash(other, version, seed).major,
		                     name_hash(other, version + HASH_UNSIGNED, seed).major);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_debugfs),
		cmocka_unit_test(characters_may_be_unsigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
