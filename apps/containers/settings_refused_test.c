// SPDX-License-Identifier: MIT
// Bodies of POST /containers/create that are refused, or taken with a warning.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/settings_check.h"

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
		assert_int_equal(settings_parse_new(&s, text_span(body), error), ERR_INVALID);
		assert_non_null(strstr(error, "invalid port specification"));
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(body, sizeof(body),
		         "{\"Image\":\"a\",\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[%s]}}}",
		         places[i]);
		assert_true(settings_parse_new(&s, text_span(body), error) < 0);
		assert_int_not_equal(error[0], '\0');
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *body;
		const char *says;
	} cases[] = {
		{ "", "not a JSON object" },
		{ "[]", "not a JSON object" },
		{ "{\"Image\":\"a\"} x", "unexpected content after JSON" },
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
		error_t err = settings_parse_new(&s, text_span(cases[i].body), error);

		assert_true(err == ERR_PROTOCOL || err == ERR_INVALID);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, error);
		assert_null(s.image);
	}
}

// The host's namespaces are the virtual machine's: a warning says so.
static void test_host_namespaces(void **state)
{
	static const char *const modes[] = { "PidMode", "IpcMode", "UTSMode", "CgroupnsMode" };
	static const size_t num_modes = sizeof(modes) / sizeof(modes[0]);
	char error[SETTINGS_ERROR_MAX], text[128];
	struct settings s;

	(void)state;
	assert_int_equal(settings_parse_new(
				 &s,
				 text_span("{\"Image\":\"a\",\"HostConfig\":{\"PidMode\":\"host\","
	                                   "\"IpcMode\":\"host\",\"UTSMode\":\"host\","
	                                   "\"CgroupnsMode\":\"host\"}}"),
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
	assert_int_equal(
		settings_parse_new(
			&s,
			text_span("{\"Image\":\"a\",\"HostConfig\":{\"PidMode\":\"private\","
	                          "\"IpcMode\":\"private\",\"UTSMode\":\"private\","
	                          "\"CgroupnsMode\":\"private\"}}"),
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
		{ "CgroupParent", "\"/docker/buildx\"", 0 },
		{ "DeviceCgroupRules", "[\"c 1:3 rwm\"]", 0 },
	};
	char body[128], error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{\"%s\":%s}}",
		         cases[i].field, cases[i].value);
		assert_int_equal(settings_parse_new(&s, text_span(body), error), 0);
		assert_true(s.host.warnings.count > 0);
		assert_non_null(strstr(s.host.warnings.items[0], cases[i].field));
		assert_int_equal(s.host.cpu_shares, cases[i].shares);
		assert_int_equal(s.host.blkio_weight, 0);
		settings_deinit(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_ports),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_host_namespaces),
		cmocka_unit_test(test_without_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
