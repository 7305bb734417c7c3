// SPDX-License-Identifier: MIT
// Bodies of POST /containers/NAME/update, and what comes of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/settings_update.h"

#define MIB (1ll << 20)

static struct settings_update parse(const char *body)
{
	struct settings_update update;
	char error[SETTINGS_ERROR_MAX];

	if (settings_update_parse(&update, text_span(body), error) < 0)
		fail_msg("%s: %s", body, error);
	return update;
}

// What docker 28's `update -m 256m` sends; what is not said stays.
static void test_docker(void **state)
{
	struct settings s = { .memory = 512 * MIB, .nano_cpus = 1500000000 };
	struct settings_update update = parse(
		"{\"CpuShares\":0,\"Memory\":268435456,\"CgroupParent\":\"\",\"BlkioWeight\":0,"
		"\"BlkioWeightDevice\":null,\"CpuPeriod\":0,\"CpuQuota\":0,\"CpusetCpus\":\"\","
		"\"Devices\":null,\"KernelMemory\":0,\"MemorySwap\":0,\"PidsLimit\":null,"
		"\"Ulimits\":null,\"RestartPolicy\":{\"Name\":\"\",\"MaximumRetryCount\":0}}");
	char error[SETTINGS_ERROR_MAX];
	struct control_limits limits;

	(void)state;
	s.host.pids_limit = 7;
	assert_int_equal(settings_update_check(&s, &update, error), 0);
	assert_true(settings_update_limits(&s, &update));
	limits = settings_update_wanted(&s, &update);
	assert_int_equal(limits.memory, 256 * MIB);
	assert_int_equal(limits.pids, 7);
	assert_int_equal(limits.cpu_quota, 150000);
	assert_int_equal(limits.cpu_period, 100000);
	assert_int_equal(update.warnings.count, 0);
	settings_update_apply(&s, &update);
	assert_int_equal(s.memory, 256 * MIB);
	assert_int_equal(s.host.pids_limit, 7);
	assert_null(s.restart_policy);
}

static void test_values(void **state)
{
	struct settings s = { 0 };
	struct settings_update update = parse("{\"CpuQuota\":50000,\"CpuPeriod\":200000}");
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(settings_update_check(&s, &update, error), 0);
	assert_int_equal(settings_update_wanted(&s, &update).cpu_quota, 25000);
	settings_update_apply(&s, &update);
	update = parse("{\"PidsLimit\":5}");
	assert_true(settings_update_limits(&s, &update));
	settings_update_apply(&s, &update);
	assert_int_equal(s.host.pids_limit, 5);
	update =
		parse("{\"PidsLimit\":-1,\"CpuShares\":5,\"RestartPolicy\":{\"Name\":\"always\"}}");
	assert_int_equal(settings_update_wanted(&s, &update).pids, 0);
	assert_int_equal(update.warnings.count, 1);
	settings_update_apply(&s, &update);
	assert_int_equal(s.host.cpu_shares, 5);
	assert_int_equal(s.host.pids_limit, 0);
	assert_string_equal(s.restart_policy, "always");
	update = parse("{\"RestartPolicy\":{\"Name\":\"no\"}}");
	assert_false(settings_update_limits(&s, &update));
	settings_update_apply(&s, &update);
	settings_deinit(&s);
}

static void check_refused(const struct settings *s, const char *body, const char *says)
{
	struct settings_update update;
	char error[SETTINGS_ERROR_MAX];
	error_t err = settings_update_parse(&update, text_span(body), error);

	if (err == 0) {
		err = settings_update_check(s, &update, error);
		settings_update_deinit(&update);
	}
	if (err == 0 || strstr(error, says) == NULL)
		fail_msg("%s: %s", body, err == 0 ? "taken" : error);
}

static void test_refused(void **state)
{
	static const struct {
		const char *body;
		const char *says;
	} cases[] = {
		{ "[", "not a JSON object" },
		{ "{\"Memory\":\"x\"}", "Memory" },
		{ "{\"Memory\":1048576}", "Minimum memory limit" },
		{ "{\"Memory\":-1}", "Minimum memory limit" },
		{ "{\"Memory\":99999999999999,\"MemorySwap\":-1}", "at most 8 GiB" },
		{ "{\"NanoCpus\":5000000000}", "Range of CPUs" },
		{ "{\"CpuQuota\":50000}", "CPU Quota cannot be updated as NanoCPUs" },
		{ "{\"CpuPeriod\":5}", "CPU Period cannot be updated as NanoCPUs" },
		{ "{\"PidsLimit\":99999999999}", "PidsLimit" },
		{ "{\"Memory\":536870912,\"MemorySwap\":268435456}", "memoryswap" },
		{ "{\"Memory\":2147483648}", "already set memoryswap limit" },
		{ "{\"RestartPolicy\":{\"Name\":\"x\"}}", "unknown policy" },
		{ "{\"CpusetCpus\":\"0\"}", "CpusetCpus is not supported" },
		{ "{\"Memory\":1}x", "unexpected content after JSON" },
	};
	static const struct settings s = { .memory = 512 * MIB,
		                           .nano_cpus = 1000000000,
		                           .host = { .memory_swap = 1024 * MIB } };
	static const struct settings by_quota = { .host = { .cpu_quota = 50000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(&s, cases[i].body, cases[i].says);
	check_refused(&by_quota, "{\"CpuQuota\":4503599627370496}", "at most 4 CPUs");
	check_refused(&by_quota, "{\"CpuQuota\":5}", "quota can not be less than 1ms");
	check_refused(&by_quota, "{\"NanoCpus\":1000000000}", "CPU Quota has already been set");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
