// SPDX-License-Identifier: MIT
// Bodies of POST /containers/NAME/exec and POST /exec/ID/start.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/exec_settings.h"

// What docker 28's `exec -it -u 1000 -w /tmp -e A=b` sends.
static void test_docker(void **state)
{
	static const char body[] =
		"{\"User\":\"1000\",\"Privileged\":false,\"Tty\":true,\"ConsoleSize\":[24,80],"
		"\"AttachStdin\":true,\"AttachStderr\":true,\"AttachStdout\":true,\"DetachKeys\":\"\","
		"\"Env\":[\"A=b\"],\"WorkingDir\":\"/tmp\",\"Cmd\":[\"sh\",\"-c\",\"true\"]}";
	char error[SETTINGS_ERROR_MAX];
	struct exec_settings s;

	(void)state;
	assert_int_equal(exec_settings_parse(&s, text_span(body), error), 0);
	assert_string_equal(s.user, "1000");
	assert_string_equal(s.workdir, "/tmp");
	assert_int_equal(s.cmd.count, 3);
	assert_string_equal(s.env.items[0], "A=b");
	assert_true(s.tty && s.attach_stdin && s.attach_stdout && s.attach_stderr);
	assert_int_equal(s.console_size[0], 24);
	assert_int_equal(s.console_size[1], 80);
	exec_settings_deinit(&s);
	assert_null(s.user);
}

static void test_refused(void **state)
{
	static const struct {
		const char *body;
		const char *says;
	} cases[] = {
		{ "", "not a JSON object" },
		{ "{}", "No exec command specified" },
		{ "{\"Cmd\":[]}", "No exec command specified" },
		{ "{\"Cmd\":[\"x\"],\"Privileged\":1}", "Privileged" },
		{ "{\"Cmd\":[\"x\"],\"Env\":[\"=b\"]}", "Env" },
		{ "{\"Cmd\":[\"x\"],\"Other\":1}", "Other is not supported" },
		{ "{\"Cmd\":[1]}", "Cmd" },
		{ "{\"Cmd\":[\"x\"],\"Tty\":1}", "Tty" },
		{ "{\"Cmd\":[\"x\"],\"ConsoleSize\":[1,2,3]}", "ConsoleSize" },
		{ "{\"Cmd\":[\"x\"],\"ConsoleSize\":[70000,2]}", "ConsoleSize" },
		{ "{\"Cmd\":[\"x\"]}x", "unexpected content after JSON" },
	};
	char error[SETTINGS_ERROR_MAX];
	struct exec_settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(exec_settings_parse(&s, text_span(cases[i].body), error) < 0);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, error);
		assert_null(s.cmd.items);
	}
}

static void test_start(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct exec_start start;

	(void)state;
	assert_int_equal(exec_start_parse(&start, text_span(""), error), 0);
	assert_false(start.detach);
	assert_int_equal(
		exec_start_parse(&start, text_span("{\"Detach\":true,\"Tty\":false}"), error), 0);
	assert_true(start.detach);
	assert_int_equal(
		exec_start_parse(&start, text_span("{\"ConsoleSize\":[1,2],\"Tty\":true}"), error),
		0);
	assert_true(start.tty && !start.detach);
	assert_int_equal(start.console_size[1], 2);
	assert_true(exec_start_parse(&start, text_span("{\"Detach\":2}"), error) < 0);
	assert_true(exec_start_parse(&start, text_span("["), error) < 0);
}

static void check_keys(const char *text, uint32_t count, const char *keys)
{
	struct vmm_detach_keys read;

	assert_true(detach_keys_read(text, &read));
	assert_int_equal(read.count, count);
	assert_memory_equal(read.keys, keys, count);
}

static void reads_detach_keys(void **state)
{
	static const char *const bad[] = { "ctrl-",  "ctrl-A",
		                           "ctrl-@", "alt-x",
		                           "a,",     ",a",
		                           "ab",     "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a" };
	struct vmm_detach_keys keys;
	char error[SETTINGS_ERROR_MAX];
	struct exec_settings s;

	(void)state;
	check_keys(NULL, 2, "\x10\x11");
	check_keys("", 2, "\x10\x11");
	check_keys("ctrl-p", 1, "\x10");
	check_keys("a,ctrl-[,ctrl-_,ctrl-z", 4, "a\x1b\x1f\x1a");
	check_keys("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", 16, "aaaaaaaaaaaaaaaa");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(detach_keys_read(bad[i], &keys));
	assert_true(exec_settings_parse(&s, text_span("{\"Cmd\":[\"a\"],\"DetachKeys\":\"ab\"}"),
	                                error) < 0);
	assert_string_equal(error, "Invalid escape keys (ab) provided");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_detach_keys),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
