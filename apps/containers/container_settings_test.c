// SPDX-License-Identifier: MIT
// Bodies of POST /containers/create.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/settings_check.h"
#include "apps/containers/settings_logs.h"

static error_t parse(struct settings *settings, const char *text, char *error)
{
	struct span body = text_span(text);

	return settings_parse_new(settings, body, error);
}

// What docker 28's `run -it --rm` sends, shortened.
static const char from_docker[] =
	"{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"1000\",\"AttachStdin\":true,\"Tty\":true,"
	"\"OpenStdin\":true,\"StdinOnce\":true,\"Env\":[\"A=b\",\"C=\"],\"Cmd\":[\"sh\",\"-c\",\"true\"],"
	"\"Image\":\"debian:trixie\",\"Volumes\":{},\"WorkingDir\":\"/tmp\",\"Entrypoint\":null,"
	"\"Labels\":{\"x\":\"y\",\"\\u00e9\":\"\\\"\"},\"HostConfig\":{\"Binds\":null,\"LogConfig\":{\"Type\":\"\",\"Config\":{}},"
	"\"NetworkMode\":\"default\",\"PortBindings\":{},\"RestartPolicy\":{\"Name\":\"no\","
	"\"MaximumRetryCount\":0},\"AutoRemove\":true,\"ConsoleSize\":[24,80],\"Memory\":67108864,"
	"\"MemorySwappiness\":-1,\"BlkioDeviceReadBps\":[],\"ShmSize\":0},"
	"\"NetworkingConfig\":{\"EndpointsConfig\":{\"default\":{\"Links\":null}}}}";

static void test_docker(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, from_docker, error), 0);
	assert_string_equal(s.image, "debian:trixie");
	assert_string_equal(s.user, "1000");
	assert_string_equal(s.workdir, "/tmp");
	assert_true(s.tty && s.open_stdin && s.stdin_once && s.attach_stdin && s.auto_remove);
	assert_false(s.attach_stdout || s.read_only || s.has_entrypoint);
	assert_int_equal(s.memory, 67108864);
	assert_int_equal(s.env.count, 2);
	assert_string_equal(s.env.items[1], "C=");
	assert_int_equal(s.cmd.count, 3);
	assert_string_equal(s.cmd.items[2], "true");
	assert_string_equal(s.labels, "{\"x\":\"y\",\"\\u00e9\":\"\\\"\"}");
	assert_memory_equal(s.host_config, "{\"Binds\":null", 13);
	assert_int_equal(s.host_config[strlen(s.host_config) - 1], '}');
	settings_deinit(&s);
	assert_null(s.image);
}

static uint64_t storage(const char *options)
{
	char text[256], error[SETTINGS_ERROR_MAX];
	struct settings s;
	uint64_t size = 0;

	snprintf(text, sizeof(text), "{\"Image\":\"a\",\"HostConfig\":{\"StorageOpt\":%s}}",
	         options);
	if (parse(&s, text, error) < 0) {
		assert_true(error[0] != '\0');
		return 1;
	}
	size = s.layer_size;
	settings_deinit(&s);
	return size;
}

static void test_storage(void **state)
{
	static const char *const refused[] = {
		"{\"size\":\"1k\"}",
		"{\"size\":\"\"}",
		"{\"size\":\"257g\"}",
		"{\"size\":\"1gg\"}",
		"{\"size\":\"-1g\"}",
		"{\"size\":\"99999999999999999999g\"}",
		"{\"size\":5}",
		"{\"color\":\"red\"}",
		"{\"size\":\"1g\"",
		"{\"size\":\"16777215\"}",
		"[]",
		"{\"size\":\"300000000t\"}",
	};

	(void)state;
	assert_int_equal(storage("{}"), 0);
	assert_int_equal(storage("null"), 0);
	assert_int_equal(storage("{\"size\":\"10G\"}"), 10ull << 30);
	assert_int_equal(storage("{\"size\":\"16m\"}"), 16ull << 20);
	assert_int_equal(storage("{\"size\":\"16777217\"}"), 16ull << 20);
	assert_int_equal(storage("{\"size\":\"1GiB\"}"), 1ull << 30);
	assert_int_equal(storage("{\"size\":\"256gb\"}"), 256ull << 30);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(storage(refused[i]), 1);
}

static void test_one_string(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(
		parse(&s, " {\"Image\":\"a\",\"Cmd\":\"one word\",\"Entrypoint\":[]} ", error), 0);
	assert_int_equal(s.cmd.count, 1);
	assert_string_equal(s.cmd.items[0], "one word");
	assert_true(s.has_entrypoint);
	assert_int_equal(s.entrypoint.count, 0);
	settings_deinit(&s);
	// The last one counts, and nothing of the first is kept.
	assert_int_equal(parse(&s,
	                       "{\"Image\":\"a\",\"Image\":\"b\",\"Cmd\":[\"x\"],\"Cmd\":[\"y\"]}",
	                       error),
	                 0);
	assert_string_equal(s.image, "b");
	assert_int_equal(s.cmd.count, 1);
	settings_deinit(&s);
}

static void test_ports(void **state)
{
	char error[SETTINGS_ERROR_MAX], text[PORT_TEXT_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(
		parse(&s,
	              "{\"Image\":\"a\",\"ExposedPorts\":{\"80/tcp\":{},\"53/UDP\":{},\"80\":{}},"
	              "\"HostConfig\":{\"PublishAllPorts\":true,\"PortBindings\":{\"80/tcp\":["
	              "{\"hostIP\":\"127.0.0.1\",\"hostport\":\"8080\"},{\"HostPort\":\"\"}],"
	              "\"53/udp\":[{\"HostIp\":\"\",\"HostPort\":\"8000-8010\"}],\"1/tcp\":null}}}",
	              error),
		0);
	assert_true(s.publish_all);
	assert_int_equal(s.exposed.count, 2);
	assert_int_equal(s.ports.count, 3);
	assert_memory_equal(s.ports.items[0].host, "\x7f\0\0\1", 4);
	assert_int_equal(s.ports.items[0].first, 8080);
	assert_int_equal(s.ports.items[0].last, 8080);
	assert_memory_equal(s.ports.items[1].host, "\0\0\0\0", 4);
	assert_int_equal(s.ports.items[1].first, 0);
	port_text(&s.ports.items[2], text);
	assert_string_equal(text, "53/udp");
	assert_int_equal(s.ports.items[2].first, 8000);
	assert_int_equal(s.ports.items[2].last, 8010);
	settings_deinit(&s);
}

// As python's json writes them: white space before each value.
static void test_white_space(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(
		parse(&s,
	              "{\"Image\": \"a\", \"Cmd\": \"x\", \"StopSignal\": \"SIGRTMIN+3\", \"Labels\": {\"l\": null}, "
	              "\"HostConfig\": {"
	              "\"MemorySwappiness\": -1, \"Ulimits\": [{\"Name\": \"memlock\", "
	              "\"Soft\": -1, \"Hard\": -1}]}}",
	              error),
		0);
	assert_int_equal(s.host.num_ulimits, 1);
	assert_string_equal(s.host.ulimits[0].name, "RLIMIT_MEMLOCK");
	assert_int_equal(s.host.ulimits[0].soft, -1);
	assert_int_equal(s.host.ulimits[0].hard, -1);
	assert_string_equal(s.labels, "{\"l\":\"\"}");
	settings_deinit(&s);
}

// What is negative has no end, as with dockerd.
static void test_stop_timeout(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, "{\"Image\":\"a\",\"StopTimeout\":-7}", error), 0);
	assert_true(s.has_stop_timeout && s.stop_timeout == -7);
	settings_deinit(&s);
	assert_int_not_equal(
		parse(&s, "{\"Image\":\"a\",\"StopTimeout\":-9223372036854775808}", error), 0);
}

static void test_capabilities(void **state)
{
	// What KILL, which docker gives, and SYS_ADMIN, which it does not, are then.
	static const struct {
		const char *asked;
		bool has_kill, has_admin;
	} cases[] = {
		{ "\"CapAdd\":[]", true, false },
		{ "\"CapAdd\":[\"sys_admin\"]", true, true },
		{ "\"CapAdd\":[\"ALL\"]", true, true },
		{ "\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"CAP_KILL\"]", false, true },
		{ "\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"ALL\"]", true, true },
		{ "\"CapDrop\":[\"ALL\"]", false, false },
		{ "\"CapDrop\":[\"ALL\"],\"CapAdd\":[\"SYS_ADMIN\"]", false, true },
		{ "\"CapDrop\":[\"KILL\"],\"CapAdd\":[\"KILL\"]", true, false },
		{ "\"Privileged\":true,\"CapDrop\":[\"ALL\"]", true, true },
	};
	char body[256], error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{%s}}",
		         cases[i].asked);
		assert_int_equal(parse(&s, body, error), 0);
		assert_int_equal(settings_has_capability(&s.host, "KILL", true), cases[i].has_kill);
		assert_int_equal(settings_has_capability(&s.host, "SYS_ADMIN", false),
		                 cases[i].has_admin);
		settings_deinit(&s);
	}
}

static void test_surroundings(void **state)
{
	static const char body[] =
		"{\"Image\":\"a\",\"Domainname\":\"x.y\",\"NetworkDisabled\":true,"
		"\"HostConfig\":{\"CapDrop\":[\"all\"],\"CapAdd\":[\"cap_chown\"],"
		"\"CpuQuota\":150000,\"Dns\":[\"10.0.0.1\",\"fe80::1\"],"
		"\"ExtraHosts\":[\"h:1.2.3.4\",\"g:host-gateway\",\"i:::1\"],"
		"\"Ulimits\":[{\"name\":\"nofile\",\"Soft\":10,\"Hard\":-1}],"
		"\"Sysctls\":{\"net.core.somaxconn\":\"7\"},\"IpcMode\":\"private\","
		"\"SecurityOpt\":[\"no-new-privileges\"],\"CpuShares\":512,"
		"\"Privileged\":false,\"BlkioWeight\":0,\"Devices\":["
		"{\"PathOnHost\":\"/dev/null\"},{\"PathOnHost\":\"/dev/loop1\","
		"\"PathInContainer\":\"/dev//a/../disk\",\"CgroupPermissions\":\"rm\"}],"
		"\"Memory\":67108864,\"MemorySwap\":-1,\"MaskedPaths\":[]}}";
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, body, error), 0);
	assert_string_equal(s.network_mode, "none");
	assert_true(settings_has_capability(&s.host, "CHOWN", true));
	assert_false(settings_has_capability(&s.host, "KILL", true));
	assert_int_equal(settings_nano_cpus(&s), 1500000000);
	assert_int_equal(s.host.num_ulimits, 1);
	assert_string_equal(s.host.ulimits[0].name, "RLIMIT_NOFILE");
	assert_true(s.host.has_masked_paths);
	assert_int_equal(s.host.device_paths.count, 2);
	assert_string_equal(s.host.device_paths.items[0], "/dev/null");
	assert_string_equal(s.host.devices[0].access, "rwm");
	assert_string_equal(s.host.device_paths.items[1], "/dev/disk");
	assert_true(s.host.devices[1].type == 'b' && s.host.devices[1].major == 7 &&
	            s.host.devices[1].minor == 1);
	assert_string_equal(s.host.devices[1].access, "rm");
	assert_int_equal(s.host.warnings.count, 2);
	assert_non_null(strstr(s.host.warnings.items[0], "CpuShares"));
	assert_int_equal(s.host.cpu_shares, 512);
	assert_non_null(strstr(s.host.warnings.items[1], "MemorySwap"));
	settings_deinit(&s);
}

// A list of CPUs says how many there are at most, and without a share exactly.
static void test_cpuset(void **state)
{
	static const struct {
		const char *host_config;
		int64_t nano_cpus;
	} cases[] = {
		{ "\"CpusetCpus\":\"\"", 0 },
		{ "\"CpusetCpus\":\"3\"", 1000000000 },
		{ "\"CpusetCpus\":\"0,1\"", 2000000000 },
		{ "\"CpusetCpus\":\"0-1,1,3\"", 3000000000 },
		{ "\"CpusetCpus\":\"0,1\",\"NanoCpus\":1500000000", 1500000000 },
		{ "\"CpusetCpus\":\"0\",\"NanoCpus\":1500000000", 1000000000 },
		{ "\"CpusetCpus\":\"0\",\"CpuQuota\":150000", 1000000000 },
	};
	char error[SETTINGS_ERROR_MAX], body[256];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{%s}}",
		         cases[i].host_config);
		assert_int_equal(parse(&s, body, error), 0);
		assert_int_equal(settings_nano_cpus(&s), cases[i].nano_cpus);
		settings_deinit(&s);
	}
}

// Every cut of a good body is refused, and leaves nothing behind (LeakSanitizer).
static void test_cuts(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t len = 0; len < sizeof(from_docker) - 1; len++) {
		struct span body = { .data = (const uint8_t *)from_docker, .len = len };

		assert_true(settings_parse(&s, body, error) < 0);
		assert_int_not_equal(error[0], '\0');
	}
}

static void check_logs(const char *config, const char *wanted, bool kept, uint64_t bytes,
                       uint32_t files)
{
	char body[512], error[SETTINGS_ERROR_MAX];
	struct log_settings logs;
	struct settings s;

	snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{\"LogConfig\":%s}}", config);
	if (wanted != NULL) {
		assert_int_equal(parse(&s, body, error), ERR_INVALID);
		assert_non_null(strstr(error, wanted));
		return;
	}
	assert_int_equal(parse(&s, body, error), 0);
	assert_int_equal(settings_logs(&s, &logs, error), 0);
	assert_int_equal(logs.is_kept, kept);
	if (kept) {
		assert_int_equal(logs.max_bytes, bytes);
		assert_int_equal(logs.max_files, files);
	}
	settings_deinit(&s);
}

static void check_log_warnings(const char *options, size_t wanted)
{
	char body[256], error[SETTINGS_ERROR_MAX];
	struct settings s;

	snprintf(body, sizeof(body),
	         "{\"Image\":\"a\",\"HostConfig\":{\"LogConfig\":{\"Config\":%s}}}", options);
	assert_int_equal(parse(&s, body, error), 0);
	assert_int_equal(s.host.warnings.count, wanted);
	settings_deinit(&s);
}

static void test_logs(void **state)
{
	(void)state;
	check_logs("null", NULL, true, 20000000, 5);
	check_logs("{\"Type\":\"\",\"Config\":{}}", NULL, true, 20000000, 5);
	check_logs("{\"Type\":\"none\",\"Config\":null}", NULL, false, 0, 0);
	check_logs("{\"Type\":\"local\",\"Config\":{\"max-size\":\"10m\",\"max-file\":\"3\"}}",
	           NULL, true, 10000000, 3);
	check_logs("{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"2KB\",\"compress\":\"true\","
	           "\"mode\":\"blocking\"}}",
	           NULL, true, 2000, 5);
	check_logs("{\"Config\":{\"max-size\":\"-1\"}}", NULL, true, 0, 5);
	check_logs("{\"Type\":\"syslog\"}", "no log driver named 'syslog'", false, 0, 0);
	check_logs("{\"Config\":{\"max-size\":\"10x\"}}", "max-size can't be 10x", false, 0, 0);
	check_logs("{\"Config\":{\"max-size\":\"\"}}", "max-size", false, 0, 0);
	check_logs("{\"Config\":{\"max-size\":\"99999999999999999999g\"}}", "max-size", false, 0,
	           0);
	check_logs("{\"Config\":{\"max-size\":\"1000000000000g\"}}", "max-size", false, 0, 0);
	check_logs("{\"Config\":{\"max-size\":\"999\"}}", "1k at least", false, 0, 0);
	check_logs("{\"Config\":{\"max-file\":\"0\"}}", "1 to 1000", false, 0, 0);
	check_logs("{\"Config\":{\"mode\":\"non-blocking\"}}", "mode can't be non-blocking", false,
	           0, 0);
	check_logs("{\"Config\":{\"tags\":\"x\"}}", "tags can't be x", false, 0, 0);
	check_logs("{\"Config\":{\"tag\":\"x\",\"labels\":\"a,b\"}}", NULL, true, 20000000, 5);
	check_log_warnings("{\"tag\":\"x\",\"env-regex\":\"^A\"}", 1);
	check_log_warnings("{\"max-file\":\"2\"}", 0);
	check_logs("{\"Other\":\"x\"}", "HostConfig.LogConfig.Other is not supported", false, 0, 0);
}

// One that was made before its process and its mounts were looked at is still there.
static void test_one_of_before(void **state)
{
	static const char body[] = "{\"Image\":\"a\",\"Env\":[\"=x\",\"\"],\"WorkingDir\":\"a/b\","
				   "\"StopSignal\":\"SIGNONE\"}";
	static const char sealed[] =
		"{\"Image\":\"a\",\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\","
		"\"Target\":\"/x\",\"ReadOnly\":true}]}}";
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(settings_parse(&s, text_span(body), error), 0);
	assert_string_equal(s.workdir, "a/b");
	settings_deinit(&s);
	assert_int_equal(settings_parse_new(&s, text_span(body), error), ERR_INVALID);
	assert_int_equal(settings_parse(&s, text_span(sealed), error), 0);
	settings_deinit(&s);
	assert_int_equal(settings_parse_new(&s, text_span(sealed), error), ERR_INVALID);
	assert_non_null(strstr(error, "must not set ReadOnly mode when using anonymous volumes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),        cmocka_unit_test(test_one_string),
		cmocka_unit_test(test_one_of_before), cmocka_unit_test(test_logs),
		cmocka_unit_test(test_stop_timeout),  cmocka_unit_test(test_ports),
		cmocka_unit_test(test_white_space),   cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_surroundings),  cmocka_unit_test(test_cpuset),
		cmocka_unit_test(test_capabilities),  cmocka_unit_test(test_storage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
