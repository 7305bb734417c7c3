// SPDX-License-Identifier: MIT
// A wget of our own tells what it was called with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/system/manifest_digest.h"

#define LOGIN "Basic c2VjcmV0"
#define DIGEST "sha256:" DIGITS DIGITS DIGITS DIGITS
#define DIGITS "0123456789abcdef"

// It wants a login, which it finds in its settings. What has been on its command line is in the
// file "said", and so is the mode of its settings.
static const char program[] =
	"#!/bin/sh\n"
	"printf '%s\\n' \"$@\" >>said\n"
	"for word; do case $word in --config=*) config=${word#--config=};; esac; done\n"
	"stat -c 'mode %a' \"$config\" >>said\n"
	"if grep -qx 'header = Authorization: " LOGIN "' \"$config\"; then\n"
	"  printf '  HTTP/1.1 200 OK\\n  Docker-Content-Digest: " DIGEST "\\n'\n"
	"else\n"
	"  printf '  HTTP/1.1 401 No\\n  WWW-Authenticate: Basic realm=\"x\"\\n'\n"
	"fi\n";

static char directory[] = "/tmp/manifest_digest_test.XXXXXX";

static int set_up(void **state)
{
	char path[64];
	FILE *file;

	(void)state;
	if (!mkdtemp(directory) || chdir(directory) != 0)
		return -1;
	file = fopen("wget", "w");
	if (!file || fputs(program, file) == EOF || fclose(file) != 0 || chmod("wget", 0700) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", directory);
	return setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
	(void)state;
	unlink("wget");
	unlink("said");
	return rmdir(directory);
}

static void a_login_is_on_no_command_line(void **state)
{
	char digest[DIGEST_TEXT_SIZE], said[4096];
	FILE *file;
	size_t length;

	(void)state;
	assert_false(manifest_digest_ask("host:5000/a:1", true, NULL, directory, digest));
	assert_true(manifest_digest_ask("host:5000/a:1", true, LOGIN, directory, digest));
	assert_string_equal(digest, DIGEST);
	file = fopen("said", "r");
	assert_non_null(file);
	length = fread(said, 1, sizeof(said) - 1, file);
	said[length] = '\0';
	fclose(file);
	assert_non_null(strstr(said, "http://host:5000/v2/a/manifests/1"));
	assert_non_null(strstr(said, "mode 600"));
	assert_null(strstr(said, "Authorization"));
	assert_null(strstr(said, "c2VjcmV0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_is_on_no_command_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
