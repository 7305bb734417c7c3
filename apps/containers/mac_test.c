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
	uint8_t mac[NETDEV_MAC_LEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_true(mac_read("02:42:AC:11:00:0a", mac));
	assert_memory_equal(mac, "\2\x42\xac\x11\0\xa", NETDEV_MAC_LEN);
	mac_write(mac, text);
	assert_string_equal(text, "02:42:ac:11:00:0a");
	assert_true(mac_read("f2-42-ac-11-00-0a", mac));
	assert_int_equal(mac[0], 0xf2);
	assert_true(mac_read("", mac));
	mac_write(mac, text);
	assert_string_equal(text, "");
	// As inspect shows it of a container that has asked for none.
	assert_true(mac_read("02:53:0a:00:02:65", mac));
	assert_false(netdev_mac_is_set(mac));
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
	assert_int_equal(mac_check("02:53:ac:11:00:0a", error), 0);
	assert_int_equal(mac_check("52:55:0a:00:02:02", error), ERR_INVALID);
}

static void recording(void **state)
{
	static const uint8_t mac[NETDEV_MAC_LEN] = { 2, 0x42, 0xac, 0x11, 0, 10 },
			     none[NETDEV_MAC_LEN];
	static const char bad[] = "\"02:42:ac\"";
	struct json_writer w = { 0 };
	struct json_reader r;
	uint8_t again[NETDEV_MAC_LEN];

	(void)state;
	mac_write_record(&w, none);
	assert_int_equal(w.len, 0);
	mac_write_record(&w, mac);
	assert_string_equal(json_writer_text(&w), ",\"Mac\":\"02:42:ac:11:00:0a\"");
	r = json_reader_make(
		(struct span){ .data = (const uint8_t *)w.text + 7, .len = w.len - 7 });
	mac_read_record(&r, again);
	assert_true(json_at_end(&r));
	assert_memory_equal(again, mac, NETDEV_MAC_LEN);
	json_writer_deinit(&w);
	r = json_reader_make((struct span){ .data = (const uint8_t *)bad, .len = sizeof(bad) - 1 });
	mac_read_record(&r, again);
	assert_true(json_reader_status(&r) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(checking),
		cmocka_unit_test(recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
