// SPDX-License-Identifier: MIT
// What a container runs, of its own settings and its image's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"

static void join(char *text, const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (text[0] != '\0')
			strcat(text, "|");
		strcat(text, list->items[i]);
	}
}

// Of an image with the Entrypoint `entrypoint` and the Cmd ["c"].
static void expect(const char *entrypoint, const char *body, const char *words)
{
	struct image image = { .name = "x" };
	char error[SETTINGS_ERROR_MAX], text[64] = "";
	struct settings settings;
	struct command command;

	assert_int_equal(settings_parse(&settings, text_span(body), error), 0);
	assert_int_equal(string_list_add(&image.cmd, "c"), 0);
	if (entrypoint != NULL)
		assert_int_equal(string_list_add(&image.entrypoint, entrypoint), 0);
	command = config_command(&settings, &image);
	join(text, command.entrypoint);
	join(text, command.cmd);
	assert_string_equal(text, words);
	string_list_deinit(&image.cmd);
	string_list_deinit(&image.entrypoint);
	settings_deinit(&settings);
}

static void test_docker_rules(void **state)
{
	(void)state;
	expect("e", "{\"Image\":\"x\"}", "e|c");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":null,\"Cmd\":[]}", "e|c");
	expect("e", "{\"Image\":\"x\",\"Cmd\":[\"a\",\"b\"]}", "e|a|b");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":[\"f\"]}", "f");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":\"f\",\"Cmd\":\"a b\"}", "f|a b");
}

// As compose sends `entrypoint: []`, and docker `--entrypoint ""`.
static void test_entrypoint_is_taken_away(void **state)
{
	(void)state;
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":[]}", "c");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":[],\"Cmd\":[\"a\"]}", "a");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":[\"\"],\"Cmd\":[\"a\"]}", "a");
	expect("e", "{\"Image\":\"x\",\"Entrypoint\":[\"\"]}", "");
	expect("", "{\"Image\":\"x\"}", "c");
	expect(NULL, "{\"Image\":\"x\",\"Cmd\":[\"\"]}", "");
}

static bool shows(const char *body)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings settings;
	struct command command;
	bool shown;

	assert_int_equal(settings_parse(&settings, text_span(body), error), 0);
	command = config_command(&settings, NULL);
	shown = config_shows_entrypoint(&settings, &command);
	settings_deinit(&settings);
	return shown;
}

static void test_entrypoint_is_shown(void **state)
{
	(void)state;
	assert_true(shows("{\"Image\":\"x\",\"Entrypoint\":[\"f\"]}"));
	assert_true(shows("{\"Image\":\"x\",\"Entrypoint\":[]}"));
	assert_false(shows("{\"Image\":\"x\",\"Entrypoint\":[\"\"]}"));
	assert_false(shows("{\"Image\":\"x\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_rules),
		cmocka_unit_test(test_entrypoint_is_taken_away),
		cmocka_unit_test(test_entrypoint_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
