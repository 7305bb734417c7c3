// SPDX-License-Identifier: MIT
//
// MAC addresses as clients write them.
#include "apps/containers/mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void reading(void **state)
{
	static const char *const bad[] = {
		"0",
		"02",
		"02:",
		"02:42:ac:11:00",
		"02:42:ac:11:00:",
		"02:42:ac:11:00:0",
		"02:42:ac:11:00:0a:",
		"02:42:ac:11:00:0a:01",
		"2:42:ac:11:00:0a",
		"02:42:ac:11:00:0g",
		"0242ac11000a",
		"02.42.ac.11.00.0a",
		" 02:42:ac:11:00:0a",
	};
	uint8_t mac[MAC_LEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_true(mac_read("02:42:AC:11:00:0a", mac));
	assert_memory_equal(mac, "\2\x42\xac\x11\0\xa", MAC_LEN);
	mac_write(mac, text);
	assert_string_equal(text, "02:42:ac:11:00:0a");
	assert_true(mac_read("f2-42-ac-11-00-0a", mac));
	assert_int_equal(mac[0], 0xf2);
	assert_true(mac_read("", mac));
	mac_write(mac, text);
	assert_string_equal(text, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mac_read(bad[i], mac));
}

static void checking(void **state)
{
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(mac_check("02:42:ac:11:00:0a", error), 0);
	assert_int_equal(mac_check("52:54:00:11:00:0a", error), 0);
	assert_int_equal(mac_check("", error), 0);
	assert_int_equal(mac_check("x", error), ERR_INVALID);
	assert_string_equal(error, "invalid MAC address: x");
	assert_int_equal(mac_check("03:42:ac:11:00:0a", error), ERR_INVALID);
	assert_int_equal(mac_check("02:53:ac:11:00:0a", error), ERR_INVALID);
	assert_int_equal(mac_check("52:55:0a:00:02:02", error), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(checking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
