// SPDX-License-Identifier: MIT
#include "libs/starina/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define CONNECTOR 5
#define SERVICE 6
#define CHANNEL 7
#define POLL 8

// --- A fake kernel: a connector, a service with waiting connections, one channel with what it will

static struct {
	error_t connect_errors[8];  // of the next tries; 0 from then on
	size_t connects;
	size_t accepts;
	size_t waits;
	error_t wait_error;
	handle_t polled;
	uint32_t interest;
	bool poll_open;
	struct message inbox[8];  // received after so many waits; type 0: nothing yet
	size_t inbox_len;
	size_t inbox_next;
	error_t inbox_end;  // once the inbox is empty
	struct message sent;
	error_t send_error;
	size_t closed;
	struct source *source;
	const struct source_ops *ops;
	error_t add_error;
} fake;

error_t service_connect(handle_t connector, handle_t *out)
{
	error_t err = fake.connects < 8 ? fake.connect_errors[fake.connects] : 0;

	assert_int_equal(connector, CONNECTOR);
	fake.connects++;
	if (err == 0)
		*out = CHANNEL;
	return err;
}

error_t service_accept(handle_t service, handle_t *out)
{
	assert_int_equal(service, SERVICE);
	if (fake.accepts == 0)
		return ERR_EMPTY;
	fake.accepts--;
	*out = CHANNEL;
	return 0;
}

error_t poll_create(handle_t *out)
{
	assert_false(fake.poll_open);
	fake.poll_open = true;
	*out = POLL;
	return 0;
}

error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	(void)cookie;
	assert_int_equal(poll, POLL);
	if (fake.add_error != 0)
		return fake.add_error;
	fake.polled = h;
	fake.interest = interest;
	return 0;
}

error_t poll_wait(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events)
{
	(void)max;
	assert_int_equal(poll, POLL);
	assert_int_equal(deadline, 1234);
	fake.waits++;
	if (fake.wait_error != 0)
		return fake.wait_error;
	events[0] = (struct poll_event){ .cookie = 1, .ready = fake.interest };
	*num_events = 1;
	return 0;
}

error_t poll_recv(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events, struct message *m)
{
	error_t err = poll_wait(poll, events, max, deadline, num_events);

	if (err == 0 && channel_recv(fake.polled, m) == 0)
		events[0] = (struct poll_event){ .cookie = 1, .received = 1 };
	return err;
}

error_t handle_close(handle_t h)
{
	if (h == POLL) {
		assert_true(fake.poll_open);
		fake.poll_open = false;
	} else {
		fake.closed++;
	}
	return 0;
}

error_t channel_recv(handle_t channel, struct message *m)
{
	assert_int_equal(channel, CHANNEL);
	if (fake.inbox_next == fake.inbox_len)
		return fake.inbox_end;
	*m = fake.inbox[fake.inbox_next++];
	return m->type == 0 ? ERR_EMPTY : 0;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	assert_int_equal(channel, CHANNEL);
	if (fake.send_error == 0)
		fake.sent = *m;
	return fake.send_error;
}

// The loop keeps one source; a test signals it.
error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	if (fake.add_error != 0)
		return fake.add_error;
	*source = (struct source){ .handle = handle, .ops = ops, .context = context, .loop = loop };
	fake.source = source;
	fake.ops = ops;
	return 0;
}

void loop_remove(struct loop *loop, struct source *source)
{
	(void)loop;
	if (fake.source == source)
		fake.source = NULL;
	source->loop = NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.inbox_end = ERR_PEER_CLOSED;
	return 0;
}

static struct loop loop;

static void signal_source(void)
{
	assert_non_null(fake.source);
	fake.ops->signalled(&loop, fake.source);
}

// --- Provider ---

static size_t num_accepted;
static struct service_listener listener;
static bool stops;

static void accepted(void *context, handle_t channel)
{
	assert_ptr_equal(context, &num_accepted);
	assert_int_equal(channel, CHANNEL);
	num_accepted++;
	if (stops)
		loop_remove(&loop, &listener.source);
}

static void test_listener(void **state)
{
	(void)state;
	num_accepted = 0;
	stops = false;
	assert_int_equal(service_listen(&loop, &listener, SERVICE, accepted, &num_accepted), 0);
	fake.accepts = 3;
	signal_source();
	assert_int_equal(num_accepted, 3);
	// A callback that stops listening gets no more.
	fake.accepts = 3;
	stops = true;
	signal_source();
	assert_int_equal(num_accepted, 4);
	assert_int_equal(fake.accepts, 2);
	fake.add_error = ERR_LIMIT;
	assert_int_equal(service_listen(&loop, &listener, SERVICE, accepted, &num_accepted),
	                 ERR_LIMIT);
}

// --- Client ---

static size_t num_connected;

static void connected(void *context, handle_t channel)
{
	assert_ptr_equal(context, &num_connected);
	assert_int_equal(channel, CHANNEL);
	num_connected++;
}

static void test_client_at_once(void **state)
{
	struct service_client client;

	(void)state;
	num_connected = 0;
	assert_int_equal(service_client_start(&loop, &client, CONNECTOR, connected, &num_connected),
	                 0);
	assert_int_equal(num_connected, 1);
	assert_null(fake.source);
	service_client_stop(&client);
}

static void test_client_waits_for_the_provider(void **state)
{
	struct service_client client;

	(void)state;
	num_connected = 0;
	fake.connect_errors[0] = ERR_NOT_READY;
	fake.connect_errors[1] = ERR_NOT_READY;
	fake.connect_errors[3] = ERR_NOT_READY;
	assert_int_equal(service_client_start(&loop, &client, CONNECTOR, connected, &num_connected),
	                 0);
	assert_int_equal(num_connected, 0);
	assert_int_equal(client.source.handle, CONNECTOR);
	// Another one was quicker.
	signal_source();
	assert_int_equal(num_connected, 0);
	assert_non_null(fake.source);
	signal_source();
	assert_int_equal(num_connected, 1);
	assert_null(fake.source);
	// The provider died.
	assert_int_equal(service_client_again(&client), 0);
	assert_int_equal(num_connected, 1);
	signal_source();
	assert_int_equal(num_connected, 2);
	service_client_stop(&client);
	assert_null(fake.source);
}

// --- Blocking calls ---

static void test_connect_wait(void **state)
{
	handle_t channel = 0;

	(void)state;
	fake.connect_errors[0] = ERR_NOT_READY;
	fake.connect_errors[1] = ERR_FULL;
	assert_int_equal(service_connect_wait(CONNECTOR, 1234, &channel), 0);
	assert_int_equal(channel, CHANNEL);
	assert_int_equal(fake.waits, 2);
	assert_int_equal(fake.polled, CONNECTOR);
	assert_false(fake.poll_open);

	fake.connects = 0;
	fake.wait_error = ERR_TIMED_OUT;
	assert_int_equal(service_connect_wait(CONNECTOR, 1234, &channel), ERR_TIMED_OUT);
	assert_false(fake.poll_open);
	fake.connects = 0;
	fake.connect_errors[0] = ERR_ACCESS;
	assert_int_equal(service_connect_wait(CONNECTOR, 1234, &channel), ERR_ACCESS);
	fake.connects = 0;
	fake.connect_errors[0] = ERR_NOT_READY;
	fake.add_error = ERR_LIMIT;
	assert_int_equal(service_connect_wait(CONNECTOR, 1234, &channel), ERR_LIMIT);
	assert_false(fake.poll_open);
}

static void test_recv_wait(void **state)
{
	struct message m;

	(void)state;
	fake.inbox_len = 2;
	fake.inbox[1].type = MSG_END;
	assert_int_equal(recv_wait(CHANNEL, 1234, &m), 0);
	assert_int_equal(m.type, MSG_END);
	assert_int_equal(fake.waits, 1);
	// Somebody else was quicker: there is nothing after the wait.
	fake.inbox[2] = (struct message){ 0 };
	fake.inbox[3] = (struct message){ 0 };
	fake.inbox[4] = (struct message){ .type = 12 };
	fake.inbox_len = 5;
	assert_int_equal(recv_wait(CHANNEL, 1234, &m), 0);
	assert_int_equal(m.type, 12);
	assert_int_equal(fake.waits, 2);
	assert_int_equal(fake.interest, READY_READABLE | READY_CLOSED);
	assert_int_equal(recv_wait(CHANNEL, 1234, &m), ERR_PEER_CLOSED);
	fake.inbox_end = ERR_EMPTY;
	fake.wait_error = ERR_TIMED_OUT;
	assert_int_equal(recv_wait(CHANNEL, 1234, &m), ERR_TIMED_OUT);
}

// --- The open request ---

static struct message *next_in(void)
{
	return &fake.inbox[fake.inbox_len++];
}

static void put_reply(uint32_t id, handle_t object)
{
	struct msg_open_reply reply = { .id = id };
	struct message *m = next_in();

	assert_int_equal(message_encode_open_reply(m, &reply, NULL, 0), 0);
	m->handles[0] = object;
	m->num_handles = object != HANDLE_NONE;
}

static void put_error(uint32_t id, error_t error)
{
	struct msg_error refusal = { .id = id, .error = error };

	assert_int_equal(message_encode_error(next_in(), &refusal, "no", 2), 0);
}

static void test_open_wait(void **state)
{
	struct msg_open open;
	const uint8_t *uri;
	size_t uri_len;
	handle_t out = 0;

	(void)state;
	// Answers to others and other messages are thrown away, with their handles.
	put_reply(9, 30);
	put_error(0, ERR_PROTOCOL);
	message_init(next_in(), MSG_CONNECT);
	put_reply(1, 31);
	assert_int_equal(open_wait(CHANNEL, "blk:boot", 1234, &out), 0);
	assert_int_equal(out, 31);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(message_decode_open(&fake.sent, &open, &uri, &uri_len), 0);
	assert_int_equal(open.id, 1);
	assert_int_equal(uri_len, 8);
	assert_memory_equal(uri, "blk:boot", 8);
	// Nothing more comes.
	assert_int_equal(open_wait(CHANNEL, "x", 1234, &out), ERR_PEER_CLOSED);
}

static void test_open_wait_refused(void **state)
{
	char long_uri[MESSAGE_MAX_DATA];
	handle_t out = 0;

	(void)state;
	put_error(1, ERR_NOT_FOUND);
	assert_int_equal(open_wait(CHANNEL, "x", 1234, &out), ERR_NOT_FOUND);
	// A refusal that says success is none.
	put_error(1, 5);
	assert_int_equal(open_wait(CHANNEL, "x", 1234, &out), ERR_PROTOCOL);
	// A reply without its channel is not an answer.
	put_reply(1, HANDLE_NONE);
	assert_int_equal(open_wait(CHANNEL, "x", 1234, &out), ERR_PEER_CLOSED);
	assert_int_equal(out, 0);
	fake.send_error = ERR_FULL;
	assert_int_equal(open_wait(CHANNEL, "x", 1234, &out), ERR_FULL);
	memset(long_uri, 'x', sizeof(long_uri) - 1);
	long_uri[sizeof(long_uri) - 1] = '\0';
	assert_int_equal(open_wait(CHANNEL, long_uri, 1234, &out), ERR_TOO_LARGE);
}

static void test_answers(void **state)
{
	struct msg_open_reply reply;
	struct msg_error refusal;
	char text[MESSAGE_MAX_DATA * 2];
	const uint8_t *tail;
	size_t tail_len;

	(void)state;
	assert_int_equal(open_reply_send(CHANNEL, 3, 44), 0);
	assert_int_equal(message_decode_open_reply(&fake.sent, &reply, &tail, &tail_len), 0);
	assert_int_equal(reply.id, 3);
	assert_int_equal(fake.sent.num_handles, 1);
	assert_int_equal(fake.sent.handles[0], 44);

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(error_send(CHANNEL, 4, ERR_RANGE, text), 0);
	assert_int_equal(message_decode_error(&fake.sent, &refusal, &tail, &tail_len), 0);
	assert_int_equal(refusal.id, 4);
	assert_int_equal(refusal.error, ERR_RANGE);
	assert_int_equal(tail_len, MESSAGE_MAX_DATA - sizeof(refusal));
	assert_int_equal(error_send(CHANNEL, 4, ERR_RANGE, NULL), 0);
	assert_int_equal(message_decode_error(&fake.sent, &refusal, &tail, &tail_len), 0);
	assert_int_equal(tail_len, 0);
	fake.send_error = ERR_PEER_CLOSED;
	assert_int_equal(open_reply_send(CHANNEL, 3, 44), ERR_PEER_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_listener, setup),
		cmocka_unit_test_setup(test_client_at_once, setup),
		cmocka_unit_test_setup(test_client_waits_for_the_provider, setup),
		cmocka_unit_test_setup(test_connect_wait, setup),
		cmocka_unit_test_setup(test_recv_wait, setup),
		cmocka_unit_test_setup(test_open_wait, setup),
		cmocka_unit_test_setup(test_open_wait_refused, setup),
		cmocka_unit_test_setup(test_answers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
