// SPDX-License-Identifier: MIT
// Every flag of `docker run` is in the table, takes what docker's takes, and is told of in
// docs/containers.md.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/run/settings/flags.h"

// `docker run --help` of docker 28: the name, its letter, and what it takes (NULL: it is a switch).
static const struct {
	const char *name;
	char letter;
	const char *type;
} docker_flags[] = {
	{ "add-host", 0, "list" },
	{ "annotation", 0, "map" },
	{ "attach", 'a', "list" },
	{ "blkio-weight", 0, "uint16" },
	{ "blkio-weight-device", 0, "list" },
	{ "cap-add", 0, "list" },
	{ "cap-drop", 0, "list" },
	{ "cgroup-parent", 0, "string" },
	{ "cgroupns", 0, "string" },
	{ "cidfile", 0, "string" },
	{ "cpu-count", 0, "int" },
	{ "cpu-percent", 0, "int" },
	{ "cpu-period", 0, "int" },
	{ "cpu-quota", 0, "int" },
	{ "cpu-rt-period", 0, "int" },
	{ "cpu-rt-runtime", 0, "int" },
	{ "cpu-shares", 'c', "int" },
	{ "cpus", 0, "decimal" },
	{ "cpuset-cpus", 0, "string" },
	{ "cpuset-mems", 0, "string" },
	{ "detach", 'd', NULL },
	{ "detach-keys", 0, "string" },
	{ "device", 0, "list" },
	{ "device-cgroup-rule", 0, "list" },
	{ "device-read-bps", 0, "list" },
	{ "device-read-iops", 0, "list" },
	{ "device-write-bps", 0, "list" },
	{ "device-write-iops", 0, "list" },
	{ "disable-content-trust", 0, NULL },
	{ "dns", 0, "list" },
	{ "dns-option", 0, "list" },
	{ "dns-search", 0, "list" },
	{ "domainname", 0, "string" },
	{ "entrypoint", 0, "string" },
	{ "env", 'e', "list" },
	{ "env-file", 0, "list" },
	{ "expose", 0, "list" },
	{ "gpus", 0, "gpu-request" },
	{ "group-add", 0, "list" },
	{ "health-cmd", 0, "string" },
	{ "health-interval", 0, "duration" },
	{ "health-retries", 0, "int" },
	{ "health-start-interval", 0, "duration" },
	{ "health-start-period", 0, "duration" },
	{ "health-timeout", 0, "duration" },
	{ "help", 0, NULL },
	{ "hostname", 'h', "string" },
	{ "init", 0, NULL },
	{ "interactive", 'i', NULL },
	{ "io-maxbandwidth", 0, "bytes" },
	{ "io-maxiops", 0, "uint" },
	{ "ip", 0, "string" },
	{ "ip6", 0, "string" },
	{ "ipc", 0, "string" },
	{ "isolation", 0, "string" },
	{ "kernel-memory", 0, "bytes" },
	{ "label", 'l', "list" },
	{ "label-file", 0, "list" },
	{ "link", 0, "list" },
	{ "link-local-ip", 0, "list" },
	{ "log-driver", 0, "string" },
	{ "log-opt", 0, "list" },
	{ "mac-address", 0, "string" },
	{ "memory", 'm', "bytes" },
	{ "memory-reservation", 0, "bytes" },
	{ "memory-swap", 0, "bytes" },
	{ "memory-swappiness", 0, "int" },
	{ "mount", 0, "mount" },
	{ "name", 0, "string" },
	{ "network", 0, "network" },
	{ "network-alias", 0, "list" },
	{ "no-healthcheck", 0, NULL },
	{ "oom-kill-disable", 0, NULL },
	{ "oom-score-adj", 0, "int" },
	{ "pid", 0, "string" },
	{ "pids-limit", 0, "int" },
	{ "platform", 0, "string" },
	{ "privileged", 0, NULL },
	{ "publish", 'p', "list" },
	{ "publish-all", 'P', NULL },
	{ "pull", 0, "string" },
	{ "quiet", 'q', NULL },
	{ "read-only", 0, NULL },
	{ "restart", 0, "string" },
	{ "rm", 0, NULL },
	{ "runtime", 0, "string" },
	{ "security-opt", 0, "list" },
	{ "shm-size", 0, "bytes" },
	{ "sig-proxy", 0, NULL },
	{ "stop-signal", 0, "string" },
	{ "stop-timeout", 0, "int" },
	{ "storage-opt", 0, "list" },
	{ "sysctl", 0, "map" },
	{ "tmpfs", 0, "list" },
	{ "tty", 't', NULL },
	{ "ulimit", 0, "ulimit" },
	{ "use-api-socket", 0, NULL },
	{ "user", 'u', "string" },
	{ "userns", 0, "string" },
	{ "uts", 0, "string" },
	{ "volume", 'v', "list" },
	{ "volume-driver", 0, "string" },
	{ "volumes-from", 0, "list" },
	{ "workdir", 'w', "string" },
};

static bool type_fits(enum flag_type type, const char *docker)
{
	static const struct {
		const char *docker;
		enum flag_type type;
	} types[] = {
		{ "int", FLAG_NUMBER }, { "uint", FLAG_NUMBER },       { "uint16", FLAG_NUMBER },
		{ "bytes", FLAG_SIZE }, { "duration", FLAG_DURATION }, { "decimal", FLAG_DECIMAL },
	};

	if (!docker)
		return type == FLAG_SWITCH;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].docker, docker) == 0)
			return type == types[i].type || strcmp(docker, "bytes") == 0;
	return type == FLAG_TEXT;
}

static void test_all_of_docker(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(docker_flags) / sizeof(docker_flags[0]); i++) {
		const struct flag *flag =
			flag_find(docker_flags[i].name, strlen(docker_flags[i].name));

		if (!flag)
			fail_msg("--%s is not in the table", docker_flags[i].name);
		if (flag->letter != docker_flags[i].letter)
			fail_msg("--%s has another letter", flag->name);
		if (!type_fits(flag->type, docker_flags[i].type))
			fail_msg("--%s takes something else than %s", flag->name,
			         docker_flags[i].type);
	}
}

// The list above is what the docker of this machine says, if it has one of that version.
static void test_docker_of_this_machine(void **state)
{
	FILE *version = popen("docker --version 2>/dev/null", "re");
	FILE *help;
	char line[256];
	size_t found = 0;
	bool same;

	(void)state;
	same = version && fgets(line, sizeof(line), version) && strstr(line, "version 28.");
	if (version)
		pclose(version);
	if (!same)
		skip();
	help = popen("docker run --help 2>/dev/null", "re");
	while (help && fgets(line, sizeof(line), help)) {
		char *name = strstr(line, "--");

		// A flag's own line, not one of its description.
		if (!name || name - line > 6 || strspn(line, " ") < 2)
			continue;
		name += 2;
		name[strcspn(name, " \n")] = '\0';
		for (size_t i = 0; i < sizeof(docker_flags) / sizeof(docker_flags[0]); i++)
			found += strcmp(docker_flags[i].name, name) == 0;
		if (!flag_find(name, strlen(name)))
			fail_msg("docker has --%s", name);
	}
	if (help)
		pclose(help);
	assert_int_equal(found, sizeof(docker_flags) / sizeof(docker_flags[0]));
}

static void test_table(void **state)
{
	size_t count;
	const struct flag *flags = flags_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *value =
			flags[i].harmless && flags[i].type == FLAG_SWITCH ? flags[i].harmless : "x";

		if (i > 0 && strcmp(flags[i - 1].name, flags[i].name) >= 0)
			fail_msg("--%s is not in its place", flags[i].name);
		if ((flags[i].effect == FLAG_ACCEPTED || flags[i].effect == FLAG_REFUSED) &&
		    (!flags[i].why || !flags[i].why[0]))
			fail_msg("--%s has no reason", flags[i].name);
		// A switch that is refused may be given as it is anyway.
		if (flags[i].effect == FLAG_REFUSED && flags[i].type == FLAG_SWITCH)
			assert_true(strcmp(value, "true") == 0 || strcmp(value, "false") == 0);
		if (flags[i].letter)
			assert_ptr_equal(flag_find_letter(flags[i].letter), &flags[i]);
	}
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void test_documentation(void **state)
{
	char *text = file_read("docs/containers.md");
	size_t count;
	const struct flag *flags = flags_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "`--%s`", flags[i].name);
		if (!strstr(text, name))
			fail_msg("docs/containers.md says nothing of %s", name);
	}
	free(text);
}

static int value_check(const char *name, const char *value)
{
	struct error err;

	return flag_value_check(flag_find(name, strlen(name)), &value, &err);
}

static void test_values(void **state)
{
	static const char *const durations[] = { "0", "1s", "1m30s", "1.5h", "200ms", "3us" };
	static const char *const none[] = { "", "s", "1", "1x", "1s2", ".s", "-1s", "1 s" };

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		assert_int_equal(value_check("health-timeout", durations[i]), 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(value_check("health-timeout", none[i]), -1);
	assert_int_equal(value_check("rm", "T"), 0);
	assert_int_equal(value_check("rm", "yes"), -1);
	assert_int_equal(value_check("cpus", "1."), 0);
	assert_int_equal(value_check("cpus", "."), -1);
	assert_int_equal(value_check("stop-timeout", "-1"), 0);
	assert_int_equal(value_check("stop-timeout", "1.5"), -1);
	assert_true(flag_is_harmless(flag_find("pull", 4), "missing"));
	assert_false(flag_is_harmless(flag_find("pull", 4), "miss"));
	assert_true(flag_is_harmless(flag_find("pull", 4), ""));
	assert_false(flag_is_harmless(flag_find("mount", 5), ""));
	assert_string_equal(flag_nearest("entrypiont"), "entrypoint");
	assert_null(flag_nearest("frobnicate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_docker), cmocka_unit_test(test_docker_of_this_machine),
		cmocka_unit_test(test_table),         cmocka_unit_test(test_documentation),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
