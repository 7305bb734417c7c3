// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/system/docker_words.h"
#include "tools/system/network.h"
#include "tools/system/registry_access.h"

static void assert_words(const char *name, const char *said, const char *expected)
{
	struct error err;

	snprintf(err.text, sizeof(err.text), "%s", said);
	docker_words(name, &err);
	assert_string_equal(err.text, expected);
}

static void errors_are_said_as_docker_says_them(void **state)
{
	(void)state;
	assert_words("docker.io/library/a:1", "reading manifest 1: manifest unknown",
	             "manifest for a:1 not found: manifest unknown: manifest unknown");
	assert_words("docker.io/b/c:1", "x: unauthorized: authentication required",
	             "pull access denied for b/c, repository does not exist or may require "
	             "'docker login': denied: requested access to the resource is denied");
	assert_words("h:5000/c@sha256:0", "name unknown: x",
	             "repository h:5000/c not found: name unknown: repository name not known to "
	             "registry");
	assert_words("h:5000/c:1",
	             "pinging container registry h:5000: Get \"http://h:5000/v2/\": x",
	             "Get \"http://h:5000/v2/\": x");
	assert_words("h:5000/c:1", "something else", "something else");
}

static void a_registry_is_called_as_the_user_does(void **state)
{
	struct error err = { "Get \"http://10.0.2.2:1/v2/\": dial tcp 10.0.2.2:1: refused" };

	(void)state;
	registry_access_rename("10.0.2.2:1/x:2", "localhost:1/x:2", &err);
	assert_string_equal(err.text,
	                    "Get \"http://localhost:1/v2/\": dial tcp localhost:1: refused");
	registry_access_rename("10.0.2.2:1/x:2", "localhost:1/x:2", &err);
	assert_string_equal(err.text,
	                    "Get \"http://localhost:1/v2/\": dial tcp localhost:1: refused");
}

// What is in the file for skopeo after `text` came as credentials; NULL: there is none.
static const char *credentials(const char *text)
{
	static char content[1024];
	struct error err;
	FILE *file;
	int fds[2];

	unsetenv("REGISTRY_AUTH_FILE");
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fds[1]);
	assert_int_equal(registry_access_credentials(fds[0], "h:5000/a/b:1", &err), 0);
	close(fds[0]);
	if (!getenv("REGISTRY_AUTH_FILE"))
		return NULL;
	file = fopen(getenv("REGISTRY_AUTH_FILE"), "re");
	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	registry_access_forget();
	assert_int_equal(access(getenv("REGISTRY_AUTH_FILE"), F_OK), -1);
	return content;
}

static void too_long_credentials_are_told_the_limit(void **state)
{
	static char text[REGISTRY_ACCESS_MAX];
	json_t *object;
	struct error err;
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, sizeof(text)), sizeof(text));
	close(fds[1]);
	assert_int_equal(registry_access_read(fds[0], &object, &err), -1);
	close(fds[0]);
	assert_null(object);
	assert_string_equal(err.text, "the credentials are longer than 65535 bytes");
}

// Where a test, or a user, has its own files.
static void what_wget_says_is_said_in_docker_s_words(void **state)
{
	static const char *const words[][2] = {
		{ "wget: 2026-11-30 09:50:41 ERROR 404: File not found.",
		  "failed to GET https://h/x with status 404 File not found" },
		{ "wget: failed: Connection refused.",
		  "Get \"https://h/x\": failed: Connection refused." },
		{ "wget: wget: unable to resolve host address 'h'",
		  "Get \"https://h/x\": wget: unable to resolve host address 'h'" },
		{ "wget: wget ended with status 4", "Get \"https://h/x\": unexpected EOF" },
		{ "wget: ERROR 404", "Get \"https://h/x\": ERROR 404" },
		{ "", "Get \"https://h/x\": " },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct error err;

		error_set(&err, "%s", words[i][0]);
		docker_download_words("https://h/x", &err);
		assert_string_equal(err.text, words[i][1]);
	}
}

static void the_file_is_in_the_folder_for_such(void **state)
{
	char folder[] = "/tmp/registry_words_test.XXXXXX";
	json_t *none = json_object();
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(setenv("TMPDIR", folder, 1), 0);
	assert_int_equal(registry_access_file(none, &err), 0);
	assert_memory_equal(getenv("REGISTRY_AUTH_FILE"), folder, strlen(folder));
	registry_access_forget();
	assert_int_equal(rmdir(folder), 0);
	// Nothing can be made there.
	assert_int_equal(registry_access_file(none, &err), -1);
	registry_access_forget();
	assert_int_equal(unsetenv("TMPDIR"), 0);
	json_decref(none);
}

static void credentials_are_written_for_skopeo(void **state)
{
	(void)state;
	assert_null(credentials(""));
	assert_null(credentials("{}"));
	assert_null(credentials("{\"username\":\"\",\"password\":\"x\"}\n"));
	assert_non_null(strstr(credentials("{\"username\":\"ann\",\"password\":\"sesam\"}"),
	                       "{\"h:5000\": {\"auth\": \"YW5uOnNlc2Ft\"}}"));
	assert_non_null(strstr(credentials("{\"username\":\"a\",\"password\":\"b\"}"), "\"YTpi\""));
	assert_non_null(strstr(credentials("{\"username\":\"a\"}"), "\"YTo=\""));
	assert_non_null(strstr(credentials("{\"auth\":\"YTpi\"}"), "\"auth\": \"YTpi\""));
	assert_non_null(strstr(credentials("{\"username\":\"a\",\"identitytoken\":\"t\"}"),
	                       "\"identitytoken\": \"t\""));
}

static void a_proxy_of_the_user_is_behind_the_gateway(void **state)
{
	static const char *const addresses[][2] = {
		{ "http://127.0.0.1:3128", "http://10.0.2.2:3128" },
		{ "http://me:a@b@localhost:1/", "http://me:a@b@10.0.2.2:1/" },
		{ "localhost:3128", "10.0.2.2:3128" },
		{ "http://[::1]:1", "http://10.0.2.2:1" },
		{ "socks5://127.8.9.10", "socks5://10.0.2.2" },
		{ "http://proxy.example:3128", NULL },
		{ "http://localhost.example", NULL },
		{ "http://127.0.0.1.example:1", NULL },
		{ "", NULL },
		{ "http://", NULL },
		{ "http://[::1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		char *text = network_proxy_address(addresses[i][0], "10.0.2.2");

		if (addresses[i][1])
			assert_string_equal(text, addresses[i][1]);
		else
			assert_null(text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_said_as_docker_says_them),
		cmocka_unit_test(a_registry_is_called_as_the_user_does),
		cmocka_unit_test(credentials_are_written_for_skopeo),
		cmocka_unit_test(too_long_credentials_are_told_the_limit),
		cmocka_unit_test(what_wget_says_is_said_in_docker_s_words),
		cmocka_unit_test(the_file_is_in_the_folder_for_such),
		cmocka_unit_test(a_proxy_of_the_user_is_behind_the_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
