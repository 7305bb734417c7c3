// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "libs/base/checksum.h"

// RFC 1071, word by word.
static uint16_t reference(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] | data[i + 1] << 8);
	if (len % 2 != 0)
		sum += data[len - 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void agrees_with_the_definition(void **state)
{
	uint8_t data[600];

	(void)state;
	srandom(1);
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = round == 0 ? 0xff : (uint8_t)random();
		for (size_t offset = 0; offset < 9; offset++) {
			for (size_t len = 0; len + offset < sizeof(data); len++)
				assert_int_equal(checksum_sum(data + offset, len),
				                 reference(data + offset, len));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_the_definition) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
