// SPDX-License-Identifier: MIT
// GET /containers/NAME/stats: what docker's client reckons with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/stats_json.h"

static const struct stats_subject subject = { .id = "0123",
	                                      .name = "web",
	                                      .cpus = 2,
	                                      .memory = 512ull << 20,
	                                      .has_network = true };

static void expect(const struct stats_sample *before, const struct stats_sample *now,
                   const char *const *parts)
{
	struct json_writer w = { 0 };
	struct json_reader r;
	const char *text;

	stats_write(&subject, before, now, &w);
	text = json_writer_text(&w);
	r = json_reader_make((struct span){ (const uint8_t *)text, w.len });
	json_skip(&r);
	assert_true(json_at_end(&r));
	for (; *parts != NULL; parts++)
		if (strstr(text, *parts) == NULL)
			fail_msg("%s is not in %s", *parts, text);
	json_writer_deinit(&w);
}

static void test_running(void **state)
{
	static const struct stats_sample none;
	struct stats_sample now = { .stats = { .memory = 1000,
		                               .memory_cached = 100,
		                               .memory_limit = UINT64_MAX,
		                               .cpu_us = 5,
		                               .pids = 3,
		                               .disk_read = 7,
		                               .received = { .bytes = 11 },
		                               .sent = { .bytes = 13 } },
		                    .wall = 1,
		                    .monotonic = 1000 };
	static const char *const parts[] = {
		"\"name\":\"/web\"", "\"preread\":\"0001-01-01T00:00:00Z\"",
		"\"pids_stats\":{\"current\":3}", "\"total_usage\":5000",
		"\"system_cpu_usage\":2000,\"online_cpus\":2",
		// Never more than its virtual machine has.
		"{\"usage\":1000,\"stats\":{\"inactive_file\":100},\"limit\":536870912}",
		"\"op\":\"read\",\"value\":7}", "\"rx_bytes\":11", "\"tx_bytes\":13", NULL
	};

	(void)state;
	expect(&none, &now, parts);
}

// Clients show it with a line of its own.
static void test_stopped(void **state)
{
	static const struct stats_sample none;
	static const char *const parts[] = { "\"id\":\"0123\"", "\"memory_stats\":{}", NULL };

	(void)state;
	expect(&none, &none, parts);
}

// The guest may say anything.
static void test_hostile(void **state)
{
	static const char *const parts[] = { "\"networks\"", NULL };
	struct stats_sample now = { .wall = UINT64_MAX, .monotonic = UINT64_MAX };

	(void)state;
	memset(&now.stats, 0xff, sizeof(now.stats));
	expect(&now, &now, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
