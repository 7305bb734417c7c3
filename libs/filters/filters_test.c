// SPDX-License-Identifier: MIT
// Filters of lists, and the patterns that they have.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libs/filters/filters.h"
#include "libs/filters/pattern.h"

static const char *const known[] = { "label", "name", "dangling", "status", NULL };

static void test_both_forms(void **state)
{
	static const char *const texts[] = {
		"{\"label\":[\"a=b\",\"c\"],\"name\":[\"web\"]}",
		" { \"label\" : { \"a=b\" : true , \"c\" : true } , \"name\" : {\"w\\u0065b\":true}} ",
		"{\"label\":[\"a=b\"],\"name\":{\"web\":true},\"label\":{\"c\":false}}",
	};
	char error[FILTERS_ERROR_MAX];
	struct filters f;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(filters_parse(&f, texts[i], known, error), 0);
		assert_string_equal(filters_value(&f, "label", 0), "a=b");
		assert_string_equal(filters_value(&f, "label", 1), "c");
		assert_null(filters_value(&f, "label", 2));
		assert_true(filters_equal(&f, "name", "web"));
		assert_false(filters_equal(&f, "name", "web1"));
		assert_true(filters_match(&f, "name", "my-web-1"));
		assert_true(filters_equal(&f, "status", "any"));
		filters_deinit(&f);
	}
}

static void test_none(void **state)
{
	static const char *const texts[] = {
		NULL, "", "{}", "null", " {\"label\":[]}", "{\"label\":null}"
	};
	char error[FILTERS_ERROR_MAX];
	struct filters f;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(filters_parse(&f, texts[i], known, error), 0);
		assert_true(filters_has_labels(&f, "label", NULL));
		assert_true(filters_lacks_labels(&f, "label", "{\"a\":\"b\"}"));
		filters_deinit(&f);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "{\"color\":[\"red\"]}", "invalid filter 'color'" },
		{ "{\"color\":[]}", "invalid filter 'color'" },
		{ "[]", "invalid filter:" },
		{ "{\"label\":\"a\"}", "invalid filter:" },
		{ "{\"label\":[1]}", "invalid filter:" },
		{ "{\"label\":[\"a\"", "invalid filter:" },
		{ "{\"label\":{\"\\x\":true}}", "invalid filter:" },
		{ "{\"label\":{\"a\\u0000b\":true}}", "invalid filter:" },
		{ "{\"la\\u12xel\":[]}", "invalid filter:" },
		{ "{\"label\":[\"a\"]} x", "invalid filter:" },
		{ "{\"label\":[[\"a\"]]}", "invalid filter:" },
	};
	char error[FILTERS_ERROR_MAX];
	struct filters f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(filters_parse(&f, cases[i].text, known, error), ERR_INVALID);
		assert_memory_equal(error, cases[i].says, strlen(cases[i].says));
		assert_int_equal(f.count, 0);
	}
}

static void test_labels(void **state)
{
	static const char labels[] = "{\"a\":\"b\",\"c\":\"\",\"\\u00e9\":\"x=y\"}";
	static const struct {
		const char *text;
		bool has, lacks;
	} cases[] = {
		{ "{\"label\":[\"a\"]}", true, false },
		{ "{\"label\":[\"a=b\",\"c\"]}", true, false },
		{ "{\"label\":[\"a=b\",\"d\"]}", false, false },
		{ "{\"label\":[\"a=c\"]}", false, true },
		{ "{\"label\":[\"c=\"]}", true, false },
		{ "{\"label\":[\"\\u00e9=x=y\"]}", true, false },
		{ "{\"label\":[\"ab\"]}", false, true },
		{ "{\"label\":[\"\"]}", false, true },
	};
	char error[FILTERS_ERROR_MAX];
	struct filters f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(filters_parse(&f, cases[i].text, known, error), 0);
		assert_int_equal(filters_has_labels(&f, "label", labels), cases[i].has);
		assert_int_equal(filters_lacks_labels(&f, "label", labels), cases[i].lacks);
		assert_false(filters_has_labels(&f, "label", NULL));
		filters_deinit(&f);
	}
}

static void test_switches(void **state)
{
	char error[FILTERS_ERROR_MAX];
	struct filters f;
	bool on = false;

	(void)state;
	assert_int_equal(filters_parse(&f, "{\"dangling\":[\"1\"]}", known, error), 0);
	assert_int_equal(filters_switch(&f, "dangling", false, &on, error), 0);
	assert_true(on);
	assert_int_equal(filters_switch(&f, "label", true, &on, error), 0);
	assert_true(on);
	filters_deinit(&f);
	assert_int_equal(filters_parse(&f, "{\"dangling\":{\"false\":true}}", known, error), 0);
	assert_int_equal(filters_switch(&f, "dangling", true, &on, error), 0);
	assert_false(on);
	filters_deinit(&f);
	assert_int_equal(filters_parse(&f, "{\"dangling\":[\"yes\"]}", known, error), 0);
	assert_int_equal(filters_switch(&f, "dangling", true, &on, error), ERR_INVALID);
	assert_string_equal(error, "invalid filter 'dangling=[yes]'");
	filters_deinit(&f);
}

static void test_until(void **state)
{
	static const char *const keys[] = { "until", NULL };
	static const nsec_t now = 1764400000 * NSEC_PER_SEC;
	static const struct {
		const char *text;
		nsec_t until;
	} cases[] = {
		{ "{}", NSEC_NEVER },
		{ "{\"until\":[\"10m\"]}", now - 600 * NSEC_PER_SEC },
		{ "{\"until\":[\"1h30m5s\"]}", now - 5405 * NSEC_PER_SEC },
		{ "{\"until\":[\"500ms\"]}", now - NSEC_PER_SEC / 2 },
		{ "{\"until\":[\"800000h\"]}", 0 },
		{ "{\"until\":[\"12\"]}", 12 * NSEC_PER_SEC },
		{ "{\"until\":[\"1970-01-02\"]}", 86400 * NSEC_PER_SEC },
		{ "{\"until\":[\"1970-01-01T00:01Z\"]}", 60 * NSEC_PER_SEC },
		{ "{\"until\":[\"1970-01-01T00:00:02.5\"]}", 5 * NSEC_PER_SEC / 2 },
	};
	static const char *const bad[] = { "",     "soon", "-1",  "1x",       "99999999h",
		                           "10mx", "h",    "1 m", "1970-1-1", "1970-01-01T" };
	char error[FILTERS_ERROR_MAX], text[64];
	struct filters f;
	nsec_t until;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(filters_parse(&f, cases[i].text, keys, error), 0);
		assert_int_equal(filters_until(&f, now, &until, error), 0);
		assert_int_equal(until, cases[i].until);
		filters_deinit(&f);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"until\":[\"%s\"]}", bad[i]);
		assert_int_equal(filters_parse(&f, text, keys, error), 0);
		assert_int_equal(filters_until(&f, now, &until, error), ERR_INVALID);
		assert_memory_equal(error, "invalid filter 'until=[", 23);
		filters_deinit(&f);
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "", "", true },
		{ "", "a", true },
		{ "b", "abc", true },
		{ "^b", "abc", false },
		{ "^/?web$", "/web", true },
		{ "^/?web$", "web", true },
		{ "^/?web$", "webs", false },
		{ "^(web|db|)-[0-9]+$", "db-12", true },
		{ "^(web|db|)-[0-9]+$", "-1", true },
		{ "^(web|db|)-[0-9]+$", "dbx-1", false },
		{ "a|b|c", "xxc", true },
		{ "^(?:ab)*c", "ababc", true },
		{ "^(?:ab)*c", "abac", false },
		{ "a+b?c*$", "xaaa", true },
		{ "^a+$", "", false },
		{ "a.c", "abc", true },
		{ "a\\.c", "abc", false },
		{ "^[^a-c]+$", "def", true },
		{ "^[^a-c]+$", "dbf", false },
		{ "^[]a]$", "]", true },
		{ "^[a-]$", "-", true },
		{ "^\\w+\\s\\d\\D$", "ab_1 2x", true },
		{ "()*+a", "a", true },
		{ "(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
		{ "\xc3\xa9", "caf\xc3\xa9", true },
		// None of these is a pattern.
		{ "(", "(", false },
		{ "a)", "a)", false },
		{ "[", "[", false },
		{ "[z-a]", "b", false },
		{ "*", "*", false },
		{ "a{2}", "aa", false },
		{ "\\", "\\", false },
		{ "((((((((((((((((((((a))))))))))))))))))))", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("%s and %s", cases[i].pattern, cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_forms), cmocka_unit_test(test_none),
		cmocka_unit_test(test_refusals),   cmocka_unit_test(test_labels),
		cmocka_unit_test(test_switches),   cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_until),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
