// SPDX-License-Identifier: MIT
//
// What a virtual machine writes of an image's files, in pieces of any size, and what is none of it.
#include "apps/images/save_export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct save_export export;
static uint64_t size;
static char layer[32];
static size_t length;
static unsigned num_ends;
static uint8_t digest[SHA256_SIZE];

static bool begin(void *context, uint64_t bytes)
{
	(void)context;
	size = bytes;
	return true;
}

static void take_some(void *context, struct span some)
{
	(void)context;
	assert_true(length + some.len <= sizeof(layer));
	memcpy(layer + length, some.data, some.len);
	length += some.len;
}

static bool end(void *context, const uint8_t bytes[SHA256_SIZE])
{
	(void)context;
	memcpy(digest, bytes, sizeof(digest));
	num_ends++;
	return true;
}

static const struct save_export_ops ops = { begin, take_some, end };

static void start(void)
{
	size = 0;
	length = 0;
	num_ends = 0;
	save_export_begin(&export);
}

static bool take(const char *text, size_t len)
{
	return save_export_take(&export, span_make(text, len), &ops, NULL);
}

static void in_pieces(void **state)
{
	static const char text[] = "\0\0\0\1"
				   "1"
				   "\0\0\0\1"
				   "1"
				   "\0\0\0\0"
				   "\0\0\0\5"
				   "hello"
				   "\0\0\0\6"
				   " world"
				   "\0\0\0\0";
	// SHA-256 of "hello world".
	static const uint8_t sum[] = { 0xb9, 0x4d, 0x27, 0xb9 };

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		start();
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t left = sizeof(text) - 1 - at;

			assert_true(take(text + at, left < piece ? left : piece));
		}
		assert_int_equal(export.part, SAVE_EXPORT_DONE);
		assert_int_equal(size, 11);
		assert_int_equal(length, 11);
		assert_memory_equal(layer, "hello world", 11);
		assert_int_equal(num_ends, 1);
		assert_memory_equal(digest, sum, sizeof(sum));
		assert_false(take("\0\0\0\1x", 5));
	}
}

#define CASE(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

static void nonsense(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		CASE("\0\0\0\1x\0\0\0\0"),  // no number
		CASE("\0\0\0\0"),           // none at all
		CASE("\0\0\0\x18"
		     "012345678901234567890123"),  // too long a one
		CASE("\0\0\0\1"
		     "1\0\0\0\0\0\0\0\2xy"),  // more than its size
		CASE("\0\0\0\1"
		     "2\0\0\0\0\0\0\0\1x\0\0\0\0"),  // less
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		assert_false(take(cases[i].text, cases[i].len));
		assert_int_equal(num_ends, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
