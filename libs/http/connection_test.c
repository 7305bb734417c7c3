// SPDX-License-Identifier: MIT
//
// What a peer makes a server hold that asks and does not read, over a fake of the kernel.
#include "libs/http/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/tcpip.h"
#include "libs/http/flow.h"
#include "libs/http/handler.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/syscall.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY 3000u  // more than a message takes without a folio
#define REQUESTS 100u
// Far less than a channel takes.
#define MESSAGES_MAX 8u

static struct loop loop;
static struct http_service service;
static handle_t peer;
static uint64_t window;  // messages that the server takes

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	static const uint8_t body[BODY];

	(void)context;
	(void)head;
	http_respond(exchange, 200, "text/plain", body, sizeof(body));
}

static const struct http_handler handler = { .request = on_request };

static int setup(void **state)
{
	handle_t ends[2];

	(void)state;
	fake_reset();
	assert_int_equal(loop_init(&loop), 0);
	service = (struct http_service){ .loop = &loop, .handler = &handler };
	list_init(&service.connections);
	assert_int_equal(channel_create(ends), 0);
	http_connection_create(&service, ends[0]);
	peer = ends[1];
	window = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_close(&peer);
	fake_loop_settle(&loop);
	assert_int_equal(service.num_connections, 0);
	loop_deinit(&loop);
	assert_int_equal(fake_num_handles(), 0);
	assert_int_equal(fake_num_allocated(), 0);
	return 0;
}

// Takes what the server has sent, as tcpip does when the peer reads, and says so where it is asked.
static unsigned take_all(void)
{
	struct msg_window more;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	unsigned count = 0;
	handle_t handle;

	while (fake_take(peer, &m, &handle)) {
		if (message_decode_window(&m, &more, &tail, &tail_len) == 0)
			window += more.messages;
		if (m.type == MSG_SYNC)
			assert_int_equal(event_signal(handle, 1), 0);
		if (handle != HANDLE_NONE)
			handle_close(handle);
		count++;
	}
	fake_loop_settle(&loop);
	return count;
}

// All that comes until nothing more does.
static void expect_all(uint64_t requests)
{
	while (take_all() > 0) {
	}
	assert_int_equal(service.num_requests, requests);
}

static void say(const void *bytes, size_t len)
{
	struct message m;

	assert_int_equal(payload_make(&m, bytes, len), 0);
	fake_send(peer, &m);
	fake_loop_settle(&loop);
}

static void requests_of_one_message(void **state)
{
	char text[REQUESTS * sizeof(REQUEST)];
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++) {
		memcpy(text + len, REQUEST, sizeof(REQUEST) - 1);
		len += sizeof(REQUEST) - 1;
	}
	say(text, len);
	assert_in_range(service.num_requests, 1, MESSAGES_MAX);
	assert_in_range(take_all(), 1, MESSAGES_MAX);
	expect_all(REQUESTS);
}

static void requests_of_many_messages(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++)
		say(REQUEST, sizeof(REQUEST) - 1);
	assert_in_range(service.num_requests, 1, MESSAGES_MAX);
	expect_all(REQUESTS);
}

// tcpip may send what the server has taken, and a little more.
static void the_window_follows_what_is_taken(void **state)
{
	requests_of_many_messages(state);
	assert_in_range(window, REQUESTS + HTTP_WINDOW / 2, REQUESTS + HTTP_WINDOW);
}

// A peer that never reads is closed, as any that makes no progress.
static void a_peer_that_does_not_read_is_closed(void **state)
{
	requests_of_many_messages(state);
	for (unsigned i = 0; i < MESSAGES_MAX; i++)
		say(REQUEST, sizeof(REQUEST) - 1);
	for (unsigned i = 0; i <= HTTP_IDLE_TICKS; i++) {
		list_for_each_safe(entry, &service.connections)
			http_connection_tick(container_of(entry, struct http_connection, entry));
	}
	assert_int_equal(service.num_connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_of_one_message, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_of_many_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(the_window_follows_what_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_does_not_read_is_closed, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
