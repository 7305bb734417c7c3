// SPDX-License-Identifier: MIT
// What the system's container writes: frames, lines, and what a line says; and logins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/login.h"
#include "apps/images/output.h"

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" DIGITS

static void note(void *context, enum output_stream stream, struct span text)
{
	char *said = context;

	sprintf(said + strlen(said), "%d:%.*s;", stream, (int)text.len, (const char *)text.data);
}

// However they are cut into pieces.
static void test_frames(void **state)
{
	static const uint8_t bytes[] =
		"\1\0\0\0\0\0\0\6one\ntw\2\0\0\0\0\0\0\4err\n\1\0\0\0\0\0\0\2o\n"
		"\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1z";
	char said[200];

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece++) {
		struct output *output = calloc(1, sizeof(*output));

		said[0] = '\0';
		output->line = note;
		output->context = said;
		for (size_t at = 0; at < sizeof(bytes) - 1; at += piece) {
			size_t left = sizeof(bytes) - 1 - at;
			struct span span = { .data = bytes + at,
				             .len = left < piece ? left : piece };

			assert_int_equal(output_take(output, span), 0);
		}
		output_end(output);
		assert_string_equal(said, "1:one;2:err;1:two;1:z;");
		free(output);
	}
}

static void test_other_frames(void **state)
{
	static const uint8_t bytes[] = "\3\0\0\0\0\0\0\1x";
	struct output *output = calloc(1, sizeof(*output));

	(void)state;
	assert_int_equal(output_take(output, (struct span){ bytes, sizeof(bytes) - 1 }),
	                 ERR_PROTOCOL);
	free(output);
}

static enum line_kind kind_of(const char *text)
{
	struct line line;

	line_read(text_span(text), &line);
	line_deinit(&line);
	return line.kind;
}

static void test_lines(void **state)
{
	static const char *const none[] = {
		"",
		"text",
		"[1]",
		"{\"a\":}",
		"{\"error\":5}",
		"{\"image\":{}}",
		"{\"image\":{\"id\":\"sha256:1\"}}",
		"{\"image\":{\"id\":\"" DIGEST "\",\"references\":[\"a b\"]}}",
		"{\"image\":{\"id\":\"" DIGEST "\",\"references\":[\"../x\"]}}",
		"{\"image\":{\"id\":\"../" DIGITS "\"}}",
		"{\"image\":{\"unchanged\":true,\"id\":\"" DIGEST "\"}}",
		"{\"status\":\"a\"} {}",
		"{\"layer\":{}}",
		"{\"layer\":{\"digest\":\"" DIGEST "\"}}",
		"{\"layer\":{\"do\":\"get\"}}",
		"{\"layer\":{\"digest\":\"../" DIGITS "\",\"do\":\"get\"}}",
		"{\"layer\":{\"digest\":\"" DIGEST "\",\"do\":\"other\"}}",
	};
	struct line line;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (kind_of(none[i]) != LINE_NONE)
			fail_msg("%s is taken", none[i]);
	assert_int_equal(kind_of("{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1}}"),
	                 LINE_PROGRESS);
	line_read(text_span("{\"error\":\"manifest unknown\"}"), &line);
	assert_int_equal(line.kind, LINE_ERROR);
	assert_string_equal(line.error, "manifest unknown");
	line_deinit(&line);
	line_read(text_span("{\"image\":{\"id\":\"" DIGEST "\",\"digest\":\"" DIGEST
	                    "\",\"references\":[\"a:1\",\"docker.io/library/b:2\"],\"size\":5}}"),
	          &line);
	assert_int_equal(line.kind, LINE_IMAGE);
	assert_string_equal(line.id, DIGEST);
	assert_int_equal(line.references.count, 2);
	assert_string_equal(line.references.items[0], "docker.io/library/a:1");
	line_deinit(&line);
	line_read(text_span("{\"image\":{\"references\":[\"a:1\"],\"digest\":\"" DIGEST
	                    "\",\"unchanged\":true}}"),
	          &line);
	assert_true(line.kind == LINE_IMAGE && line.is_unchanged);
	line_deinit(&line);
	line_read(text_span("{\"layer\":{\"do\":\"keep\",\"digest\":\"" DIGEST "\"}}"), &line);
	assert_true(line.kind == LINE_LAYER && line.verb == LAYER_KEEP);
	assert_string_equal(line.layer, DIGEST);
	line_deinit(&line);
}

static void test_login(void **state)
{
	static const struct {
		const char *field, *text;
	} logins[] = {
		{ "", "{}\n" },
		{ "e30=", "{}\n" },
		{ "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6Ij8_In0",
		  "{\"username\":\"u\",\"password\":\"??\"}\n" },
		{ "e30!", NULL },
		{ "W10=", NULL },
		{ "ewp9", NULL },
		{ "e30x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		char *text = login_read(text_span(logins[i].field));

		if (logins[i].text == NULL)
			assert_null(text);
		else
			assert_string_equal(text, logins[i].text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_other_frames),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
