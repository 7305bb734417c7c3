// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "libs/base/string.h"
#include "libs/http/chunked.h"

static char body[256];
static size_t body_len;
static size_t rest_len;

// Decodes `text` in pieces of `step` bytes into `body`. Returns the first error.
static error_t decode(const char *text, size_t step, struct http_chunked *d)
{
	size_t len = strlen(text);

	*d = (struct http_chunked){ 0 };
	body_len = 0;
	rest_len = 0;
	for (size_t at = 0; at < len; at += step) {
		struct span in = { .data = (const uint8_t *)text + at,
			           .len = step < len - at ? step : len - at };

		while (in.len > 0 && d->state != HTTP_CHUNK_END) {
			struct span data;
			error_t err = http_chunked_take(d, &in, &data);

			if (err)
				return err;
			memcpy(body + body_len, data.data, data.len);
			body_len += data.len;
		}
		rest_len += in.len;
	}
	return 0;
}

static void decodes_in_any_pieces(void **state)
{
	const char *text =
		"5\r\nhello\r\n00a;name=\"v\"\r\n, \r\nworld.\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET /";
	struct http_chunked d;

	(void)state;
	for (size_t step = 1; step <= strlen(text); step++) {
		assert_int_equal(decode(text, step, &d), 0);
		assert_int_equal(d.state, HTTP_CHUNK_END);
		assert_int_equal(body_len, 15);
		assert_memory_equal(body, "hello, \r\nworld.", 15);
		assert_int_equal(rest_len, 5);
	}
}

static void waits_for_the_end(void **state)
{
	const char *text = "3\r\nabc\r\n0\r\n\r\n";
	struct http_chunked d;
	char cut[32];

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		assert_int_equal(decode(cut, 4, &d), 0);
		assert_int_not_equal(d.state, HTTP_CHUNK_END);
	}
}

static void refuses_what_is_malformed(void **state)
{
	static const char *const bad[] = {
		"\r\n",        "g\r\n",
		"-1\r\n",      "+1\r\na",
		"0x1\r\na",    "1\na\r\n",
		"1\r\nab\r\n", "1\r\na\n",
		"1\r\na\rx",   "1 x\nq",
		"0\r\n\rx",    "0\r\na: b\n\r\n",
		"1\rxa",       "10000000000000000\r\n",
		"0\r\n\n",     ";x\r\n",
	};
	struct http_chunked d;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (decode(bad[i], 1, &d) != ERR_PROTOCOL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void bounds_what_is_not_data(void **state)
{
	static char text[HTTP_MAX_CHUNK_LINE + 16];
	struct http_chunked d;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "1;", 2);
	assert_int_equal(decode(text, 100, &d), ERR_PROTOCOL);
	memset(text, '0', sizeof(text) - 1);
	assert_int_equal(decode(text, 100, &d), ERR_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_in_any_pieces),
		cmocka_unit_test(waits_for_the_end),
		cmocka_unit_test(refuses_what_is_malformed),
		cmocka_unit_test(bounds_what_is_not_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
