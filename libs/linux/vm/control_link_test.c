// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/vm/control_link.h"

static struct control_link link;
static struct control_header last;
static uint8_t last_body[CONTROL_LINK_MAX_BODY];
static uint32_t frames;

static error_t take_frame(void *context, const struct control_header *header, struct span body)
{
	(void)context;
	last = *header;
	memcpy(last_body, body.data, body.len);
	frames++;
	return header->type == 99 ? ERR_PROTOCOL : 0;
}

static int setup(void **state)
{
	(void)state;
	control_link_init(&link, take_frame, NULL);
	frames = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	control_link_deinit(&link);
	return 0;
}

static size_t make_frame(uint8_t *out, uint16_t type, const void *body, uint32_t len)
{
	struct control_header header = { .magic = CONTROL_MAGIC,
		                         .version = CONTROL_VERSION,
		                         .type = type,
		                         .length = len };

	memcpy(out, &header, sizeof(header));
	if (len > 0)
		memcpy(out + sizeof(header), body, len);
	return sizeof(header) + len;
}

static void test_receive_in_pieces(void **state)
{
	uint8_t bytes[256];
	size_t len;

	(void)state;
	len = make_frame(bytes, CONTROL_EVENT_READY, "0123456789abcdef", 16);
	len += make_frame(bytes + len, CONTROL_EVENT_STARTED, NULL, 0);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(control_link_receive(&link, span_make(bytes + i, 1)), 0);
	assert_int_equal(frames, 2);
	assert_int_equal(last.type, CONTROL_EVENT_STARTED);
	assert_memory_equal(last_body, "0123456789abcdef", 16);
	assert_int_equal(control_link_receive(&link, span_make(bytes, len)), 0);
	assert_int_equal(frames, 4);
}

static void test_hostile_frames(void **state)
{
	static uint8_t bytes[sizeof(struct control_header) + CONTROL_LINK_MAX_BODY + 1];
	struct control_header header = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION };
	size_t len;

	(void)state;
	assert_int_equal(control_link_receive(&link, span_make("GET / HTTP/1.1\r\n\r\n......", 24)),
	                 ERR_PROTOCOL);
	setup(NULL);
	header.length = CONTROL_LINK_MAX_BODY + 1;
	assert_int_equal(control_link_receive(&link, span_make(&header, sizeof(header))),
	                 ERR_PROTOCOL);
	setup(NULL);
	header.length = UINT32_MAX;
	assert_int_equal(control_link_receive(&link, span_make(&header, sizeof(header))),
	                 ERR_PROTOCOL);
	setup(NULL);
	header.length = 0;
	header.version = CONTROL_VERSION + 1;
	assert_int_equal(control_link_receive(&link, span_make(&header, sizeof(header))),
	                 ERR_PROTOCOL);
	setup(NULL);
	len = make_frame(bytes, 99, NULL, 0);
	assert_int_equal(control_link_receive(&link, span_make(bytes, len)), ERR_PROTOCOL);
	// The largest body is fine.
	setup(NULL);
	len = make_frame(bytes, CONTROL_EVENT_FAILED, NULL, 0);
	((struct control_header *)(void *)bytes)->length = CONTROL_LINK_MAX_BODY;
	assert_int_equal(control_link_receive(&link, span_make(bytes, len + CONTROL_LINK_MAX_BODY)),
	                 0);
	assert_int_equal(frames, 1);
}

static void test_requests(void **state)
{
	static uint8_t huge[CONTROL_MAX_BODY];
	struct control_header header;
	struct span pending;
	uint32_t request;

	(void)state;
	assert_int_equal(control_link_request(&link, CONTROL_MOUNT, 1, span_make("ab", 2),
	                                      span_make("cde", 3), &request),
	                 0);
	assert_int_equal(request, 1);
	pending = control_link_pending(&link);
	assert_int_equal(pending.len, sizeof(header) + 5);
	memcpy(&header, pending.data, sizeof(header));
	assert_int_equal(header.type, CONTROL_MOUNT);
	assert_int_equal(header.length, 5);
	assert_memory_equal(pending.data + sizeof(header), "abcde", 5);
	// More is queued behind what was sent in part.
	control_link_sent(&link, sizeof(header) + 4);
	assert_int_equal(control_link_request(&link, CONTROL_SIGNAL, 1, span_make("xyzw", 4),
	                                      span_make(NULL, 0), &request),
	                 0);
	assert_int_equal(request, 2);
	pending = control_link_pending(&link);
	assert_int_equal(pending.len, 1 + sizeof(header) + 4);
	assert_int_equal(pending.data[0], 'e');
	control_link_sent(&link, pending.len);
	assert_int_equal(control_link_pending(&link).len, 0);
	assert_int_equal(control_link_request(&link, CONTROL_CONFIGURE, 1,
	                                      span_make(huge, sizeof(huge)), span_make("a", 1),
	                                      &request),
	                 ERR_TOO_LARGE);
	assert_int_equal(control_link_request(&link, CONTROL_CONFIGURE, 1, span_make(NULL, 0),
	                                      span_make(huge, sizeof(huge)), &request),
	                 0);
}

// bootd, or who is in its place, answers as often as it was asked and no more.
static void test_replies(void **state)
{
	uint8_t bytes[64];

	(void)state;
	link.last_request = 3;
	make_frame(bytes, CONTROL_REPLY, NULL, 0);
	for (uint32_t i = 1; i <= 3; i++) {
		((struct control_header *)(void *)bytes)->request = i;
		assert_int_equal(control_link_receive(
					 &link, span_make(bytes, sizeof(struct control_header))),
		                 0);
	}
	assert_int_equal(frames, 3);
	for (uint32_t i = 0; i <= 4; i++) {
		setup(NULL);
		link.last_request = 3;
		link.last_reply = 3;
		((struct control_header *)(void *)bytes)->request = i;
		assert_int_equal(control_link_receive(
					 &link, span_make(bytes, sizeof(struct control_header))),
		                 ERR_PROTOCOL);
		assert_int_equal(frames, 0);
	}
}

static void test_text(void **state)
{
	char text[CONTROL_TEXT_MAX];
	uint8_t lengthy[2 * CONTROL_TEXT_MAX];

	(void)state;
	control_text(text,
	             span_make("no such file: \x1b[2J\x9b"
	                       "2J\xc2\x9b\n\xc3\xa4",
	                       26));
	assert_string_equal(text, "no such file: ?[2J?2J???\xc3\xa4");
	control_text(text, span_make(NULL, 0));
	assert_string_equal(text, "");
	memset(lengthy, 'x', sizeof(lengthy));
	control_text(text, span_make(lengthy, sizeof(lengthy)));
	assert_int_equal(strlen(text), CONTROL_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_receive_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
