// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "libs/base/string.h"
#include "libs/http/head.h"

static error_t parse(const char *text, struct http_request_head *head)
{
	return http_request_parse(text_span(text), head);
}

static void parses_a_request(void **state)
{
	struct http_request_head head;

	(void)state;
	assert_int_equal(parse("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Y:  spaced \t\r\n\r\n", &head),
	                 0);
	assert_true(span_is(head.method, "GET"));
	assert_true(span_is(head.target, "/a?b=c"));
	assert_int_equal(head.num_fields, 2);
	assert_true(span_is(http_field_find(&head, "x-y")->value, "spaced"));
	assert_null(http_field_find(&head, "absent"));
	assert_true(head.keep_alive);
	assert_int_equal(head.framing, HTTP_BODY_NONE);
}

static void knows_when_a_connection_stays(void **state)
{
	struct http_request_head head;

	(void)state;
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &head), 0);
	assert_false(head.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &head), 0);
	assert_true(head.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", &head), 0);
	assert_false(head.keep_alive);
}

static void knows_the_body(void **state)
{
	struct http_request_head head;

	(void)state;
	assert_int_equal(parse("POST / HTTP/1.1\r\nContent-Length: 123456789012\r\n\r\n", &head),
	                 0);
	assert_int_equal(head.framing, HTTP_BODY_LENGTH);
	assert_int_equal(head.content_length, 123456789012);
	assert_int_equal(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &head), 0);
	assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
}

static void refuses_what_could_be_read_in_two_ways(void **state)
{
	static const char *const bad[] = {
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1 1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nName : x\r\n\r\n",
		"GET / HTTP/1.1\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n",
		"GET  / HTTP/1.1\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\n\r\n",
		"G@T / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"GET / FTP/1.1\r\n\r\n",
	};
	struct http_request_head head;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &head) != ERR_PROTOCOL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(parse("GET / HTTP/2.0\r\n\r\n", &head), ERR_NOT_SUPPORTED);
	assert_int_equal(parse("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", &head),
	                 ERR_NOT_SUPPORTED);
}

static void bounds_the_fields(void **state)
{
	struct http_request_head head;
	char text[HTTP_MAX_FIELDS * 6 + 64] = "GET / HTTP/1.1\r\n";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < HTTP_MAX_FIELDS + 1; i++, len += 6)
		memcpy(text + len, "a: b\r\n", 6);
	memcpy(text + len, "\r\n", 3);
	assert_int_equal(parse(text, &head), ERR_TOO_LARGE);
}

static void finds_the_end_of_a_head_in_pieces(void **state)
{
	const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
	size_t whole = strlen(text) - 4;

	(void)state;
	for (size_t cut = 0; cut < whole; cut++) {
		assert_int_equal(
			http_head_length((struct span){ .data = (const uint8_t *)text, .len = cut },
		                         0),
			0);
		assert_int_equal(http_head_length(text_span(text), cut), whole);
		// It may end with the last byte that is there.
		assert_int_equal(
			http_head_length(
				(struct span){ .data = (const uint8_t *)text, .len = whole }, cut),
			whole);
	}
}

static error_t parse_response(const char *text, struct http_response_head *head)
{
	return http_response_parse(text_span(text), head);
}

static void reads_the_head_of_a_response(void **state)
{
	static const char *const bad[] = {
		"",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 x\r\n\r\n",
		"HTTP/1.1 -20 x\r\n\r\n",
		"HTTP/2 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nx",
		"SSH-2.0-x\r\n\r\n",
	};
	struct http_response_head head;

	(void)state;
	assert_int_equal(
		parse_response("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: a\r\n\r\n", &head), 0);
	assert_int_equal(head.status, 200);
	assert_true(head.has_length && !head.chunked);
	assert_int_equal(head.content_length, 12);
	assert_int_equal(head.num_fields, 2);
	assert_int_equal(parse_response("HTTP/1.0 404\r\n\r\n", &head), 0);
	assert_int_equal(head.status, 404);
	assert_false(head.has_length);
	assert_int_equal(
		parse_response("HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n", &head), 0);
	assert_true(head.chunked);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(parse_response(bad[i], &head) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_a_request),
		cmocka_unit_test(knows_when_a_connection_stays),
		cmocka_unit_test(knows_the_body),
		cmocka_unit_test(refuses_what_could_be_read_in_two_ways),
		cmocka_unit_test(bounds_the_fields),
		cmocka_unit_test(finds_the_end_of_a_head_in_pieces),
		cmocka_unit_test(reads_the_head_of_a_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
