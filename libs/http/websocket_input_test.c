// SPDX-License-Identifier: MIT
//
// Frames of a WebSocket's client: the RFC's vectors (RFC 6455 5.7), in any pieces, and all that is
// none.
#include "libs/http/websocket_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/http/sha1.h"

#define MAX 70000u

static struct websocket_input in;
static unsigned code;
static uint8_t got[MAX];
static size_t got_len;

// What `bytes` make, given in pieces of `piece` bytes: the first that is whole.
static enum websocket_event take(const void *bytes, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece) {
		struct span rest = { .data = (const uint8_t *)bytes + at,
			             .len = len - at < piece ? len - at : piece };

		while (rest.len > 0) {
			struct span payload;
			enum websocket_event event =
				websocket_input_take(&in, &rest, &payload, &code);

			if (event == WEBSOCKET_MORE)
				break;
			if (payload.len > 0)
				memcpy(got, payload.data, payload.len);
			got_len = payload.len;
			return event;
		}
	}
	return WEBSOCKET_MORE;
}

static void begin(void)
{
	websocket_input_deinit(&in);
	in.max = MAX;
	got_len = 0;
}

#define TAKE(bytes, piece) take(bytes, sizeof(bytes) - 1, piece)

static void check_got(const char *text)
{
	assert_int_equal(got_len, strlen(text));
	assert_memory_equal(got, text, got_len);
}

static int teardown(void **state)
{
	(void)state;
	begin();
	return 0;
}

#define MASKED_HELLO "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

static void the_vectors(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 12; piece++) {
		begin();
		assert_int_equal(TAKE(MASKED_HELLO, piece), WEBSOCKET_TEXT);
		check_got("Hello");
		assert_int_equal(TAKE("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", piece),
		                 WEBSOCKET_PONG);
		check_got("Hello");
		// In two fragments, with a ping between them.
		assert_int_equal(TAKE("\x01\x83\0\0\0\0Hel\x89\x80\0\0\0\0", piece),
		                 WEBSOCKET_PING);
		check_got("");
		assert_int_equal(TAKE("\x80\x82\0\0\0\0lo", piece), WEBSOCKET_TEXT);
		check_got("Hello");
		assert_int_equal(TAKE("\x82\x80\0\0\0\0", piece), WEBSOCKET_BINARY);
		check_got("");
	}
}

// 256 bytes and 64 KiB, as the RFC has them, but masked.
static void lengths(void **state)
{
	static uint8_t frame[14 + 65536];

	(void)state;
	begin();
	memcpy(frame, "\x82\xfe\x01\x00\x01\x02\x03\x04", 8);
	for (size_t i = 0; i < 256; i++)
		frame[8 + i] = (uint8_t)i ^ (uint8_t)(i % 4 + 1);
	assert_int_equal(take(frame, 8 + 256, 7), WEBSOCKET_BINARY);
	assert_int_equal(got_len, 256);
	for (size_t i = 0; i < 256; i++)
		assert_int_equal(got[i], i);
	memcpy(frame, "\x82\xff\0\0\0\0\0\x01\0\0\0\0\0\0", 14);
	memset(frame + 14, 'x', 65536);
	assert_int_equal(take(frame, sizeof(frame), 1000), WEBSOCKET_BINARY);
	assert_int_equal(got_len, 65536);
}

static void check_broken(const char *bytes, size_t len, unsigned expected)
{
	begin();
	code = 0;
	assert_int_equal(take(bytes, len, len), WEBSOCKET_BROKEN);
	assert_int_equal(code, expected);
}

#define BROKEN(bytes, expected) check_broken(bytes, sizeof(bytes) - 1, expected)

static void what_is_no_frame(void **state)
{
	(void)state;
	BROKEN("\x81\x05Hello", WEBSOCKET_PROTOCOL_ERROR);          // not masked
	BROKEN("\xc1\x85\0\0\0\0Hello", WEBSOCKET_PROTOCOL_ERROR);  // a reserved bit
	BROKEN("\x83\x80\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);       // reserved opcodes
	BROKEN("\x8b\x80\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);
	BROKEN("\x09\x80\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);          // a control frame's fragment
	BROKEN("\x89\xfe\x00\x7e\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);  // a large control frame
	BROKEN("\x80\x80\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);          // goes on with nothing
	BROKEN("\x01\x80\0\0\0\0\x81\x80", WEBSOCKET_PROTOCOL_ERROR);  // another one within
	BROKEN("\x82\xfe\x00\x7d\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);  // a length in too many bytes
	BROKEN("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);
	BROKEN("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", WEBSOCKET_PROTOCOL_ERROR);
	BROKEN("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", WEBSOCKET_TOO_LARGE);
	BROKEN("\x81\x82\0\0\0\0\xc3\x28", WEBSOCKET_NOT_UTF8);
}

// A message that never ends is as long as one may be.
static void fragments_without_an_end(void **state)
{
	static uint8_t fragment[6 + 125] = { 0x02, 0xfd };
	enum websocket_event event = WEBSOCKET_MORE;
	size_t count = 0;

	(void)state;
	begin();
	while (event == WEBSOCKET_MORE) {
		event = take(fragment, sizeof(fragment), 50);
		fragment[0] = 0;
		count++;
	}
	assert_int_equal(event, WEBSOCKET_BROKEN);
	assert_int_equal(code, WEBSOCKET_TOO_LARGE);
	assert_int_equal(count, MAX / 125 + 1);
}

static void closes(void **state)
{
	(void)state;
	begin();
	assert_int_equal(TAKE("\x88\x80\0\0\0\0", 1), WEBSOCKET_CLOSE);
	assert_int_equal(code, WEBSOCKET_NORMAL);
	begin();
	assert_int_equal(TAKE("\x88\x86\0\0\0\0\x0b\xb8"
	                      "bye!",
	                      3),
	                 WEBSOCKET_CLOSE);
	assert_int_equal(code, 3000);
	BROKEN("\x88\x81\0\0\0\0\x03", WEBSOCKET_PROTOCOL_ERROR);
	BROKEN("\x88\x82\0\0\0\0\x03\xed", WEBSOCKET_PROTOCOL_ERROR);  // 1005: never sent
	BROKEN("\x88\x82\0\0\0\0\x03\xe7", WEBSOCKET_PROTOCOL_ERROR);  // 999
	BROKEN("\x88\x83\0\0\0\0\x03\xe8\xff", WEBSOCKET_NOT_UTF8);
}

// FIPS 180-2, appendix A.
static void hashes(void **state)
{
	static const struct {
		const char *text;
		const char *hash;
	} vectors[] = {
		{ "abc",
		  "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1" },
		{ "",
		  "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09" },
	};
	uint8_t hash[SHA1_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		sha1(text_span(vectors[i].text), hash);
		assert_memory_equal(hash, vectors[i].hash, SHA1_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_vectors, teardown),
		cmocka_unit_test_teardown(lengths, teardown),
		cmocka_unit_test_teardown(what_is_no_frame, teardown),
		cmocka_unit_test_teardown(fragments_without_an_end, teardown),
		cmocka_unit_test_teardown(closes, teardown),
		cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
