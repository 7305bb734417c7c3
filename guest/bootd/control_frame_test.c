// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "guest/bootd/control_frame.h"

static size_t make(uint8_t *buffer, size_t capacity, const char *text)
{
	struct control_header header = { .type = CONTROL_START, .process = 1, .request = 9 };
	size_t used = 0;

	assert_int_equal(
		frame_append(buffer, capacity, &used, &header, NULL, 0, text, strlen(text)), 0);
	return used;
}

static void parses_what_append_made(void **state)
{
	uint8_t buffer[64];
	struct control_header header;
	size_t size = make(buffer, sizeof(buffer), "hello");

	(void)state;
	assert_int_equal(size, sizeof(header) + 5);
	assert_int_equal(frame_parse(buffer, size, &header), 0);
	assert_int_equal(header.type, CONTROL_START);
	assert_int_equal(header.request, 9);
	assert_int_equal(header.length, 5);
	// Each shorter piece is incomplete, whatever follows it in memory.
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(frame_parse(buffer, cut, &header), -EAGAIN);
}

static void refuses_bad_headers(void **state)
{
	uint8_t buffer[64];
	struct control_header header;
	size_t size = make(buffer, sizeof(buffer), "");
	const uint32_t too_long = CONTROL_MAX_BODY + 1;

	(void)state;
	buffer[4] = CONTROL_VERSION + 1;
	assert_int_equal(frame_parse(buffer, size, &header), -EPROTONOSUPPORT);
	buffer[4] = CONTROL_VERSION;
	memcpy(buffer + 16, &too_long, 4);
	assert_int_equal(frame_parse(buffer, size, &header), -EMSGSIZE);
	assert_int_equal(header.length, too_long);
	buffer[0] ^= 1;
	assert_int_equal(frame_parse(buffer, size, &header), -EPROTO);
}

static void append_respects_capacity(void **state)
{
	uint8_t buffer[64];
	struct control_header header = { .type = CONTROL_REPLY };
	size_t used = 30;

	(void)state;
	assert_int_equal(frame_append(buffer, 64, &used, &header, "1234", 4, "123456", 6), 0);
	assert_int_equal(used, 64);
	used = 31;
	assert_int_equal(frame_append(buffer, 64, &used, &header, "1234", 4, "123456", 6), -ENOSPC);
	assert_int_equal(used, 31);
	used = 50;
	assert_int_equal(frame_append(buffer, 64, &used, &header, NULL, 0, NULL, 0), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_append_made),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(append_respects_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
