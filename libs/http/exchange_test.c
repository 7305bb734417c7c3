// SPDX-License-Identifier: MIT
//
// Requests and responses of one connection: bodies, long polls, peers that leave, what is cut for
// idleness and what is not, the gate, and what an idle connection takes.
#include <string.h>

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/handler.h"
#include "libs/http/peer_fake.h"
#include "libs/starina/syscall.h"

#define HOST "Host: a\r\n\r\n"
#define LIMIT 3000u
// What a connection takes on which no head is on its way, beside its channel.
#define IDLE_BYTES_MAX 400u

// What the app has seen.
static struct {
	struct http_exchange *exchange;
	char body[LIMIT + 1];
	size_t body_len;
	unsigned body_ends, peer_ends, gone;
} app;

static void respond(struct http_exchange *exchange, const char *text)
{
	http_respond(exchange, 200, "text/plain", text, strlen(text));
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	(void)context;
	app.exchange = exchange;
	if (span_is(head->target, "/collect")) {
		http_collect_body(exchange, LIMIT);
	} else if (span_is(head->target, "/pause")) {
		http_pause_body(exchange, true);
	} else if (span_is(head->target, "/no")) {
		http_respond(exchange, 404, "text/plain", "no\n", 3);
	} else if (span_is(head->target, "/empty")) {
		http_respond(exchange, 204, NULL, NULL, 0);
	} else if (span_is(head->target, "/poll")) {
		assert_int_equal(http_respond_fields(exchange, 200, (struct span){ 0 }, false, 0),
		                 0);
	} else if (!span_is(head->target, "/wait")) {
		respond(exchange, "ok\n");
	}
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	struct span body = http_body(exchange);

	(void)context;
	app.body_ends++;
	app.body_len = body.len;
	if (body.len == 0)
		return;
	memcpy(app.body, body.data, body.len);
	respond(exchange, "collected\n");
}

static void on_peer_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	assert_ptr_equal(exchange, app.exchange);
	app.peer_ends++;
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	(void)exchange;
	app.gone++;
}

static const struct http_handler handler = { .request = on_request,
	                                     .body_end = on_body_end,
	                                     .peer_end = on_peer_end,
	                                     .gone = on_gone };

static int setup(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	return peer_connect(&handler);
}

// Says it, and compares the beginning of the answer.
static void ask(const char *request, const char *answer)
{
	peer_forget();
	peer_say_text(request);
	peer_take_all();
	if (strncmp(heard.text, answer, strlen(answer)) != 0)
		fail_msg("%s\nis answered with\n%s", request, heard.text);
}

static bool is_open(void)
{
	return peer_service.num_connections == 1;
}

// --- Requests ---

static void heads_in_any_pieces(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" HOST "\r\nGET /no HTTP/1.1\r\n" HOST;

	(void)state;
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		peer_forget();
		peer_say(text, cut);
		peer_say(text + cut, sizeof(text) - 1 - cut);
		peer_take_all();
		assert_non_null(strstr(heard.text, "HTTP/1.1 200 OK"));
		assert_non_null(strstr(heard.text, "HTTP/1.1 404 Not Found"));
		assert_int_equal(peer_service.num_requests, 2 * cut);
	}
	assert_true(is_open());
}

static void hosts(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost:\r\n\r\n", "HTTP/1.1 400");
	peer_teardown(state);
	peer_service.host_optional = true;
	setup(state);
	ask("GET / HTTP/1.1\r\nHost:\r\n\r\n", "HTTP/1.1 200");
	ask("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200");
	ask("GET / HTTP/1.1\r\nHost: api.moby.localhost\r\n\r\n", "HTTP/1.1 200");
	ask("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "HTTP/1.1 400");
}

static void old_clients(void **state)
{
	(void)state;
	ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200");
	assert_true(is_open());
	ask("GET /poll HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200");
	assert_null(strstr(heard.text, "chunked"));
	assert_int_equal(http_send(app.exchange, "x", 1), 0);
	assert_int_equal(http_send_end(app.exchange), 0);
	peer_take_all();
	assert_true(heard.ended && heard.closed);
	assert_non_null(strstr(heard.text, "Connection: close\r\n\r\nx"));
}

static void responses_without_a_body(void **state)
{
	(void)state;
	ask("GET /empty HTTP/1.1\r\n" HOST,
	    "HTTP/1.1 204 No Content\r\nServer: starina\r\nConnection: keep-alive\r\n\r\n");
	ask("HEAD / HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK");
	assert_string_equal(strstr(heard.text, "\r\n\r\n"), "\r\n\r\n");
	ask("DELETE / HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK");
}

// --- Bodies ---

static void bodies_are_collected(void **state)
{
	static char text[LIMIT + 200];
	size_t len;

	(void)state;
	ask("PUT /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200");
	assert_memory_equal(app.body, "hello", 5);
	ask("PUT /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
	    "HTTP/1.1 200");
	assert_int_equal(app.body_len, 5);
	assert_memory_equal(app.body, "hello", 5);
	len = fmt_write(text, sizeof(text),
	                "PUT /collect HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", LIMIT);
	memset(text + len, 'x', LIMIT);
	for (size_t at = 0; at < len + LIMIT; at += 100)
		peer_say(text + at, len + LIMIT - at < 100 ? len + LIMIT - at : 100);
	assert_int_equal(app.body_len, LIMIT);
	assert_int_equal(app.body_ends, 3);
}

// It is answered at once; what follows of it is dropped, for a while.
static void bodies_that_are_too_large(void **state)
{
	static const char *const heads[] = {
		"PUT /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n",
		"PUT /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"ffffff\r\n",
	};
	static const char bytes[500];

	for (size_t i = 0; i < 2; i++) {
		if (i > 0)
			setup(state);
		peer_say_text(heads[i]);
		for (unsigned n = 0; n <= LIMIT / sizeof(bytes); n++)
			peer_say(bytes, sizeof(bytes));
		peer_take_all();
		assert_memory_equal(heard.text, "HTTP/1.1 413", 12);
		for (unsigned n = 0; is_open() && n < 100; n++) {
			peer_say(bytes, sizeof(bytes));
			peer_ticks(1);
		}
		assert_false(is_open());
		assert_int_equal(app.body_ends, 0);
		assert_int_equal(app.gone, 1);
		if (i == 0)
			peer_teardown(state);
	}
}

static void expectations(void **state)
{
#define EXPECT(path, more) \
	"PUT " path " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" more
	(void)state;
	ask(EXPECT("/collect", ""), "HTTP/1.1 100 Continue\r\n\r\n");
	ask("hello", "HTTP/1.1 200");
	// One that does not wait.
	ask(EXPECT("/collect", "hello"), "HTTP/1.1 200");
	// The body is not wanted yet.
	ask(EXPECT("/pause", ""), "");
	assert_int_equal(heard.len, 0);
	http_pause_body(app.exchange, false);
	peer_take_all();
	assert_string_equal(heard.text, "HTTP/1.1 100 Continue\r\n\r\n");
	ask("hello", "");
	respond(app.exchange, "late\n");
	peer_take_all();
	// Nor ever.
	ask(EXPECT("/no", ""), "HTTP/1.1 404");
	assert_true(heard.ended && heard.closed);
}

// --- Long polls and peers that leave ---

static void long_polls(void **state)
{
	(void)state;
	ask("GET /poll HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK");
	assert_non_null(strstr(heard.text, "Transfer-Encoding: chunked\r\n"));
	peer_ticks(1000);
	peer_forget();
	assert_int_equal(http_send(app.exchange, "{}", 2), 0);
	assert_int_equal(http_send_end(app.exchange), 0);
	peer_take_all();
	assert_string_equal(heard.text, "2\r\n{}\r\n0\r\n\r\n");
	ask("GET / HTTP/1.1\r\n" HOST, "HTTP/1.1 200");
}

static void a_peer_that_ends_is_noticed(void **state)
{
	(void)state;
	ask("GET /poll HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK");
	peer_say_end();
	assert_int_equal(app.peer_ends, 1);
	assert_int_equal(app.gone, 0);
	peer_forget();
	assert_int_equal(http_send(app.exchange, "last", 4), 0);
	assert_int_equal(http_send_end(app.exchange), 0);
	peer_take_all();
	assert_memory_equal(heard.text, "4\r\nlast\r\n", 9);
	assert_int_equal(app.gone, 1);
	assert_int_equal(app.peer_ends, 1);
	assert_false(is_open());
}

// The end comes with the request.
static void a_client_that_half_closes(void **state)
{
	static const char request[] = "GET /wait HTTP/1.1\r\n" HOST;
	struct message m;

	(void)state;
	assert_int_equal(payload_make(&m, request, sizeof(request) - 1), 0);
	fake_send(peer_end, &m);
	peer_say_end();
	assert_int_equal(app.peer_ends, 1);
	respond(app.exchange, "answer\n");
	peer_take_all();
	assert_non_null(strstr(heard.text, "answer\n"));
	assert_true(heard.ended || heard.closed);
}

static void a_peer_that_is_lost_is_noticed(void **state)
{
	(void)state;
	ask("GET /poll HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK");
	peer_say_abort();
	assert_int_equal(app.gone, 1);
	peer_teardown(state);
	setup(state);
	// With a request held that follows.
	ask("GET /wait HTTP/1.1\r\n" HOST "GET /wait HTTP/1.1\r\n" HOST, "");
	peer_vanish();
	assert_int_equal(app.gone, 1);
	assert_int_equal(app.peer_ends, 0);
}

static void what_was_refused_is_not_carried_out(void **state)
{
	(void)state;
	ask("GET /no HTTP/1.1\r\n" HOST, "HTTP/1.1 404");
	ask("PUT /no HTTP/1.1\r\nContent-Length: 3\r\n" HOST "abc", "HTTP/1.1 404");
	assert_int_equal(app.gone, 2);
	assert_int_equal(app.body_ends, 0);
}

// --- Idleness ---

// Says it; the connection is cut at the tick.
static void expect_cut(void **state, const char *text, unsigned tick)
{
	peer_say_text(text);
	peer_take_all();
	peer_ticks(tick - 1);
	if (!is_open())
		fail_msg("cut too early: %s", text);
	peer_ticks(1);
	if (is_open())
		fail_msg("not cut: %s", text);
	peer_teardown(state);
	setup(state);
}

static void what_is_cut_for_idleness(void **state)
{
	expect_cut(state, "", HTTP_IDLE_TICKS);
	expect_cut(state, "GET / HT", HTTP_IDLE_TICKS);
	expect_cut(state, "GET / HTTP/1.1\r\n" HOST, HTTP_IDLE_TICKS);
	expect_cut(state, "PUT /collect HTTP/1.1\r\nContent-Length: 9\r\n" HOST "x",
	           HTTP_IDLE_TICKS);
}

static void what_is_not(void **state)
{
	static const char *const requests[] = {
		"GET /wait HTTP/1.1\r\n" HOST,
		"GET /poll HTTP/1.1\r\n" HOST,
		"PUT /pause HTTP/1.1\r\nContent-Length: 9\r\n" HOST "x",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		peer_say_text(requests[i]);
		peer_ticks(1000);
		assert_true(is_open());
		peer_teardown(state);
		setup(state);
	}
}

// --- The gate ---

static const uint8_t secret[HTTP_GATE_BYTES] = "0123456789abcdefghijklmnopqrstu";

static int setup_gate(void **state)
{
	peer_service.gate = secret;
	return setup(state);
}

static void the_gate_opens(void **state)
{
	char text[sizeof(secret) + 64];
	size_t len = fmt_write(text, sizeof(text), "%s", (const char *)secret) + 1;

	len += fmt_write(text + len, sizeof(text) - len, "GET / HTTP/1.1\r\n" HOST);
	for (size_t cut = 0; cut <= len; cut++) {
		peer_forget();
		peer_say(text, cut);
		peer_say(text + cut, len - cut);
		peer_take_all();
		assert_memory_equal(heard.text, "HTTP/1.1 200", 12);
		peer_teardown(state);
		setup_gate(state);
	}
}

static void the_gate_stays_shut(void **state)
{
	uint8_t wrong[HTTP_GATE_BYTES];

	for (size_t i = 0; i < HTTP_GATE_BYTES; i++) {
		memcpy(wrong, secret, sizeof(wrong));
		wrong[i] ^= 1;
		peer_say(wrong, sizeof(wrong) - 1);
		assert_true(is_open());
		peer_say(wrong + sizeof(wrong) - 1, 1);
		assert_false(is_open());
		peer_take_all();
		assert_int_equal(heard.len, 0);
		peer_teardown(state);
		setup_gate(state);
	}
	// One that says HTTP, and one that ends.
	peer_say_text("GET / HTTP/1.1\r\nHost: somebody.example\r\n\r\n");
	assert_false(is_open());
	peer_take_all();
	assert_int_equal(heard.len + peer_service.num_requests, 0);
	peer_teardown(state);
	setup_gate(state);
	peer_say(secret, 5);
	peer_say_end();
	assert_false(is_open());
}

static void the_gate_waits_not_long(void **state)
{
	(void)state;
	peer_say(secret, 31);
	peer_ticks(HTTP_GATE_TICKS - 1);
	assert_true(is_open());
	peer_ticks(1);
	assert_false(is_open());
}

// --- Memory ---

static void an_idle_connection_is_small(void **state)
{
	size_t before = fake_bytes_allocated();
	size_t handles = fake_num_handles();

	(void)state;
	assert_in_range(before, 1, IDLE_BYTES_MAX);
	ask("GET / HT", "");
	assert_in_range(fake_bytes_allocated(), before + HTTP_MAX_HEAD, before + HTTP_MAX_HEAD);
	ask("TP/1.1\r\n" HOST, "HTTP/1.1 200");
	ask("PUT /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200");
	assert_int_equal(fake_bytes_allocated(), before);
	assert_int_equal(fake_num_handles(), handles);
	print_message("an idle connection: %zu bytes\n", before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, peer_teardown)
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_gate, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(heads_in_any_pieces),
		TEST(hosts),
		TEST(old_clients),
		TEST(responses_without_a_body),
		TEST(bodies_are_collected),
		TEST(bodies_that_are_too_large),
		TEST(expectations),
		TEST(long_polls),
		TEST(a_peer_that_ends_is_noticed),
		TEST(a_client_that_half_closes),
		TEST(a_peer_that_is_lost_is_noticed),
		TEST(what_was_refused_is_not_carried_out),
		TEST(what_is_cut_for_idleness),
		TEST(what_is_not),
		GATE_TEST(the_gate_opens),
		GATE_TEST(the_gate_stays_shut),
		GATE_TEST(the_gate_waits_not_long),
		TEST(an_idle_connection_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
