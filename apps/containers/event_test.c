// SPDX-License-Identifier: MIT
// Events as clients read them, and which of them a filter wants.
#include "apps/containers/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_text(void **state)
{
	struct event *event = event_make("container", "die", "0123",
	                                 "{\"exitCode\":\"3\",\"image\":\"a:1\"}",
	                                 5 * NSEC_PER_SEC + 7);

	(void)state;
	assert_string_equal(
		event->text,
		"{\"status\":\"die\",\"id\":\"0123\",\"from\":\"a:1\",\"Type\":\"container\","
		"\"Action\":\"die\",\"Actor\":{\"ID\":\"0123\",\"Attributes\":"
		"{\"exitCode\":\"3\",\"image\":\"a:1\"}},\"scope\":\"local\",\"time\":5,"
		"\"timeNano\":5000000007}\n");
	assert_int_equal(event->length, strlen(event->text));
	event_free(event);
	event = event_make("volume", "create", "v\"", NULL, 0);
	assert_string_equal(
		event->text,
		"{\"Type\":\"volume\",\"Action\":\"create\",\"Actor\":{\"ID\":\"v\\\"\","
		"\"Attributes\":{}},\"scope\":\"local\",\"time\":0,\"timeNano\":0}\n");
	event_free(event);
}

static bool fits(const struct event *event, const char *text)
{
	char error[FILTERS_ERROR_MAX];
	struct filters filters;
	bool result;

	assert_int_equal(filters_parse(&filters, text, event_filters, error), 0);
	result = event_fits(event, &filters);
	filters_deinit(&filters);
	return result;
}

static void test_filters(void **state)
{
	static const char *const good[] = {
		"",
		"{}",
		"{\"type\":[\"container\"]}",
		"{\"type\":{\"container\":true,\"image\":true}}",
		"{\"event\":[\"die\",\"exec_start\"]}",
		"{\"container\":[\"web\"]}",
		"{\"container\":[\"no\",\"0123\"]}",
		"{\"container\":[\"01\"]}",
		"{\"image\":[\"a\"]}",
		"{\"image\":[\"a:1\"]}",
		"{\"label\":[\"x=y\"]}",
		"{\"label\":{\"x\":true}}",
		"{\"scope\":[\"local\"]}",
	};
	static const char *const bad[] = {
		"{\"type\":[\"image\"]}",  "{\"event\":[\"start\"]}",
		"{\"event\":[\"exec\"]}",  "{\"container\":[\"eb\"]}",
		"{\"image\":[\"b\"]}",     "{\"image\":[\"a:\"]}",
		"{\"label\":[\"x=z\"]}",   "{\"label\":[\"x=y\",\"z\"]}",
		"{\"scope\":[\"swarm\"]}", "{\"daemon\":[\"d\"]}",
		"{\"plugin\":[\"web\"]}",  "{\"config\":[\"0123456789\"]}",
		"{\"volume\":[\"web\"]}",  "{\"container\":[\"web\"],\"event\":[\"die\"]}",
	};
	struct event *event = event_make("container", "exec_start: sh -c", "0123456789",
	                                 "{\"x\":\"y\",\"image\":\"a:1\",\"name\":\"web\"}", 1);

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(fits(event, good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fits(event, bad[i]));
	event_free(event);
	event = event_make("image", "pull", "b:2", "{\"name\":\"b\"}", 1);
	assert_true(fits(event, "{\"image\":[\"b:2\"]}"));
	assert_true(fits(event, "{\"image\":[\"b\"]}"));
	assert_false(fits(event, "{\"container\":[\"b\"]}"));
	event_free(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
