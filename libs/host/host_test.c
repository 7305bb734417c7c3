// SPDX-License-Identifier: MIT
//
// A client of "host" and a provider that answers late, in another order, or dies.
#include "libs/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"

#define CALLS 20u

static const uint8_t any[4] = { 0 };
static const uint8_t target[4] = { 10, 0, 2, 100 };
static struct loop loop;
static struct host host;
static handle_t connector, provider;
static struct host_call calls[CALLS];
static unsigned num_done, num_stops;
static struct {
	const struct host_call *call;
	error_t error;
	uint32_t port;
	char text[64];
} done[CALLS];

static void call_done(struct host_call *call, error_t error, uint32_t port, struct span text)
{
	done[num_done].call = call;
	done[num_done].error = error;
	done[num_done].port = port;
	memcpy(done[num_done].text, text.data, text.len);
	done[num_done++].text[text.len] = '\0';
}

static void stop(void *context)
{
	assert_ptr_equal(context, &host);
	num_stops++;
}

static void settle(void)
{
	fake_loop_settle(&loop);
}

static const struct host_ops with_stop = { .stop = stop };
static const struct host_ops without_stop = { 0 };

static void begin(const struct host_ops *ops)
{
	fake_reset();
	num_done = num_stops = 0;
	for (unsigned i = 0; i < CALLS; i++)
		calls[i] = (struct host_call){ .done = call_done };
	assert_int_equal(loop_init(&loop), 0);
	connector = fake_connector_create();
	assert_int_equal(host_start(&host, &loop, connector, ops, &host), 0);
	settle();
	provider = fake_provider_accept(connector);
	assert_int_not_equal(provider, HANDLE_NONE);
}

// The next request that came to the provider. Returns false when there is none.
static bool request_take(struct msg_host_publish *request)
{
	struct message m;
	const uint8_t *tail;
	size_t tail_len;

	settle();
	if (channel_recv(provider, &m) != 0)
		return false;
	assert_int_equal(message_decode_host_publish(&m, request, &tail, &tail_len), 0);
	return true;
}

static struct msg_host_stop stop_take(void)
{
	struct msg_host_stop said;
	struct message m;
	const uint8_t *tail;
	size_t tail_len;

	settle();
	assert_int_equal(channel_recv(provider, &m), 0);
	assert_int_equal(message_decode_host_stop(&m, &said, &tail, &tail_len), 0);
	return said;
}

static void answer(uint32_t id, error_t error, uint32_t port, const char *text)
{
	struct msg_host_result result = { .id = id, .error = error, .value = port };
	struct message m;

	assert_int_equal(message_encode_host_result(&m, &result, text, strlen(text)), 0);
	fake_send(provider, &m);
	settle();
}

static void restart(void)
{
	fake_close(&provider);
	settle();
	provider = fake_provider_accept(connector);
	assert_int_not_equal(provider, HANDLE_NONE);
}

static void answers(void **state)
{
	struct msg_host_publish first, second;

	(void)state;
	begin(&without_stop);
	host_publish(&host, &calls[0], HOST_TCP, any, 8080, target, 80);
	host_unpublish(&host, &calls[1], HOST_UDP, any, 53);
	assert_true(request_take(&first) && request_take(&second));
	assert_int_equal(first.protocol, HOST_TCP);
	assert_int_equal(first.host_port, 8080);
	assert_int_equal(first.port, 80);
	assert_memory_equal(first.address, target, 4);
	assert_int_equal(first.flags, 0);
	assert_int_equal(second.protocol, HOST_UDP);
	assert_int_equal(second.flags, HOST_UNPUBLISH);
	answer(12345, 0, 1, "");  // of nobody
	answer(second.id, 0, 53, "");
	answer(first.id, ERR_REFUSED, 0, "bind: address already in use");
	answer(first.id, 0, 8080, "");  // once only
	assert_int_equal(num_done, 2);
	assert_ptr_equal(done[0].call, &calls[1]);
	assert_int_equal(done[1].error, ERR_REFUSED);
	assert_string_equal(done[1].text, "bind: address already in use");
}

static void no_more_than_it_takes(void **state)
{
	struct msg_host_publish request = { 0 };
	unsigned asked = 0;

	(void)state;
	begin(&without_stop);
	for (uint16_t i = 0; i < CALLS; i++)
		host_publish(&host, &calls[i], HOST_TCP, any, (uint16_t)(1000 + i), target, 80);
	while (request_take(&request))
		asked++;
	assert_int_equal(asked, HOST_MAX_ASKED);
	host_cancel(&host, &calls[0]);          // on its way: another one may go
	host_cancel(&host, &calls[CALLS - 1]);  // waits
	assert_true(request_take(&request));
	answer(1, 0, 1, "");  // what was given up
	assert_int_equal(num_done, 0);
	for (uint32_t id = 2; id <= CALLS; id++)
		answer(id, 0, 1, "");
	assert_int_equal(num_done, CALLS - 2);
}

// A path goes along inline, or in a folio.
static void binds(void **state)
{
	static uint8_t path[4000];
	static const size_t lengths[] = { 10, 240, 241, sizeof(path) };
	struct msg_host_bind bind;
	const uint8_t *tail;
	size_t tail_len;

	(void)state;
	memset(path, 'p', sizeof(path));
	begin(&without_stop);
	for (unsigned i = 0; i < 4; i++) {
		struct span span = { .data = path, .len = lengths[i] };
		struct payload payload = { 0 };
		struct message m;

		host_bind(&host, &calls[i], span, i == 1);
		settle();
		assert_int_equal(channel_recv(provider, &m), 0);
		assert_int_equal(message_decode_host_bind(&m, &bind, &tail, &tail_len), 0);
		assert_int_equal(bind.flags, i == 1 ? HOST_BIND_MAKE : 0);
		if (m.num_handles == 1)
			assert_int_equal(payload_open_folio(m.handles[0], bind.offset, bind.length,
			                                    &payload),
			                 0);
		else
			payload.bytes = (struct span){ .data = tail, .len = tail_len };
		assert_int_equal(payload.bytes.len, lengths[i]);
		assert_memory_equal(payload.bytes.data, path, lengths[i]);
		payload_release(&payload);
		answer(bind.id, 0, 70000, "");
		assert_int_equal(done[i].port, 70000);
	}
}

// What was asked comes first again, in its order.
static void a_provider_that_dies(void **state)
{
	struct msg_host_publish request;

	(void)state;
	begin(&without_stop);
	for (uint16_t i = 0; i < HOST_MAX_ASKED + 2; i++)
		host_publish(&host, &calls[i], HOST_TCP, any, (uint16_t)(1000 + i), target, 80);
	assert_true(request_take(&request));
	answer(request.id, 0, 1000, "");
	restart();
	for (uint16_t i = 1; i < HOST_MAX_ASKED + 1; i++) {
		assert_true(request_take(&request));
		assert_int_equal(request.host_port, 1000 + i);
	}
	assert_false(request_take(&request));
	answer(request.id, 0, 1, "");
	assert_int_equal(num_done, 2);
	assert_true(request_take(&request));
	assert_int_equal(request.host_port, 1000 + HOST_MAX_ASKED + 1);
}

static void the_end(void **state)
{
	struct msg_host_stop now = { .kind = HOST_STOP_NOW };
	struct message m;

	(void)state;
	begin(&with_stop);
	assert_int_equal(stop_take().kind, HOST_STOP_WATCH);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(message_encode_host_stop(&m, &now, NULL, 0), 0);
		fake_send(provider, &m);
		settle();
	}
	assert_int_equal(num_stops, 1);
	host_stop_takes(&host, 10);
	assert_int_equal(stop_take().seconds, 10);
	// Another one asks again, and is told again.
	restart();
	assert_int_equal(stop_take().kind, HOST_STOP_WATCH);
	assert_int_equal(message_encode_host_stop(&m, &now, NULL, 0), 0);
	fake_send(provider, &m);
	assert_int_equal(stop_take().kind, HOST_STOP_SECONDS);
	assert_int_equal(num_stops, 1);
	host_stopped(&host);
	assert_int_equal(stop_take().kind, HOST_STOP_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(no_more_than_it_takes),
		cmocka_unit_test(binds),   cmocka_unit_test(a_provider_that_dies),
		cmocka_unit_test(the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
