// SPDX-License-Identifier: MIT
//
// The examples of FIPS 180-4's publisher, and pieces of every length.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libs/base/sha256.h"

static void expect(const char *bytes, size_t len, size_t piece, const char *hex)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	struct sha256 hash;

	sha256_init(&hash);
	for (size_t at = 0; at < len; at += piece)
		sha256_update(&hash, bytes + at, len - at < piece ? len - at : piece);
	sha256_finish(&hash, digest);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, hex);
}

static void test_examples(void **state)
{
	(void)state;
	expect("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 5,
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_pieces(void **state)
{
	static char bytes[1000];

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	for (size_t piece = 1; piece <= sizeof(bytes); piece += piece < 200 ? 1 : 100)
		expect(bytes, sizeof(bytes), piece,
		       "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
