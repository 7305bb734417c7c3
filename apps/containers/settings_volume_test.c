// SPDX-License-Identifier: MIT
// What the options of the volume driver say, as compose files have them.
#include "apps/containers/settings_volume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void folders(void **state)
{
	static const char *const none[] = { NULL, "{}" };
	struct volume_backing backing;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(volume_backing_read(&backing, none[i], error), 0);
		assert_int_equal(backing.kind, VOLUME_FOLDER);
		volume_backing_deinit(&backing);
	}
}

static void binds(void **state)
{
	static const struct {
		const char *options;
		bool read_only;
	} cases[] = {
		{ "{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/srv/data\"}", false },
		{ "{\"type\":\"\",\"o\":\"rw,rbind,rprivate\",\"device\":\"/srv/data\"}", false },
		{ "{\"device\":\"/srv/data\",\"o\":\"bind,ro\",\"type\":\"bind\"}", true },
	};
	struct volume_backing backing;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(volume_backing_read(&backing, cases[i].options, error), 0);
		assert_int_equal(backing.kind, VOLUME_BIND);
		assert_string_equal(backing.device, "/srv/data");
		assert_int_equal(backing.read_only, cases[i].read_only);
		volume_backing_deinit(&backing);
	}
}

static void memory(void **state)
{
	struct volume_backing backing;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(volume_backing_read(&backing,
	                                     "{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"o\":"
	                                     "\"size=1m,uid=7,mode=700\"}",
	                                     error),
	                 0);
	assert_int_equal(backing.kind, VOLUME_TMPFS);
	assert_string_equal(backing.options, "size=1m,uid=7,mode=700");
	volume_backing_deinit(&backing);
	assert_int_equal(
		volume_backing_read(&backing, "{\"type\":\"tmpfs\",\"device\":\"tmpfs\"}", error),
		0);
	assert_string_equal(backing.options, "");
	volume_backing_deinit(&backing);
}

static void refused(void **state)
{
	static const struct {
		const char *options, *says;
	} cases[] = {
		{ "{\"x\":\"y\"}", "invalid option: \"x\"" },
		{ "{\"type\":\"none\"}", "missing required option: \"device\"" },
		{ "{\"o\":\"bind\"}", "missing required option: \"device\"" },
		{ "{\"device\":\"/x\",\"o\":\"bind\"}", "missing required option: \"type\"" },
		{ "{\"size\":\"1m\"}", "quota size requested but no quota support" },
		{ "{\"type\":\"none\",\"device\":\"/x\"}", "needs o=bind" },
		{ "{\"type\":\"none\",\"o\":\"bind\",\"device\":\"x\"}", "absolute path" },
		{ "{\"type\":\"none\",\"o\":\"bind,noexec\",\"device\":\"/x\"}", "\"noexec\"" },
		{ "{\"type\":\"nfs\",\"o\":\"addr=10.0.0.1,rw\",\"device\":\":/x\"}",
		  "type \"nfs\" is not supported" },
		{ "{\"type\":1,\"device\":\"/x\"}", "no object of strings" },
		{ "[]", "no object of strings" },
	};
	struct volume_backing backing;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(volume_backing_read(&backing, cases[i].options, error),
		                 ERR_INVALID);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].options, error);
		assert_null(backing.device);
		assert_null(backing.options);
	}
}

// What Linux would not mount is no volume; one that is there already can be read all the same.
static void options_of_memory(void **state)
{
	static const char *const good[] = {
		"",         "size=64m,mode=1777",       "size=50%,uid=0,gid=4294967294",
		"ro,,rw",   "noexec,nosuid,nodev,exec", "nr_inodes=10k,nr_blocks=1G",
		"noatime,", "huge=never,inode64",       "size=9223372036854775807",
	};
	static const char *const bad[] = {
		"size=foo",    "size=",        "size=1mb",
		"size=-1",     "nr_inodes=5%", "mode=9",
		"mode=",       "uid=x",        "uid=4294967295",
		"size",        "bogus",        "Size=1m",
		"huge=always", "mpol=local",   "bind",
		"a=b",         "size=1m;",     "size=9223372036854775808",
	};
	struct volume_backing backing;
	char error[SETTINGS_ERROR_MAX], text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "{\"type\":\"tmpfs\",\"device\":\"x\",\"o\":\"%s\"}",
		         good[i]);
		if (volume_options_check(text, error) != 0)
			fail_msg("%s: %s", good[i], error);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		         "{\"type\":\"tmpfs\",\"device\":\"x\",\"o\":\"ro,%s\"}", bad[i]);
		if (volume_options_check(text, error) != ERR_INVALID)
			fail_msg("%s is taken", bad[i]);
		assert_non_null(strstr(error, bad[i]));
		assert_int_equal(volume_backing_read(&backing, text, error), 0);
		volume_backing_deinit(&backing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders),
		cmocka_unit_test(binds),
		cmocka_unit_test(memory),
		cmocka_unit_test(refused),
		cmocka_unit_test(options_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
