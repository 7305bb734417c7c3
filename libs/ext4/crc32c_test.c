// SPDX-License-Identifier: MIT
#include "libs/ext4/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void known_values(void **state)
{
	uint8_t zeroes[32] = { 0 };

	(void)state;
	assert_int_equal(~crc32c(~0u, "123456789", 9), 0xe3069283);
	assert_int_equal(~crc32c(~0u, zeroes, 32), 0x8a9136aa);  // RFC 3720, B.4
	assert_int_equal(crc32c(crc32c(~0u, "12345", 5), "6789", 4), crc32c(~0u, "123456789", 9));
}

static void the_same_wherever_the_bytes_lie(void **state)
{
	uint8_t bytes[64], moved[sizeof(bytes) + 8];

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint32_t expected = ~0u;

		for (size_t i = 0; i < len; i++)
			expected = crc32c(expected, &bytes[i], 1);
		for (size_t at = 0; at < 8; at++) {
			memcpy(moved + at, bytes, len);
			assert_int_equal(crc32c(~0u, moved + at, len), expected);
		}
	}
}

static void a_checksum_can_be_chosen(void **state)
{
	uint8_t bytes[100];

	(void)state;
	for (uint8_t i = 0; i < 100; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t offset = 0; offset <= 96; offset++) {
		uint32_t four = crc32c_force(~0u, bytes, 100, offset, 0x12345678);

		for (size_t i = 0; i < 4; i++)
			bytes[offset + i] = (uint8_t)(four >> 8 * i);
		assert_int_equal(crc32c(~0u, bytes, 100), 0x12345678);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(the_same_wherever_the_bytes_lie),
		cmocka_unit_test(a_checksum_can_be_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
