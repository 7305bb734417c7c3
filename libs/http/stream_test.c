// SPDX-License-Identifier: MIT
//
// Connections that a handler takes over, in any pieces, with backpressure and half-closes of either
// side.
#include "libs/http/stream.h"

#include <string.h>

#include "libs/base/string.h"
#include "libs/http/flow.h"
#include "libs/http/peer_fake.h"
#include "libs/starina/syscall.h"

#define UPGRADE "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: tcp\r\n"
#define ATTACH "POST /101 HTTP/1.1\r\n" UPGRADE "Content-Length: 2\r\n\r\n{}"
#define HEAD_101 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n"
#define HEAD_200 "HTTP/1.1 200 OK\r\nX: raw\r\nConnection: close\r\n\r\n"
#define PIECE 3000u

// What the app has seen, and does.
static struct {
	struct http_exchange *exchange;
	char body[4096];
	size_t body_len, max_body;
	unsigned body_ends, stream_ends, gone;
	error_t err;
	bool later;  // the stream is started by the test
	bool fills;  // the stream is given as much as it takes
	size_t filled;
} app;

static void stream_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	assert_ptr_equal(context, &app);
	assert_ptr_equal(exchange, app.exchange);
	assert_true(bytes.len > 0 && app.body_len + bytes.len < sizeof(app.body));
	memcpy(app.body + app.body_len, bytes.data, bytes.len);
	app.body_len += bytes.len;
}

static void stream_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	(void)exchange;
	app.stream_ends++;
}

static void stream_writable(void *context, struct http_exchange *exchange)
{
	static const uint8_t bytes[PIECE];

	(void)context;
	while (app.fills && http_can_send(exchange)) {
		assert_int_equal(http_send(exchange, bytes, sizeof(bytes)), 0);
		app.filled += sizeof(bytes);
	}
}

static void gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	(void)exchange;
	app.gone++;
	app.exchange = NULL;
}

static const struct http_handler stream_handler = { .body = stream_body,
	                                            .body_end = stream_end,
	                                            .writable = stream_writable,
	                                            .gone = gone };

static void start(unsigned status)
{
	static const char upgrade[] = "Upgrade: tcp\r\n", raw[] = "X: raw\r\n";
	const char *fields = status == 101 ? upgrade : raw;

	app.err = http_stream_start(app.exchange, status, text_span(fields), &stream_handler, &app);
	if (app.err < 0)
		http_respond(app.exchange, 400, "text/plain", "no\n", 3);
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	(void)context;
	app.exchange = exchange;
	if (span_is(head->target, "/early"))
		start(101);
	else
		http_collect_body(exchange, 100);
	app.later = span_is(head->target, "/later");
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	app.body_ends++;
	if (app.err < 0)
		return;
	assert_int_equal(http_body(exchange).len, 2);
	assert_memory_equal(http_body(exchange).data, "{}", 2);
	if (!app.later)
		start(101);
}

static const struct http_handler handler = { .request = on_request,
	                                     .body_end = on_body_end,
	                                     .gone = gone };

static int setup(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	return peer_connect(&handler);
}

static void attach(void)
{
	peer_say_text(ATTACH);
	peer_take_all();
	assert_string_equal(heard.text, HEAD_101);
	assert_int_equal(app.body_ends, 1);
	peer_forget();
}

// --- Tests ---

static void bytes_after_a_body_belong_to_the_stream(void **state)
{
	static const char all[] = ATTACH "GET / HTTP/1.1\r\n\r\nand more";
	const size_t len = sizeof(all) - 1, request = sizeof(ATTACH) - 1;

	for (size_t cut = 0; cut <= len; cut++) {
		if (cut > 0)
			setup(state);
		peer_say(all, cut);
		peer_say(all + cut, len - cut);
		peer_take_all();
		assert_string_equal(heard.text, HEAD_101);
		assert_int_equal(app.body_len, len - request);
		assert_memory_equal(app.body, all + request, len - request);
		assert_int_equal(peer_service.num_requests, 1);
		assert_int_equal(app.stream_ends, 0);
		if (cut < len)
			peer_teardown(state);
	}
}

static void both_directions_end_by_themselves(void **state)
{
	(void)state;
	attach();
	peer_say_text("in");
	peer_say_end();
	assert_int_equal(app.stream_ends, 1);
	assert_int_equal(http_send(app.exchange, "out", 3), 0);
	peer_take_all();
	assert_string_equal(heard.text, "out");
	assert_false(heard.ended);
	assert_int_equal(app.gone, 0);
	assert_int_equal(http_send_end(app.exchange), 0);
	peer_take_all();
	assert_true(heard.ended && heard.closed);
	assert_int_equal(app.gone, 1);
}

static void our_direction_may_end_first(void **state)
{
	(void)state;
	attach();
	assert_int_equal(http_send_end(app.exchange), 0);
	assert_int_equal(http_send(app.exchange, "x", 1), ERR_RANGE);
	peer_take_all();
	assert_true(heard.ended && !heard.closed);
	for (unsigned i = 0; i < 3 * HTTP_WINDOW; i++)
		peer_say_text("more");
	peer_take_all();
	assert_true(peer_window >= 3 * HTTP_WINDOW);
	assert_int_equal(app.body_len, 3 * HTTP_WINDOW * 4);
	assert_int_equal(app.gone, 0);
	peer_say_end();
	assert_int_equal(app.stream_ends, 1);
	assert_int_equal(app.gone, 1);
}

static void a_stream_without_an_upgrade(void **state)
{
	(void)state;
	peer_say_text("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}first");
	assert_int_equal(app.body_ends, 1);
	assert_int_equal(app.body_len, 0);
	start(200);
	peer_say_text(" second");
	peer_take_all();
	assert_string_equal(heard.text, HEAD_200);
	assert_memory_equal(app.body, "first second", 12);
	http_stream_close(app.exchange);
	assert_int_equal(app.gone, 1);
	peer_take_all();
	assert_true(heard.ended && heard.closed && !heard.aborted);
}

static void a_request_without_a_body(void **state)
{
	(void)state;
	peer_say_text("GET /early HTTP/1.1\r\n" UPGRADE "\r\nearly");
	peer_take_all();
	assert_string_equal(heard.text, HEAD_101);
	assert_memory_equal(app.body, "early", 5);
	assert_int_equal(app.body_ends + app.stream_ends, 0);
}

static void what_is_no_stream(void **state)
{
	(void)state;
	peer_say_text("POST /early HTTP/1.1\r\n" UPGRADE "Content-Length: 2\r\n\r\n");
	assert_int_equal(app.err, ERR_BAD_STATE);
	peer_teardown(state);
	setup(state);
	peer_say_text("GET /early HTTP/1.0\r\n" UPGRADE "\r\n");
	assert_int_equal(app.err, ERR_NOT_SUPPORTED);
	peer_take_all();
	assert_memory_equal(heard.text, "HTTP/1.1 400", 12);
}

static void a_peer_that_is_not_read_is_held_back(void **state)
{
	(void)state;
	attach();
	http_pause_body(app.exchange, true);
	for (unsigned i = 0; i < 100; i++)
		peer_say_text("x");
	peer_say_end();
	peer_take_all();
	assert_in_range(peer_window, HTTP_WINDOW, HTTP_WINDOW + 2);
	assert_int_equal(app.body_len + app.stream_ends, 0);
	peer_ticks(100);
	http_pause_body(app.exchange, false);
	fake_loop_settle(&peer_loop);
	assert_int_equal(app.body_len, 100);
	assert_int_equal(app.stream_ends, 1);
}

static void a_peer_that_does_not_read_is_held_back(void **state)
{
	(void)state;
	attach();
	app.fills = true;
	stream_writable(NULL, app.exchange);
	assert_in_range(app.filled, HTTP_SEND_WINDOW / 2, HTTP_SEND_WINDOW + PIECE);
	peer_ticks(100);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(peer_take());
	assert_in_range(app.filled - heard.total, 0, HTTP_SEND_WINDOW + PIECE);
	assert_true(app.filled > 500 * PIECE);
	app.fills = false;
	peer_take_all();
	assert_int_equal(heard.total, app.filled);
}

static void losses_are_noticed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool paused = i >= 2;

		if (i > 0)
			setup(state);
		attach();
		if (paused) {
			http_pause_body(app.exchange, true);
			peer_say_text("held");
			peer_say_text("in the channel");
		}
		if (i == 0)
			peer_say_abort();
		else
			peer_vanish();
		assert_int_equal(app.gone, 1);
		assert_int_equal(app.stream_ends, 0);
		if (i < 3)
			peer_teardown(state);
	}
}

// When our direction has ended, tcpip closes the channel in order: what is in it is still taken.
static void the_rest_is_taken_after_our_end(void **state)
{
	(void)state;
	attach();
	http_pause_body(app.exchange, true);
	assert_int_equal(http_send_end(app.exchange), 0);
	peer_say_text("held,");
	peer_say_text("in the channel");
	peer_say_end();
	peer_vanish();
	assert_int_equal(app.gone, 0);
	http_pause_body(app.exchange, false);
	fake_loop_settle(&peer_loop);
	assert_memory_equal(app.body, "held,in the channel", 19);
	assert_int_equal(app.stream_ends, 1);
	assert_int_equal(app.gone, 1);
}

static void giving_up_resets(void **state)
{
	(void)state;
	attach();
	http_abort(app.exchange);
	assert_int_equal(app.gone, 1);
	peer_take_all();
	assert_true(heard.aborted && !heard.ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_after_a_body_belong_to_the_stream),
		TEST(both_directions_end_by_themselves),
		TEST(our_direction_may_end_first),
		TEST(a_stream_without_an_upgrade),
		TEST(a_request_without_a_body),
		TEST(what_is_no_stream),
		TEST(a_peer_that_is_not_read_is_held_back),
		TEST(a_peer_that_does_not_read_is_held_back),
		TEST(losses_are_noticed),
		TEST(the_rest_is_taken_after_our_end),
		TEST(giving_up_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
