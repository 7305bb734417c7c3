// SPDX-License-Identifier: MIT
//
// A WebSocket over a connection: the handshake, messages both ways, and its ends.
#include "libs/http/websocket.h"

#include <string.h>

#include "libs/base/string.h"
#include "libs/http/peer_fake.h"
#include "libs/starina/syscall.h"

#define UPGRADE "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define REST "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: other, chat.v1\r\n\r\n"
#define ASK "GET / HTTP/1.1\r\n" UPGRADE KEY REST
// RFC 6455 1.3.
#define ANSWER                                                       \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"     \
	"Sec-WebSocket-Protocol: chat.v1\r\nConnection: Upgrade\r\n\r\n"
#define HELLO "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

static struct {
	struct websocket *ws;
	unsigned messages, gone;
	char text[64];
	bool closes;  // in `message`
	bool pauses;  // the same
	error_t err;
	const char *protocol;
} app;

static void ws_message(void *context, struct websocket *ws, bool is_text, struct span bytes)
{
	assert_ptr_equal(context, &app);
	assert_ptr_equal(ws, app.ws);
	assert_true(is_text && bytes.len < sizeof(app.text));
	memcpy(app.text, bytes.data, bytes.len);
	app.text[bytes.len] = '\0';
	app.messages++;
	if (app.pauses)
		websocket_pause(ws, true);
	if (app.closes)
		websocket_close(ws, WEBSOCKET_REFUSED, "no");
	else
		assert_int_equal(websocket_send(ws, true, bytes), 0);
}

static void ws_gone(void *context, struct websocket *ws)
{
	(void)context;
	assert_ptr_equal(ws, app.ws);
	app.gone++;
	app.ws = NULL;
}

static const struct websocket_handler ws_handler = { .message = ws_message, .gone = ws_gone };

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	(void)context;
	app.err = websocket_check(head, app.protocol);
	if (app.err != 0)
		http_respond(exchange, 400, NULL, NULL, 0);
	else
		assert_int_equal(websocket_start(exchange, websocket_key(head), app.protocol, 100,
		                                 &ws_handler, &app, &app.ws),
		                 0);
}

static const struct http_handler handler = { .request = on_request };

static int setup(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	app.protocol = "chat.v1";
	return peer_connect(&handler);
}

static void check_heard(const char *bytes, size_t len)
{
	peer_take_all();
	assert_int_equal(heard.len, len);
	assert_memory_equal(heard.text, bytes, len);
	peer_forget();
}

#define HEARD(bytes) check_heard(bytes, sizeof(bytes) - 1)

static void connect_ws(void)
{
	peer_say_text(ASK);
	HEARD(ANSWER);
	assert_non_null(app.ws);
}

static void a_protocol_need_not_be(void **state)
{
	(void)state;
	app.protocol = NULL;
	peer_say_text("GET / HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Version: 13\r\n\r\n");
	HEARD("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection: Upgrade\r\n\r\n");
	assert_non_null(app.ws);
}

static void messages_come_and_go(void **state)
{
	(void)state;
	connect_ws();
	peer_say(HELLO HELLO, 2 * (sizeof(HELLO) - 1));
	HEARD("\x81\x05Hello\x81\x05Hello");
	assert_int_equal(app.messages, 2);
	assert_string_equal(app.text, "Hello");
	// A ping.
	peer_say("\x89\x82\0\0\0\0hi", 8);
	HEARD("\x8a\x02hi");
}

static void the_client_closes(void **state)
{
	(void)state;
	connect_ws();
	peer_say("\x88\x82\0\0\0\0\x03\xe9" HELLO, 8 + sizeof(HELLO) - 1);
	peer_take_all();
	assert_int_equal(heard.len, 4);
	assert_memory_equal(heard.text, "\x88\x02\x03\xe9", 4);
	assert_true(heard.ended);
	assert_int_equal(app.gone, 1);
	assert_int_equal(app.messages, 0);
}

static void a_broken_client_is_closed(void **state)
{
	(void)state;
	connect_ws();
	peer_say("\x81\x05Hello", 7);
	peer_take_all();
	assert_memory_equal(heard.text, "\x88\x16\x03\xea", 4);
	assert_true(heard.ended);
	assert_int_equal(app.gone, 1);
}

static void it_is_closed_in_a_callback(void **state)
{
	(void)state;
	connect_ws();
	app.closes = true;
	peer_say(HELLO HELLO, 2 * (sizeof(HELLO) - 1));
	peer_take_all();
	assert_int_equal(heard.len, 6);
	assert_memory_equal(heard.text, "\x88\x04\x03\xf0no", 6);
	assert_int_equal(app.messages, 1);
	assert_int_equal(app.gone, 1);
}

static void the_client_goes(void **state)
{
	(void)state;
	connect_ws();
	peer_say("\x81\x85\x37", 3);
	peer_say_abort();
	assert_int_equal(app.gone, 1);
}

static void the_client_ends_its_direction(void **state)
{
	(void)state;
	connect_ws();
	peer_say_end();
	assert_int_equal(app.gone, 1);
}

// What came with the message at which it is paused is kept, in whatever pieces it came.
static void a_paused_one_loses_nothing(void **state)
{
	static const char text[] = HELLO HELLO HELLO;

	(void)state;
	connect_ws();
	app.pauses = true;
	peer_say(text, sizeof(text) - 4);
	peer_say(text + sizeof(text) - 4, 3);
	for (unsigned i = 1; i <= 3; i++) {
		peer_take_all();
		assert_int_equal(app.messages, i);
		websocket_pause(app.ws, false);
		fake_loop_settle(&peer_loop);
	}
	assert_int_equal(app.messages, 3);
	HEARD("\x81\x05Hello\x81\x05Hello\x81\x05Hello");
}

static void a_paused_one_hears_its_end(void **state)
{
	(void)state;
	connect_ws();
	app.pauses = true;
	peer_say(HELLO, sizeof(HELLO) - 1);
	peer_say_end();
	assert_int_equal(app.gone, 1);
}

static void what_is_no_handshake(void **state)
{
	static const char *const asks[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n" UPGRADE REST,
		"GET / HTTP/1.1\r\n" UPGRADE KEY
		"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Protocol: chat.v1\r\n\r\n",
		"GET / HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Version: 13\r\n\r\n",
		"GET / HTTP/1.1\r\n" UPGRADE KEY
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: other\r\n\r\n",
		"GET / HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Key: short\r\n" REST,
		"POST / HTTP/1.1\r\n" UPGRADE KEY REST,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		peer_say_text(asks[i]);
		peer_take_all();
		assert_int_equal(app.err,
		                 i == 0           ? ERR_NOT_FOUND
		                         : i == 2 ? ERR_NOT_SUPPORTED
		                                  : ERR_INVALID);
		assert_null(app.ws);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, peer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_protocol_need_not_be),
		TEST(messages_come_and_go),
		TEST(the_client_closes),
		TEST(a_broken_client_is_closed),
		TEST(it_is_closed_in_a_callback),
		TEST(the_client_goes),
		TEST(the_client_ends_its_direction),
		TEST(a_paused_one_loses_nothing),
		TEST(a_paused_one_hears_its_end),
		TEST(what_is_no_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
