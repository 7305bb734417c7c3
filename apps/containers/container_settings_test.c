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

static void test_refused_ports(void **state)
{
	static const char *const keys[] = {
		"",  "0", "65536", "x", "80/sctp", "80/tcp/", "80-90/tcp", "99999999999999999999",
		"-1"
	};
	static const char *const places[] = {
		"{\"HostIp\":\"::\"}",
		"{\"HostIp\":\"1.2.3\"}",
		"{\"HostIp\":\"1.2.3.256\"}",
		"{\"HostIp\":\"1.2.3.4.\"}",
		"{\"HostPort\":\"65536\"}",
		"{\"HostPort\":\"9-8\"}",
		"{\"HostPort\":\"8-\"}",
		"{\"HostPort\":\"0-8\"}",
		"{\"HostPort\":8080}",
		"{\"Elsewhere\":\"8080\"}",
		"[]",
	};
	char error[SETTINGS_ERROR_MAX], body[256];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"ExposedPorts\":{\"%s\":{}}}",
		         keys[i]);
		assert_int_equal(parse(&s, body, error), ERR_INVALID);
		assert_non_null(strstr(error, "invalid port specification"));
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(body, sizeof(body),
		         "{\"Image\":\"a\",\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[%s]}}}",
		         places[i]);
		assert_true(parse(&s, body, error) < 0);
		assert_int_not_equal(error[0], '\0');
	}
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

static void test_refusals(void **state)
{
	static const struct {
		const char *body;
		const char *says;
	} cases[] = {
		{ "", "not a JSON object" },
		{ "[]", "not a JSON object" },
		{ "{\"Image\":\"a\"} x", "not a JSON object" },
		{ "{}", "Image is missing" },
		{ "{\"Image\":\"\"}", "Image is missing" },
		{ "{\"Image\":7}", "Image is not" },
		{ "{\"Image\":\"a\",\"Tty\":\"yes\"}", "Tty is not" },
		{ "{\"Image\":\"a\",\"Env\":[1]}", "Env is not" },
		{ "{\"Image\":\"a\",\"Env\":[\"A\",\"=x\"]}", "invalid environment variable: =x" },
		{ "{\"Image\":\"a\",\"Env\":[\"\"]}", "invalid environment variable: " },
		{ "{\"Image\":\"a\",\"WorkingDir\":\"a/b\"}",
		  "the working directory 'a/b' is invalid, it needs to be an absolute path" },
		{ "{\"Image\":\"a\",\"StopSignal\":\"SIGNONE\"}", "invalid signal: SIGNONE" },
		{ "{\"Image\":\"a\",\"Nonsense\":\"x\"}", "Nonsense is not supported" },
		{ "{\"Image\":\"a\",\"Domainname\":\"x y\"}", "Domainname: " },
		{ "{\"Image\":\"a\",\"MacAddress\":\"x\"}", "invalid MAC address: x" },
		{ "{\"Image\":\"a\",\"MacAddress\":\"01:00:00:00:00:01\"}",
		  "it is a group's, or one of" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CapAdd\":[\"x\"]}}",
		  "invalid CapAdd: unknown capability: \"x\"" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CapDrop\":[\"CAP_ALL_\"]}}",
		  "invalid CapDrop: unknown capability" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"SecurityOpt\":[\"seccomp={}\"]}}",
		  "HostConfig.SecurityOpt: seccomp={}" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"ExtraHosts\":[\"x\"]}}", "bad format" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"ExtraHosts\":[\"x:y\"]}}",
		  "invalid IP address in add-host: \"y\"" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"ExtraHosts\":[\"x\\ny:::1\"]}}",
		  "bad format" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Dns\":[\"1.1.1.1\\nx\"]}}",
		  "HostConfig.Dns: " },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"DnsSearch\":[\"a b\"]}}", "no word" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Sysctls\":{\"kernel.hostname\":\"x\"}}}",
		  "sysctl \"kernel.hostname\" is not in a separate" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Ulimits\":[{\"Name\":\"x\"}]}}",
		  "invalid ulimit type: x" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Ulimits\":[{\"Name\":\"core\",\"Soft\":2,\"Hard\":1}]}}",
		  "ulimit soft limit must be" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"NanoCpus\":1,\"CpuQuota\":5000}}",
		  "Conflicting options" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpuQuota\":900000}}", "4 CPUs" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpuPeriod\":5}}", "CPU cfs period" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"MemorySwap\":5}}", "always set the Memory" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"MemorySwappiness\":101}}", "0-100" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"OomScoreAdj\":1001}}", "oom score" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"IpcMode\": \"container:a\"}}",
		  "HostConfig.IpcMode: the container has" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Privileged\": 1}}", "Privileged is not" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Devices\":[{\"PathOnHost\":\"/x\"}]}}",
		  "error gathering device information while adding custom device \"/x\": no such "
		  "file or directory: the container's machine has" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\","
		  "\"CgroupPermissions\":\"rr\"}]}}",
		  "some of r, w and m" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\","
		  "\"PathInContainer\":\"x\"}]}}",
		  "not absolute" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Devices\":[7]}}", "not" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Binds\":[\"a:b\"]}}", "create a: " },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":1}}", "Minimum memory" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":-9}}", "Minimum memory" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"NanoCpus\":9000000000}}", "4 CPUs" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpusetCpus\":\"0-4\"}}",
		  "Requested CPUs are not available - requested 0-4, available: 0-3" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpusetCpus\":\"0-99999999999\"}}",
		  "not available" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpusetCpus\":\"2-1\"}}",
		  "Invalid value 2-1 for cpuset cpus" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpusetCpus\":\"0,\"}}", "Invalid value" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"CpusetCpus\":\"x\"}}", "Invalid value" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"NetworkMode\":\"host\"}}",
		  "network mode host is not supported" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"NetworkMode\":\"container:x\"}}",
		  "network mode container: is not supported" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"NetworkMode\":\"a/b\"}}",
		  "no name of a network" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"often\"}}}",
		  "invalid restart policy: unknown policy 'often'" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\","
		  "\"MaximumRetryCount\":3}}}",
		  "can only be used with 'on-failure'" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\","
		  "\"MaximumRetryCount\":-1}}}",
		  "cannot be negative" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"AutoRemove\":true,\"RestartPolicy\":"
		  "{\"Name\":\"always\"}}}",
		  "can't create 'AutoRemove' container with restart policy" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":1e3}}", "Memory is not" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":- 5}}", "Memory is not" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":007}}", "Memory is not" },
		{ "{\"Image\":\"a\",\"Labels\":5}", "Labels is not" },
		{ "{\"Image\":\"a\",\"Labels\":{\"a\":1}}", "Labels is not" },
		{ "{\"Image\":\"a\",\"Labels\":{\"a\":\"\\x\"}}", "Labels is not" },
		{ "{\"Image\":\"a\",\"OnBuild\":\"\\u12\"}", "not a JSON object" },
		{ "{\"Image\":\"a\",\"OnBuild\":-}", "not a JSON object" },
		{ "{\"Image\":\"a\",\"OnBuild\":01}", "not a JSON object" },
		{ "{\"Image\":\"a\",\"OnBuild\":1.}", "not a JSON object" },
		{ "{\"Image\":\"a\",\"OnBuild\":1e+}", "not a JSON object" },
		{ "{\"Image\":\"a\",\"StopTimeout\":9999999999}", "StopTimeout" },
		{ "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":99999999999999999999}}",
		  "Memory is not" },
	};
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error_t err = parse(&s, cases[i].body, error);

		assert_true(err == ERR_PROTOCOL || err == ERR_INVALID);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, error);
		assert_null(s.image);
	}
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

// The host's namespaces are the virtual machine's: a warning says so.
static void test_host_namespaces(void **state)
{
	static const char *const modes[] = { "PidMode", "IpcMode", "UTSMode", "CgroupnsMode" };
	static const size_t num_modes = sizeof(modes) / sizeof(modes[0]);
	char error[SETTINGS_ERROR_MAX], text[128];
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s,
	                       "{\"Image\":\"a\",\"HostConfig\":{\"PidMode\":\"host\","
	                       "\"IpcMode\":\"host\",\"UTSMode\":\"host\","
	                       "\"CgroupnsMode\":\"host\"}}",
	                       error),
	                 0);
	assert_int_equal(s.host.warnings.count, num_modes);
	for (size_t i = 0; i < num_modes; i++) {
		snprintf(text, sizeof(text),
		         "HostConfig.%s host has no effect: the host is the container's own "
		         "virtual machine",
		         modes[i]);
		assert_string_equal(s.host.warnings.items[i], text);
	}
	settings_deinit(&s);
	assert_int_equal(parse(&s,
	                       "{\"Image\":\"a\",\"HostConfig\":{\"PidMode\":\"private\","
	                       "\"IpcMode\":\"private\",\"UTSMode\":\"private\","
	                       "\"CgroupnsMode\":\"private\"}}",
	                       error),
	                 0);
	assert_int_equal(s.host.warnings.count, 0);
	settings_deinit(&s);
}

// Whatever they are: records of earlier versions have them, and must stay readable.
static void test_without_effect(void **state)
{
	static const struct {
		const char *field, *value;
		int64_t shares;
	} cases[] = {
		{ "CpuShares", "512", 512 },
		{ "CpuShares", "\"512\"", 0 },
		{ "CpuShares", "1.5", 0 },
		{ "CpuShares", "[2]", 0 },
		{ "CpuShares", "true", 0 },
		{ "CpuShares", "99999999999999999999", 0 },
		{ "CpuShares", "7,\"CpuShares\":\"x\"", 0 },
		{ "BlkioWeight", "\"500\"", 0 },
		{ "KernelMemory", "\"x\"", 0 },
		{ "DeviceCgroupRules", "[\"c 1:3 rwm\"]", 0 },
	};
	char body[128], error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{\"%s\":%s}}",
		         cases[i].field, cases[i].value);
		assert_int_equal(parse(&s, body, error), 0);
		assert_true(s.host.warnings.count > 0);
		assert_non_null(strstr(s.host.warnings.items[0], cases[i].field));
		assert_int_equal(s.host.cpu_shares, cases[i].shares);
		assert_int_equal(s.host.blkio_weight, 0);
		settings_deinit(&s);
	}
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
		cmocka_unit_test(test_docker),         cmocka_unit_test(test_one_string),
		cmocka_unit_test(test_one_of_before),  cmocka_unit_test(test_logs),
		cmocka_unit_test(test_stop_timeout),   cmocka_unit_test(test_ports),
		cmocka_unit_test(test_refused_ports),  cmocka_unit_test(test_white_space),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_surroundings),   cmocka_unit_test(test_host_namespaces),
		cmocka_unit_test(test_without_effect), cmocka_unit_test(test_cpuset),
		cmocka_unit_test(test_capabilities),   cmocka_unit_test(test_storage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
