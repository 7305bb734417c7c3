// SPDX-License-Identifier: MIT
//
// httpd between a WebSocket and the engine, which the test plays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/abi/tcpip.h"
#include "libs/http/tcpip_fake.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"

// What the app waits in: the test turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/httpd/main.c"
#undef loop_run

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ASK(path)                                                                     \
	"GET /api/v1/" path " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" \
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                         \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                             \
	"Sec-WebSocket-Protocol: starina.v1, token." TOKEN "\r\n\r\n"
#define ATTACH ASK("containers/box/attach")
#define UPGRADED "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
#define RAW UPGRADED "Content-Type: application/vnd.docker.raw-stream\r\n\r\n"
#define FRAMES UPGRADED "Content-Type: application/vnd.docker.multiplexed-stream\r\n\r\n"
// Frames of the client, masked with zeroes.
#define EOF_SAID "\x81\x8c\0\0\0\0{\"eof\":true}"
#define HELLO_SAID "\x82\x85\0\0\0\0hello"

static handle_t connector, client, engine;

// Calls of what is not tried here.
error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	(void)out;
	return ERR_ACCESS;
}

error_t system_open_process(handle_t system, uint64_t id, handle_t *out)
{
	(void)system;
	(void)id;
	(void)out;
	return ERR_ACCESS;
}

error_t system_start_app(handle_t system, const char *name, size_t name_len, handle_t *out)
{
	(void)system;
	(void)name;
	(void)name_len;
	(void)out;
	return ERR_ACCESS;
}

error_t process_kill(handle_t process)
{
	(void)process;
	return ERR_ACCESS;
}

// What the last call of `hear` has taken.
static struct {
	uint8_t bytes[600000];
	size_t len;
	unsigned ends;
} heard;

static void turn(void)
{
	handle_t reached;

	fake_loop_settle(&state.loop);
	tcpip_fake_serve(connector);
	fake_loop_settle(&state.loop);
	reached = tcpip_fake_reached();
	if (reached != HANDLE_NONE)
		engine = reached;
}

static int start(void **context)
{
#define UNMET(service)                                               \
	{                                                            \
		.kind = ENV_CONNECTOR, .name = (service), .unmet = 1 \
	}
	static struct environ env = { .num_entries = 12,
		                      .entries = {
					      { .kind = ENV_CONNECTOR, .name = "tcpip" },
					      { .kind = ENV_SYSTEM, .unmet = 1 },
					      { .kind = ENV_LOOK, .unmet = 1 },
					      UNMET("files"),
					      UNMET("volumes"),
					      UNMET("blkdev"),
					      UNMET("apps"),
					      UNMET("commands"),
					      UNMET("traffic"),
					      { .kind = ENV_CONFIG, .name = "files", .unmet = 1 },
					      { .kind = ENV_CONFIG, .name = "shares", .unmet = 1 },
					      { .kind = ENV_CONFIG,
		                                .name = "listen",
		                                .value = "tcp-listen:0.0.0.0:80" } } };

	(void)context;
	env.entries[0].handle = connector = fake_connector_create();
	httpd_main(&env);
	state.token_state = TOKEN_KNOWN;
	str_copy(state.token, TOKEN, sizeof(state.token));
	memset(state.engine_secret, 's', ENGINE_SECRET_SIZE);
	turn();
	return 0;
}

static int setup(void **context)
{
	(void)context;
	state.has_engine = true;
	tcpip_fake_connect(&client);
	turn();
	return 0;
}

// Client and engine go: nothing is left of them.
static int teardown(void **context)
{
	(void)context;
	fake_close(&client);
	fake_close(&engine);
	turn();
	assert_int_equal(state.server.service.num_connections, 0);
	return 0;
}

static void again(void)
{
	teardown(NULL);
	setup(NULL);
}

// Takes up to `max` messages that came to `end`, as bytes.
static void hear_some(handle_t end, unsigned max)
{
	struct message m;
	handle_t handle;

	heard.len = heard.ends = 0;
	while (max-- > 0 && fake_take(end, &m, &handle)) {
		struct payload payload;

		if (m.type == MSG_SYNC && handle != HANDLE_NONE)
			assert_int_equal(event_signal(handle, 1), 0);
		heard.ends += m.type == MSG_END;
		m.handles[0] = handle;
		if (m.type != MSG_DATA || payload_open(&m, &payload) != 0) {
			fake_close(&handle);
			continue;
		}
		assert_true(heard.len + payload.bytes.len <= sizeof(heard.bytes));
		memcpy(heard.bytes + heard.len, payload.bytes.data, payload.bytes.len);
		heard.len += payload.bytes.len;
		payload_release(&payload);
	}
	turn();
}

static void hear(handle_t end)
{
	hear_some(end, UINT32_MAX);
}

static void say(handle_t end, const void *bytes, size_t len)
{
	tcpip_fake_say(end, bytes, len);
	turn();
}

#define SAY(end, text) say(end, text, sizeof(text) - 1)
#define HEARD(text)                                                \
	do {                                                       \
		assert_int_equal(heard.len, sizeof(text) - 1);     \
		assert_memory_equal(heard.bytes, text, heard.len); \
	} while (0)

static bool heard_has(const char *text)
{
	heard.bytes[heard.len < sizeof(heard.bytes) ? heard.len : sizeof(heard.bytes) - 1] = '\0';
	return strstr((const char *)heard.bytes, text) != NULL;
}

// Asks for a stream, up to what the engine hears.
static void ask(const char *request)
{
	say(client, request, strlen(request));
	hear(client);
	assert_true(heard_has("HTTP/1.1 101 "));
	assert_true(engine != HANDLE_NONE);
	hear(engine);
}

static void attach(const char *answer)
{
	ask(ATTACH);
	say(engine, answer, strlen(answer));
	hear(client);
}

static void the_engine_is_asked(void **context)
{
	static const char request[] =
		"POST /containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n";
	static const char exec[] = "POST /exec/0a/start HTTP/1.1\r\n";

	(void)context;
	ask(ATTACH);
	assert_int_equal(heard.bytes[ENGINE_SECRET_SIZE - 1], 's');
	assert_memory_equal(heard.bytes + ENGINE_SECRET_SIZE, request, sizeof(request) - 1);
	assert_true(heard_has("Upgrade: tcp\r\n"));
	assert_null(strstr((const char *)heard.bytes, TOKEN));
	again();
	ask(ASK("exec/0a/start?tty=1&rows=24&cols=80"));
	assert_memory_equal(heard.bytes + ENGINE_SECRET_SIZE, exec, sizeof(exec) - 1);
	assert_true(heard_has("\r\n\r\n{\"Detach\":false,\"Tty\":true,\"ConsoleSize\":[24,80]}"));
}

static void bytes_go_both_ways(void **context)
{
	(void)context;
	ask(ATTACH);
	SAY(client, HELLO_SAID);  // waits until there is a stream
	hear(engine);
	HEARD("");
	// The head in two pieces, the second with what is behind it.
	say(engine, RAW, 20);
	say(engine, RAW "out" + 20, sizeof(RAW "out") - 1 - 20);
	hear(client);
	HEARD("\x81\x0c{\"tty\":true}\x82\x03out");
	hear(engine);
	HEARD("hello");
	SAY(engine, "more");
	hear(client);
	HEARD("\x82\x04more");
	SAY(client, EOF_SAID HELLO_SAID);
	hear(engine);
	HEARD("");  // nothing comes behind the end
	assert_int_equal(heard.ends, 1);
	fake_say(engine, MSG_END, NULL, 0, FAKE_NOTHING, 0);
	turn();
	hear(client);
	HEARD("\x88\x02\x03\xe8");
}

static void frames_are_told(void **context)
{
	(void)context;
	attach(FRAMES);
	HEARD("\x81\x0d{\"tty\":false}");
}

static void a_refusal_is_told(void **context)
{
	static const char *const answers[] = {
		"HTTP/1.1 404 x\r\nContent-Length: 23\r\n\r\n{\"message\":\"no\\u001b box\"}",
		"HTTP/1.1 404 x\r\nContent-Length: 99999\r\n\r\n",
		"hello\r\n\r\n",
	};

	(void)context;
	ask(ATTACH);
	SAY(engine, "HTTP/1.1 409 x\r\nContent-Length: 20\r\n\r\n{\"message\":");
	hear(client);
	HEARD("");
	SAY(engine, "\"<busy>\"}");
	hear(client);
	assert_true(heard_has("{\"error\":\"\\u003cbusy\\u003e\",\"status\":409}\x88"));
	assert_true(heard_has("\x03\xf0"));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		again();
		attach(answers[i]);
		fake_close(&engine);
		turn();
		if (heard.len == 0)
			hear(client);
		assert_true(heard_has(i < 2 ? ",\"status\":404}" : ",\"status\":502}"));
	}
	// A head that never ends.
	again();
	ask(ATTACH);
	for (int i = 0; i < 2; i++) {
		static uint8_t junk[HTTP_MAX_HEAD];

		memset(junk, 'x', sizeof(junk));
		say(engine, junk, sizeof(junk) / 2 + 1);
	}
	hear(client);
	assert_true(heard_has("\"status\":502}"));
}

static void what_is_not_a_name_is_refused(void **context)
{
	static const char *const requests[] = { ASK("containers/a%20b/attach"),
		                                ASK("containers/a%2fb/attach"),
		                                ASK("containers/%2e%2e/attach"),
		                                ASK("exec/a/start?tty=1&rows=0&cols=9"),
		                                ASK("exec/a/start?tty=1&rows=9&cols=1001"),
		                                ASK("exec/a%0d%0ab/start") };

	(void)context;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		say(client, requests[i], strlen(requests[i]));
		hear(client);
		assert_true(heard_has("HTTP/1.1 400 "));
	}
	assert_int_equal(engine, HANDLE_NONE);
	state.has_engine = false;
	SAY(client, ATTACH);
	hear(client);
	assert_true(heard_has("HTTP/1.1 503 "));
}

static void a_client_that_breaks_the_rules_is_closed(void **context)
{
	(void)context;
	attach(RAW);
	SAY(client, "\x81\x82\0\0\0\0{}");
	hear(client);
	assert_memory_equal(heard.bytes, "\x88\x12\x03\xf0", 4);
	assert_int_equal(state.server.service.num_connections, 0);
	assert_int_equal(handle_wait(engine, READY_CLOSED, 0), 0);
}

// What the engine does not take stays with the client.
static void an_engine_that_does_not_read_stops_the_client(void **context)
{
	size_t sent = 0, taken = 0, before;

	(void)context;
	attach(RAW);
	do {
		before = fake_bytes_allocated();
		SAY(client, HELLO_SAID);
		sent += 5;
	} while (fake_bytes_allocated() <= before && sent < 100000);
	for (int i = 0; i < 20; i++) {
		SAY(client, HELLO_SAID);
		sent += 5;
	}
	do {
		hear(engine);
		taken += heard.len;
	} while (heard.len > 0);
	assert_true(taken > 0 && taken <= sent);
	SAY(client, HELLO_SAID);
	hear(engine);
	HEARD("hello");
}

// What the client does not read stays with the engine.
static void a_client_that_does_not_read_stops_the_engine(void **context)
{
	static uint8_t bytes[4096];
	unsigned sent = 0;
	size_t total = 0;

	(void)context;
	attach(RAW);
	for (; sent < 10000; sent++) {
		struct message m;

		assert_int_equal(payload_make(&m, bytes, sizeof(bytes)), 0);
		if (channel_send(engine, &m) != 0) {
			message_discard(&m);
			break;
		}
		turn();
	}
	assert_in_range(sent, 1, 200);
	do {
		hear(client);
		total += heard.len;
	} while (heard.len > 0);
	assert_int_equal(total, sent * (sizeof(bytes) + 4));
}

static void it_ends_with_its_client(void **context)
{
	(void)context;
	for (int answered = 0; answered < 2; answered++) {
		again();
		ask(ATTACH);
		if (answered)
			SAY(engine, RAW);
		fake_close(&client);
		turn();
		assert_int_equal(handle_wait(engine, READY_CLOSED, 0), 0);
	}
}

// Not of streams: what is asked for before the page was read has its answer then.
static void the_page_is_waited_for(void **context)
{
	(void)context;
	for (int stays = 0; stays < 2; stays++) {
		again();
		state.token_state = TOKEN_AWAITED;
		SAY(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
		hear(client);
		assert_int_equal(heard.len, 0);
		if (!stays)
			fake_close(&client);
		turn();
		assert_int_equal(list_is_empty(&state.held), !stays);
		state.token_state = TOKEN_KNOWN;
		held_release(&state);
		turn();
		if (!stays)
			continue;
		hear(client);
		assert_true(heard_has("HTTP/1.1 200 OK"));
		assert_true(list_is_empty(&state.held));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_engine_is_asked),
		TEST(bytes_go_both_ways),
		TEST(frames_are_told),
		TEST(a_refusal_is_told),
		TEST(what_is_not_a_name_is_refused),
		TEST(a_client_that_breaks_the_rules_is_closed),
		TEST(an_engine_that_does_not_read_stops_the_client),
		TEST(a_client_that_does_not_read_stops_the_engine),
		TEST(it_ends_with_its_client),
		TEST(the_page_is_waited_for),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
