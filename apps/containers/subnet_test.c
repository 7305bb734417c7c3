// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/containers/subnet.h"

static void reading(void **state)
{
	static const char *const bad[] = { "",           "1.2.3",         "1.2.3.4",    "1.2.3.4/",
		                           "1.2.3.4/33", "1.2.3.256/8",   "1.2.3.4/8 ", "a.b.c.d/8",
		                           "1..2.3/8",   "00001.2.3.4/8", "1.2.3.4/-1" };
	char text[SUBNET_TEXT_MAX];
	struct subnet subnet;
	uint32_t address;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(subnet_read(bad[i], &subnet));
	assert_true(subnet_read("172.18.3.4/16", &subnet));
	subnet_write(&subnet, text);
	assert_string_equal(text, "172.18.0.0/16");
	assert_true(subnet_read("255.255.255.255/32", &subnet));
	subnet_write(&subnet, text);
	assert_string_equal(text, "255.255.255.255/32");
	assert_true(address_read("10.0.2.15", &address));
	assert_int_equal(address, 0x0a00020f);
	assert_false(address_read("10.0.2.15.", &address));
	assert_false(address_read("10.0.2.15/8", &address));
}

static bool reads(const char *text, struct subnet *out)
{
	return subnet_read(text, out);
}

static void containing(void **state)
{
	struct subnet a, b, c;

	(void)state;
	assert_true(reads("172.18.0.0/16", &a) && reads("172.18.7.0/24", &b) &&
	            reads("172.19.0.0/16", &c));
	assert_true(subnet_overlaps(&a, &b) && subnet_overlaps(&b, &a));
	assert_false(subnet_overlaps(&a, &c));
	assert_true(subnet_contains(&a, &b));
	assert_false(subnet_contains(&b, &a));
	assert_true(subnet_has_host(&b, 0xac120701) && subnet_has_host(&b, 0xac1207fe));
	assert_false(subnet_has_host(&b, 0xac120700) || subnet_has_host(&b, 0xac1207ff) ||
	             subnet_has_host(&b, 0xac120801));
}

static void usable(void **state)
{
	static const char *const bad[] = { "0.1.0.0/16",  "127.1.0.0/16", "169.254.0.0/16",
		                           "224.0.0.0/8", "240.0.0.0/8",  "10.0.0.0/30",
		                           "10.0.0.0/7",  "255.0.0.0/8" };
	struct subnet subnet, other;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(reads(bad[i], &subnet) && subnet_is_usable(&subnet));
	assert_true(reads("10.20.0.0/29", &subnet) && subnet_is_usable(&subnet));
	// The defaults are, and none is another's.
	for (size_t i = 0; subnet_default(i, &subnet); i++) {
		assert_true(subnet_is_usable(&subnet));
		for (size_t k = 0; k < i; k++)
			assert_false(subnet_default(k, &other) && subnet_overlaps(&subnet, &other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(containing),
		cmocka_unit_test(usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
