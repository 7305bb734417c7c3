// SPDX-License-Identifier: MIT
// GET /containers/NAME/top: columns, rows, and entries that are none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/top.h"
#include "libs/abi/vmm.h"

// 2026-11-29 06:00:00 UTC
#define NOW (1795932000ull * NSEC_PER_SEC)

static const struct top_host host = { .now = NOW, .memory = 512u << 20 };

static size_t add(uint8_t *out, uint32_t pid, nsec_t start, const char *command)
{
	struct vmm_top_entry entry = { .pid = pid,
		                       .parent = 1,
		                       .uid = 1000,
		                       .terminal = 136 << 8 | 2,
		                       .length = (uint32_t)strlen(command),
		                       .start_time_ns = start,
		                       .cpu_time_ns = 3725 * NSEC_PER_SEC,
		                       .virtual_bytes = 4096 * 1024,
		                       .resident_bytes = 8u << 20,
		                       .state = 'S' };

	memcpy(out, &entry, sizeof(entry));
	memcpy(out + sizeof(entry), command, entry.length);
	return sizeof(entry) + entry.length;
}

static void check(const char *arguments, const char *wanted)
{
	uint8_t bytes[512];
	size_t len = add(bytes, 7, NOW - 7450 * NSEC_PER_SEC, "/bin/sh -c \"x\"");
	struct top_columns columns;
	struct json_writer w = { 0 };

	len += add(bytes + len, 8, NOW - 864000 * NSEC_PER_SEC, "a\xff\nb");
	assert_int_equal(top_columns_read(arguments, &columns), 0);
	assert_int_equal(top_write(&columns, (struct span){ bytes, len }, &host, &w), 0);
	assert_string_equal(json_writer_text(&w), wanted);
	json_writer_deinit(&w);
}

static void test_rows(void **state)
{
	(void)state;
	check("",
	      "{\"Titles\":[\"UID\",\"PID\",\"PPID\",\"C\",\"STIME\",\"TTY\",\"TIME\",\"CMD\"],"
	      "\"Processes\":[[\"1000\",\"7\",\"1\",\"50\",\"03:55\",\"pts/2\",\"01:02:05\","
	      "\"/bin/sh -c \\\"x\\\"\"],[\"1000\",\"8\",\"1\",\"0\",\"Nov19\",\"pts/2\","
	      "\"01:02:05\",\"a??b\"]]}");
	check("-eo pid,comm,pcpu",
	      "{\"Titles\":[\"PID\",\"COMMAND\",\"%CPU\"],\"Processes\":[[\"7\",\"sh\",\"50.0\"],"
	      "[\"8\",\"a??b\",\"0.4\"]]}");
	check("-e -o pid -o args",
	      "{\"Titles\":[\"PID\",\"COMMAND\"],\"Processes\":[[\"7\",\"/bin/sh -c \\\"x\\\"\"],"
	      "[\"8\",\"a??b\"]]}");
	check("auxw",
	      "{\"Titles\":[\"USER\",\"PID\",\"%CPU\",\"%MEM\",\"VSZ\",\"RSS\",\"TTY\",\"STAT\","
	      "\"START\",\"TIME\",\"COMMAND\"],\"Processes\":[[\"1000\",\"7\",\"50.0\",\"1.5\","
	      "\"4096\",\"8192\",\"pts/2\",\"S\",\"03:55\",\"62:05\",\"/bin/sh -c \\\"x\\\"\"],["
	      "\"1000\",\"8\",\"0.4\",\"1.5\",\"4096\",\"8192\",\"pts/2\",\"S\",\"Nov19\","
	      "\"62:05\",\"a??b\"]]}");
	check("ax",
	      "{\"Titles\":[\"PID\",\"TTY\",\"STAT\",\"TIME\",\"COMMAND\"],\"Processes\":[[\"7\","
	      "\"pts/2\",\"S\",\"62:05\",\"/bin/sh -c \\\"x\\\"\"],[\"8\",\"pts/2\",\"S\","
	      "\"62:05\",\"a??b\"]]}");
}

static void test_columns(void **state)
{
	static const char *const bad[] = { "-o",
		                           "auxz",
		                           "a u",
		                           "-o pid,",
		                           "-o ,pid",
		                           "-o nosuch",
		                           "-ef -o pid",
		                           "-o pid pid",
		                           "-o pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,"
		                           "pid,pid,pid,pid" };
	struct top_columns columns;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(top_columns_read(bad[i], &columns), ERR_INVALID);
	assert_int_equal(top_columns_read("-ef", &columns), 0);
	assert_int_equal(columns.count, 8);
}

static void test_cut(void **state)
{
	uint8_t bytes[256];
	size_t len = add(bytes, 7, 0, "sleep 1");
	struct top_columns columns;

	(void)state;
	assert_int_equal(top_columns_read("", &columns), 0);
	for (size_t cut = 1; cut < len; cut++) {
		struct json_writer w = { 0 };

		assert_int_equal(top_write(&columns, (struct span){ bytes, cut }, &host, &w),
		                 ERR_PROTOCOL);
		json_writer_deinit(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
