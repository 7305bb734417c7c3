// SPDX-License-Identifier: MIT
// Names of images, and what is known of an image.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/record.h"
#include "apps/images/reference.h"
#include "tools/image/source/reference_grammar.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_names(void **state)
{
	static const struct {
		const char *name, *full, *familiar;
		size_t repository;
	} names[] = {
		{ "alpine", "docker.io/library/alpine:latest", "alpine:latest", 24 },
		{ "me/app:1", "docker.io/me/app:1", "me/app:1", 16 },
		{ "localhost:5000/a/b:2", "localhost:5000/a/b:2", "localhost:5000/a/b:2", 18 },
		{ "quay.io/a--b/c__d.e", "quay.io/a--b/c__d.e:latest", "quay.io/a--b/c__d.e:latest",
		  19 },
		{ "alpine@" DIGEST, "docker.io/library/alpine@" DIGEST, "alpine@" DIGEST, 24 },
		{ "my-host.example:1/x", "my-host.example:1/x:latest", "my-host.example:1/x:latest",
		  19 },
	};
	static const char *const none[] = { "",       "/",      "a:/b",   "a/",     "a//b",
		                            "me/A",   "a..b/c", "a b",    "a:b/c:", "a:-x",
		                            "-a/b",   "a_/b",   "a___b",  "a._b",   "a@sha256:12",
		                            "a.:1/b", "a:1x/b", "a/b:c:d" };
	char full[IMAGE_NAME_MAX];
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(reference_parse(names[i].name, full, &text), 0);
		assert_string_equal(full, names[i].full);
		assert_string_equal(reference_familiar(full), names[i].familiar);
		assert_int_equal(reference_repository(full), names[i].repository);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (reference_parse(none[i], full, &text) == 0)
			fail_msg("%s is taken as %s", none[i], full);
		assert_non_null(strstr(text, "invalid reference format"));
	}
}

static bool is_taken(const char *name)
{
	char full[IMAGE_NAME_MAX];
	const char *text;

	return reference_parse(name, full, &text) == 0;
}

static void test_grammar(void **state)
{
	char *name = grammar_walk(is_taken);

	(void)state;
	if (name != NULL)
		fail_msg("%s is%s taken", name, is_taken(name) ? "" : " not");
}

static void count(void *context, struct span element)
{
	(void)element;
	++*(size_t *)context;
}

static void test_record(void **state)
{
	static const char text[] =
		"{\"id\":\"" DIGEST
		"\",\"name\":\"a\",\"num_sectors\":8,\"created\":\"2024-01-01T00:00:00Z\","
		"\"history\":[ {} , 5,null],\"x\":[1,{\"y\":2}],\"config\": {\"Env\":[\"A=b\"],\"Labels\":{\"a\":\"b\"}} }";
	static const char *const bad[] = {
		"",
		"[]",
		"{\"config\":5}",
		"{\"history\":{}}",
		"{\"created\":7}",
		"{\"size\":-1}",
		"{\"id\":5}",
		"{} {}",
		"{\"name\":\"",
	};
	struct record record;
	size_t elements = 0;

	(void)state;
	assert_int_equal(record_read(text_span(text), &record), 0);
	assert_true(record_is_digest(record.id));
	assert_int_equal(record.num_sectors, 8);
	assert_memory_equal(record.created.data, "\"2024-01-01T00:00:00Z\"", record.created.len);
	record_elements(record.history, count, &elements);
	assert_int_equal(elements, 2);
	assert_memory_equal(record_member(record.config, "Labels").data, "{\"a\":\"b\"}", 9);
	assert_int_equal(record_member(record.config, "nosuch").len, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(record_read(text_span(bad[i]), &record), ERR_PROTOCOL);
	assert_false(record_is_digest("sha256:0"));
	assert_false(record_is_digest(DIGEST "0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
