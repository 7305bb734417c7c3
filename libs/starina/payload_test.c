// SPDX-License-Identifier: MIT
#include "libs/starina/payload.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "libs/starina/host_kernel.h"

static uint8_t bytes[20000];

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + (i >> 8));
	assert_int_equal(host_kernel.num_folios, 0);
	return 0;
}

// Whatever a test did, no folio is left.
static int teardown(void **state)
{
	(void)state;
	return host_kernel.num_folios == 0 ? 0 : -1;
}

static void test_what_is_made_is_read(void **state)
{
	static const size_t sizes[] = {
		0, 1, MSG_DATA_INLINE_MAX, MSG_DATA_INLINE_MAX + 1, 4096, 4097, 20000
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct payload payload = { 0 };
		struct message m;

		assert_int_equal(payload_make(&m, bytes, sizes[i]), 0);
		assert_int_equal(m.num_handles, sizes[i] > MSG_DATA_INLINE_MAX);
		assert_int_equal(payload_open(&m, &payload), 0);
		// The folio is the payload's now.
		assert_int_equal(m.num_handles, 0);
		assert_int_equal(payload.bytes.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(payload.bytes.data, bytes, sizes[i]);
		payload_release(&payload);
		payload_release(&payload);
		assert_int_equal(host_kernel.num_folios, 0);
	}
}

static void test_no_memory(void **state)
{
	struct message m;

	(void)state;
	host_kernel.memory_limit = 4096;
	assert_int_equal(payload_make(&m, bytes, 5000), ERR_LIMIT);
	host_kernel.memory_limit = 1;
	assert_int_equal(payload_make(&m, bytes, 1000), ERR_LIMIT);
	host_kernel.memory_limit = 0;
	assert_int_equal(payload_make(&m, bytes, FOLIO_MAX_CONTIGUOUS + 1ul), ERR_TOO_LARGE);
}

// A message with a folio of two pages and this range.
static struct message range_message(uint32_t offset, uint32_t length)
{
	struct msg_data data = { .offset = offset, .length = length };
	struct message m;

	assert_int_equal(message_encode_data(&m, &data, NULL, 0), 0);
	assert_int_equal(folio_create(8192, FOLIO_CONTIGUOUS, &m.handles[0]), 0);
	m.num_handles = 1;
	return m;
}

static void test_ranges(void **state)
{
	static const struct {
		uint32_t offset, length;
		bool good;
	} ranges[] = {
		{ 0, 8192, true },        { 8191, 1, true },
		{ 8192, 0, true },        { 100, 200, true },
		{ 0, 8193, false },       { 8192, 1, false },
		{ 8193, 0, false },       { 4096, UINT32_MAX, false },
		{ UINT32_MAX, 1, false }, { UINT32_MAX, UINT32_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct message m = range_message(ranges[i].offset, ranges[i].length);
		struct payload payload = { 0 };
		error_t err = payload_open(&m, &payload);

		assert_int_equal(err, ranges[i].good ? 0 : ERR_PROTOCOL);
		if (ranges[i].good)
			assert_int_equal(payload.bytes.len, ranges[i].length);
		payload_release(&payload);
		// Also where the range was bad.
		assert_int_equal(host_kernel.num_folios, 0);
	}
}

static void test_malformed(void **state)
{
	struct payload payload = { 0 };
	struct message m = range_message(0, 1);

	(void)state;
	m.len = sizeof(struct msg_data) - 1;
	assert_int_equal(payload_open(&m, &payload), ERR_PROTOCOL);
	assert_int_equal(m.num_handles, 0);
	m = range_message(0, 1);
	m.type = MSG_ABORT;
	assert_int_equal(payload_open(&m, &payload), ERR_PROTOCOL);
	m = range_message(0, 1);
	assert_int_equal(folio_create(1, FOLIO_CONTIGUOUS, &m.handles[1]), 0);
	m.num_handles = 2;
	assert_int_equal(payload_open(&m, &payload), ERR_PROTOCOL);
	assert_int_equal(payload_open_folio(4000, 0, 1, &payload), ERR_BAD_HANDLE);
	assert_null(payload.bytes.data);
}

static void test_discard(void **state)
{
	struct message m = range_message(0, 1);

	(void)state;
	assert_int_equal(folio_create(1, FOLIO_CONTIGUOUS, &m.handles[1]), 0);
	m.handles[2] = HANDLE_NONE;
	m.num_handles = 3;
	message_discard(&m);
	assert_int_equal(host_kernel.num_folios, 0);
	assert_int_equal(m.num_handles, 0);
	message_discard(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_made_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
