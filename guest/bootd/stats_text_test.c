// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guest/bootd/stats_text.h"

static void fields(void **state)
{
	static const char text[] = "usage_usec 12\nuser_usec 5\nuser 7\nlast 18446744073709551615";

	(void)state;
	assert_int_equal(stats_field(text, "usage_usec"), 12);
	assert_int_equal(stats_field(text, "user"), 7);
	assert_int_equal(stats_field(text, "usec"), 0);
	assert_int_equal(stats_field(text, "last"), UINT64_MAX);
	assert_int_equal(stats_field("", "last"), 0);
	assert_int_equal(stats_field("last", "last"), 0);
}

static void interfaces(void **state)
{
	static const char text[] =
		"Inter-|   Receive  |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
		"    lo:     100       2    0    0    0     0          0         0      100       2\n"
		"  eth0: 1234 5 6 7 0 0 0 0 4321 8 9 10 0 0 0 0\n";
	struct control_interface in, out;

	(void)state;
	stats_interface(text, "eth0", &in, &out);
	assert_int_equal(in.bytes, 1234);
	assert_int_equal(in.dropped, 7);
	assert_int_equal(out.bytes, 4321);
	assert_int_equal(out.dropped, 10);
	// A short line is not filled from the next one.
	stats_interface(text, "lo", &in, &out);
	assert_int_equal(out.packets, 2);
	assert_int_equal(out.errors, 0);
	stats_interface(text, "eth1", &in, &out);
	assert_int_equal(in.bytes, 0);
}

static void disks(void **state)
{
	static const char text[] = "   1       0 ram0 9 9 9 9 9 9 9\n"
				   " 254       0 vda 10 0 20 1 5 0 6 0 0 0 0\n"
				   " 254      16 vdb 1 0 2 0 1 0 4 0 0 0 0\n"
				   " 254";
	uint64_t read, written;

	(void)state;
	stats_disks(text, &read, &written);
	assert_int_equal(read, 22 * 512);
	assert_int_equal(written, 10 * 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
