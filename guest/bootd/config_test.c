// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "guest/bootd/capability.h"
#include "guest/bootd/config.h"

static struct config config;
static struct failure failure;

// Parses from an exact-sized heap copy, so that ASan sees a read past the end.
static int parse(const char *text, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, text, size);
	int error = config_parse(&config, copy, size, &failure);
	free(copy);
	return error;
}

static void expect_error(const char *text, const char *message)
{
	memset(&failure, 0, sizeof(failure));
	assert_int_not_equal(parse(text, strlen(text)), 0);
	assert_int_equal(failure.status, FAILURE_SETUP);
	assert_true(failure.error < 0);
	if (strstr(failure.message, message) == NULL)
		fail_msg("'%s' is not in '%s'", message, failure.message);
}

static void reads_a_whole_config(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":24,"
		"\"width\":80},\"user\":{\"uid\":1,\"gid\":2,\"additionalGids\":[3,4],\"umask\":63},"
		"\"args\":[\"sh\",\"-c\",\"\\\\u0000 x\"],\"env\":[\"A=1\",\"AB=2\"],\"cwd\":\"/w\","
		"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_BPF\"],\"effective\":[]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":18446744073709551615}],"
		"\"noNewPrivileges\":true,\"oomScoreAdj\":-5},\"root\":{\"readonly\":true},"
		"\"hostname\":\"h\",\"mounts\":[{\"destination\":\"/t\",\"type\":\"tmpfs\",\"source\":\"s\","
		"\"options\":[\"nosuid\",\"ro\",\"rw\",\"size=1k\",\"mode=700\"]}],"
		"\"annotations\":{\"x\":1,\"dev.starina.file:/etc/hosts\":\"text\"},"
		"\"linux\":{\"sysctl\":{\"a.b\":\"1\"},\"maskedPaths\":[\"/m\"],\"readonlyPaths\":[],"
		"\"resources\":{\"memory\":{\"limit\":67108864},\"pids\":{\"limit\":100},\"cpu\":{\"quota\":50000}}}}";

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	const struct config_process *process = &config.process;
	assert_true(process->terminal);
	assert_int_equal(process->rows, 24);
	assert_int_equal(process->columns, 80);
	assert_int_equal(process->uid, 1);
	assert_int_equal(process->gid, 2);
	assert_int_equal(process->num_groups, 2);
	assert_int_equal(process->groups[1], 4);
	assert_int_equal(process->umask, 077);
	assert_int_equal(process->args.count, 3);
	assert_string_equal(process->args.items[2], "\\u0000 x");
	assert_null(process->args.items[3]);
	assert_string_equal(config_env_get(&process->env, "A"), "1");
	assert_null(config_env_get(&process->env, "B"));
	assert_string_equal(process->cwd, "/w");
	assert_true(process->capabilities.bounding == (UINT64_C(1) | UINT64_C(1) << 39));
	assert_true(process->capabilities.permitted == 0);
	assert_int_equal(process->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(process->rlimits[0].soft == 10 && process->rlimits[0].hard == UINT64_MAX);
	assert_true(process->no_new_privileges && process->has_no_new_privileges &&
	            process->has_capabilities);
	assert_int_equal(process->oom_score_adj, -5);
	assert_true(config.readonly);
	assert_int_equal(config.num_mounts, 1);
	assert_int_equal(config.mounts[0].flags, MS_NOSUID);
	assert_string_equal(config.mounts[0].data, "size=1k,mode=700");
	assert_int_equal(config.num_files, 1);
	assert_string_equal(config.files[0].key, "/etc/hosts");
	assert_int_equal(config.num_sysctls, 1);
	assert_string_equal(config.sysctls[0].key, "a.b");
	assert_true(config.resources.memory == 67108864 && config.resources.pids == 100);
	assert_true(config.resources.cpu_quota == 50000 && config.resources.cpu_period == 100000);
	assert_int_equal(config.masked_paths.count, 1);
	assert_int_equal(config.readonly_paths.count, 0);
	config_deinit(&config);
}

static void fills_in_dockers_defaults(void **state)
{
	static const char text[] = "{\"process\":{\"args\":[\"x\"],\"env\":null}}";

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	assert_string_equal(config.process.cwd, "/");
	assert_int_equal(config.process.umask, 022);
	assert_non_null(config.process.env.items);
	assert_null(config.process.env.items[0]);
	// These depend on who the user turns out to be.
	assert_false(config.process.has_capabilities);
	assert_false(config.process.has_no_new_privileges);
	assert_true(capability_default_set == 0xa80425fb);
	assert_int_equal(config.num_mounts, 7);
	assert_int_equal(config.process.num_rlimits, 4);
	assert_int_equal(config.num_sysctls, 2);
	assert_true(config.resources.memory == 0 && config.resources.pids == 0 &&
	            config.resources.cpu_quota == 0);
	assert_true(config.masked_paths.count > 5);
	assert_false(config.process.has_oom_score_adj);
	config_deinit(&config);
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	expect_error("", "not valid JSON");
	expect_error("{", "not valid JSON");
	expect_error("[]", "must be an object");
	expect_error("{}", "process is missing");
	expect_error("{\"process\":1}", "process must be an object");
	expect_error("{\"process\":{}}", "process.args is empty");
	expect_error("{\"process\":{\"args\":\"x\"}}", "process.args must be an array");
	expect_error("{\"process\":{\"args\":[1]}}", "process.args must be an array of strings");
#define WITH(rest) "{\"process\":{\"args\":[\"x\"]," rest "}"
	expect_error(WITH("\"cwd\":\"rel\"}"), "process.cwd 'rel'");
	expect_error(WITH("\"user\":{\"uid\":-1}}"), "process.user.uid");
	expect_error(WITH("\"user\":{\"uid\":4294967295}}"), "process.user.uid");
	expect_error(WITH("\"user\":{\"uid\":0.5}}"), "process.user.uid");
	expect_error(WITH("\"user\":{\"additionalGids\":[-1]}}"), "additionalGids");
	expect_error(WITH("\"user\":{\"additionalGids\":[0.5]}}"), "additionalGids");
	expect_error(WITH("\"terminal\":1}"), "process.terminal must be true or false");
	expect_error(WITH("\"consoleSize\":{\"height\":70000}}"), "consoleSize.height");
	expect_error(WITH("\"capabilities\":{\"bounding\":[\"CAP_X\"]}}"), "no capability CAP_X");
	expect_error(WITH("\"rlimits\":[{\"type\":\"Y\",\"soft\":1,\"hard\":1}]}"), "no limit 'Y'");
	expect_error(WITH("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":-1,\"hard\":1}]}"),
	             "soft");
	expect_error(WITH("\"oomScoreAdj\":1001}"), "oomScoreAdj");
	expect_error(WITH("\"env\":{}}"), "process.env must be an array");
	expect_error(WITH("\"a\":1},\"mounts\":[{\"destination\":\"x\"}]"), "absolute path");
	expect_error(WITH("\"a\":1},\"mounts\":[{\"destination\":\"/x\",\"options\":[\"rbind\"]}]"),
	             "bind mount");
	expect_error(WITH("\"a\":1},\"annotations\":{\"dev.starina.file:x\":\"\"}"),
	             "absolute path");
	expect_error(WITH("\"a\":1},\"annotations\":{\"dev.starina.file:/x\":2}"),
	             "must be a string");
	expect_error(WITH("\"a\":1},\"linux\":{\"maskedPaths\":[{}]}"), "linux.maskedPaths");
	expect_error(WITH("\"a\":1},\"linux\":{\"resources\":{\"memory\":{\"limit\":\"1G\"}}}"),
	             "linux.resources.memory.limit");
	expect_error(WITH("\"a\":1},\"linux\":{\"resources\":{\"cpu\":{\"period\":1}}}"),
	             "linux.resources.cpu.period");
	expect_error(WITH("\"a\":1},\"hostname\":[]"), "hostname must be a string");
#undef WITH
}

static void refuses_nul(void **state)
{
	static const char raw[] = "{\"process\":{\"args\":[\"a\0b\"]}}";

	(void)state;
	expect_error("{\"process\":{\"args\":[\"a\\u0000b\"]}}", "NUL");
	expect_error("{\"process\":{\"args\":[\"\\\\\\u0000\"]}}", "NUL");
	assert_int_not_equal(parse(raw, sizeof(raw) - 1), 0);
	assert_non_null(strstr(failure.message, "NUL"));
}

#define VOLUMES(text) \
	"{\"process\":{\"args\":[\"x\"]},\"annotations\":{\"org.starina.volumes\":" text "}}"

static void reads_volumes(void **state)
{
	static const char text[] = VOLUMES("\"[\\\"/data\\\",\\\"/a b\\\"]\"");

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	assert_int_equal(config.volumes.count, 2);
	assert_string_equal(config.volumes.items[0], "/data");
	assert_string_equal(config.volumes.items[1], "/a b");
	config_deinit(&config);
	assert_int_equal(parse(VOLUMES("\"null\""), strlen(VOLUMES("\"null\""))), 0);
	assert_int_equal(config.volumes.count, 0);
	config_deinit(&config);
	expect_error(VOLUMES("[\"/data\"]"), "annotations.org.starina.volumes must be a string");
	expect_error(VOLUMES("\"{}\""), "annotations.org.starina.volumes must be an array");
	expect_error(VOLUMES("\"[1]\""),
	             "annotations.org.starina.volumes must be an array of strings");
	expect_error(VOLUMES("\"/data\""),
	             "annotations.org.starina.volumes: not valid JSON at byte 0 of 5");
	expect_error(VOLUMES("\"[\\\"data\\\"]\""), "the volume 'data' must be an absolute path");
	expect_error(VOLUMES("\"[\\\"/data\\\\u0000x\\\"]\""),
	             "annotations.org.starina.volumes: NUL");
}

#define SHARES(path, value)                                                                      \
	"{\"process\":{\"args\":[\"x\"]},\"annotations\":{\"dev.starina.share:" path "\":" value \
	",\"dev.starina.share:/b\":\"1:ro\"}}"

#define PART SHARES("/a", "\"3:shared:in=a:ro/..\"")

static void reads_shares(void **state)
{
	static const char text[] = SHARES("/a", "\"0\"");

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	assert_int_equal(config.num_added, 2);
	assert_string_equal(config.added[0].destination, "/a");
	assert_string_equal(config.added[0].source, "0");
	assert_true(config.added[0].flags == 0 && config.added[0].data == NULL);
	assert_true(config.added[1].flags == MS_RDONLY && config.added[1].data == NULL);
	config_deinit(&config);
	assert_int_equal(
		parse(SHARES("/a", "\"12:ro:copy\""), strlen(SHARES("/a", "\"12:ro:copy\""))), 0);
	assert_true(config.added[0].flags == MS_RDONLY);
	assert_string_equal(config.added[0].data, "copy");
	assert_null(config.added[0].subpath);
	config_deinit(&config);
	assert_int_equal(parse(PART, strlen(PART)), 0);
	assert_true(config.added[0].flags == MS_SHARED && config.added[0].data == NULL);
	assert_string_equal(config.added[0].subpath, "a:ro/..");
	config_deinit(&config);
	expect_error(SHARES("/a", "0"), "annotations.dev.starina.share:/a must be a string");
	expect_error(SHARES("a", "\"0\""), "must name an absolute path");
	expect_error(SHARES("/a", "\"\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"0:rw\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"../0\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"0:copy:ro\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"0:shared:ro\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"0:in=\""), "must name an absolute path, and be");
	expect_error(SHARES("/a", "\"0:in=/x\""), "must name an absolute path, and be");
}

#define DEVICES(nodes, rules)                                                              \
	"{\"process\":{\"args\":[\"x\"]},\"linux\":{\"devices\":" nodes ",\"resources\":{" \
	"\"devices\":" rules "}}}"

static void reads_devices(void **state)
{
	static const char text[] = DEVICES(
		"[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229},"
		"{\"path\":\"/dev/l\",\"type\":\"b\",\"major\":7,\"minor\":1,\"fileMode\":384}]",
		"[{\"allow\":false,\"access\":\"rwm\"},"
		"{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"}]");

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	assert_int_equal(config.num_devices, 2);
	assert_string_equal(config.devices[0].path, "/dev/fuse");
	assert_true(!config.devices[0].is_block && config.devices[0].mode == 0666);
	assert_true(config.devices[1].is_block && config.devices[1].mode == 0600);
	assert_true(config.devices[1].major == 7 && config.devices[1].minor == 1);
	assert_int_equal(config.resources.devices.count, 1);
	assert_string_equal(config.resources.devices.items[0], "c 10:229 rw");
	config_deinit(&config);
	assert_int_equal(parse(DEVICES("[]", "null"), strlen(DEVICES("[]", "null"))), 0);
	config_deinit(&config);
	expect_error(DEVICES("[7]", "[]"), "linux.devices[]. must be objects");
	expect_error(DEVICES("[{\"path\":\"/x\",\"type\":\"p\"}]", "[]"),
	             "linux.devices[]. must have the type");
	expect_error(DEVICES("[{\"path\":\"x\",\"type\":\"c\"}]", "[]"), "absolute path");
	expect_error(DEVICES("[{\"type\":\"c\"}]", "[]"), "absolute path");
	expect_error(DEVICES("[{\"type\":\"c\",\"major\":-1}]", "[]"), "linux.devices[].major");
	expect_error(DEVICES("[]", "[7]"), "linux.resources.devices[]. must be objects");
	expect_error(DEVICES("[]", "[{\"allow\":true,\"type\":\"a\"}]"), "must have the type");
	expect_error(DEVICES("[]", "[{\"allow\":true,\"type\":\"c\",\"access\":\"r\\nb\"}]"),
	             "some of r, w and m");
}

#define ADDED(members) "{\"process\":{\"args\":[\"x\"]},\"annotations\":{" members "}}"

static void reads_tmpfs(void **state)
{
	static const char text[] =
		ADDED("\"dev.starina.share:/a/b\":\"0\",\"dev.starina.shm_size\":\"1048576\","
	              "\"dev.starina.tmpfs:/a\":\"noexec,nosuid,size=1m,exec,mode=700\","
	              "\"dev.starina.tmpfs:/a/b/c\":\"\"");

	(void)state;
	assert_int_equal(parse(text, strlen(text)), 0);
	// What lies in another's folder comes after it, whatever it is.
	assert_int_equal(config.num_added, 3);
	assert_string_equal(config.added[0].destination, "/a");
	assert_string_equal(config.added[0].type, "tmpfs");
	assert_true(config.added[0].flags == MS_NOSUID);
	assert_string_equal(config.added[0].data, "size=1m,mode=700");
	assert_string_equal(config.added[1].type, "virtiofs");
	assert_string_equal(config.added[2].destination, "/a/b/c");
	assert_true(config.shm_size == 1048576);
	config_deinit(&config);
	expect_error(ADDED("\"dev.starina.tmpfs:a\":\"\""), "must name an absolute path");
	expect_error(ADDED("\"dev.starina.tmpfs:/a\":1"), "must be a string");
	expect_error(ADDED("\"dev.starina.shm_size\":\"64m\""), "must be a number of bytes");
}

static void survives_deep_nesting_and_cuts(void **state)
{
	static const char whole[] = "{\"process\":{\"args\":[\"x\",\"\\u00e9\\ud83d\\ude00\"],"
				    "\"user\":{\"uid\":1e1}}}";
	char *deep = malloc(1000000);

	(void)state;
	memset(deep, '[', 1000000);
	assert_int_not_equal(parse(deep, 1000000), 0);
	memset(deep, '{', 1000000);
	assert_int_not_equal(parse(deep, 1000000), 0);
	free(deep);

	for (size_t cut = 0; cut < strlen(whole); cut++)
		assert_int_not_equal(parse(whole, cut), 0);
	assert_int_equal(parse(whole, strlen(whole)), 0);
	config_deinit(&config);
}

// Cheap fuzzing: each byte of a config replaced by each of some awkward ones.
static void survives_damage(void **state)
{
	static const char awkward[] = "\"\\{}[]:,0-e.\xff\x01 tn";
	char text[] =
		"{\"process\":{\"args\":[\"x\"],\"user\":{\"uid\":1,\"additionalGids\":[1]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]},"
		"\"mounts\":[{\"destination\":\"/x\",\"options\":[\"ro\"]}],"
		"\"annotations\":{\"dev.starina.file:/x\":\"\",\"org.starina.volumes\":\"[\\\"/v\\\"]\","
		"\"dev.starina.tmpfs:/t\":\"ro,size=1\",\"dev.starina.share:/s\":\"0:ro\"},\"linux\":{\"sysctl\":{\"a\":\"b\"}}}";

	(void)state;
	for (size_t at = 0; at < strlen(text); at++) {
		char saved = text[at];

		for (size_t i = 0; i < sizeof(awkward) - 1; i++) {
			text[at] = awkward[i];
			if (parse(text, sizeof(text) - 1) == 0)
				config_deinit(&config);
		}
		text[at] = saved;
	}
}

static void reads_a_lone_process(void **state)
{
	static const char text[] = "{\"args\":[\"ls\"],\"cwd\":\"/\"}";

	(void)state;
	assert_int_equal(config_parse_process(&config, text, strlen(text), &failure), 0);
	assert_string_equal(config.process.args.items[0], "ls");
	config_deinit(&config);
	assert_int_not_equal(config_parse_process(&config, "[]", 2, &failure), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_whole_config),
		cmocka_unit_test(fills_in_dockers_defaults),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(refuses_nul),
		cmocka_unit_test(reads_volumes),
		cmocka_unit_test(reads_shares),
		cmocka_unit_test(reads_devices),
		cmocka_unit_test(reads_tmpfs),
		cmocka_unit_test(survives_deep_nesting_and_cuts),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test(reads_a_lone_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
