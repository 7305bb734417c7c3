// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"

static void small_message(struct message *m, uint64_t id)
{
	struct msg_echo echo = { .id = id };

	assert(message_encode_echo(m, &echo, NULL, 0) == 0);
}

static void keeps_messages_whole_and_in_order(struct autotest *t)
{
	handle_t ends[2] = { 0 };
	struct message m;

	expect(t, channel_create(ends) == 0);
	expect(t, channel_recv(ends[1], &m) == ERR_EMPTY);
	for (uint64_t i = 0; i < CHANNEL_MAX_QUEUED; i++) {
		small_message(&m, i);
		expect(t, channel_send(ends[0], &m) == 0);
	}
	expect(t, channel_send(ends[0], &m) == ERR_FULL);
	for (uint64_t i = 0; i < CHANNEL_MAX_QUEUED; i++) {
		uint64_t id = 0;

		expect(t, channel_recv(ends[1], &m) == 0);
		memcpy(&id, m.data, sizeof(id));
		expect(t, m.type == MSG_ECHO && m.len == sizeof(id) && id == i);
	}
	handle_close(ends[0]);
	expect(t, channel_recv(ends[1], &m) == ERR_PEER_CLOSED);
	expect(t, channel_send(ends[1], &m) == ERR_PEER_CLOSED);
	handle_close(ends[1]);
}

static void a_failed_send_changes_nothing(struct autotest *t)
{
	handle_t ends[2] = { 0 };
	handle_t event = HANDLE_NONE;
	struct message m;
	uint64_t count = 0;

	expect(t, channel_create(ends) == 0 && event_create(&event) == 0);
	small_message(&m, 1);
	m.handles[0] = event;
	m.handles[1] = ends[0];
	m.num_handles = 2;
	expect(t, channel_send(ends[0], &m) == ERR_INVALID);  // an end of this very channel
	m.handles[1] = event;
	expect(t, channel_send(ends[0], &m) == ERR_INVALID);  // twice the same
	m.handles[1] = 0x7fffffff;
	expect(t, channel_send(ends[0], &m) == ERR_BAD_HANDLE);
	expect(t, event_signal(event, 3) == 0 && event_take(event, &count) == 0 && count == 3);
	m.num_handles = 1;
	expect(t, channel_send(ends[0], &m) == 0);
	expect(t, event_signal(event, 1) == ERR_BAD_HANDLE);
	expect(t, channel_recv(ends[1], &m) == 0 && m.num_handles == 1);
	expect(t, event_signal(m.handles[0], 1) == 0);
	handle_close(m.handles[0]);
	handle_close(ends[0]);
	handle_close(ends[1]);
}

// Each channel is queued in the next one; closing the last must not take a stack frame for each.
static void a_long_chain_of_queued_channels_goes(struct autotest *t)
{
	struct system_info before = test_system_info(t);
	struct system_info after;
	handle_t previous[2] = { 0 };
	struct message m;

	expect(t, channel_create(previous) == 0);
	for (int i = 0; i < 20000 && !t->failed; i++) {
		handle_t next[2] = { 0 };

		expect(t, channel_create(next) == 0);
		small_message(&m, 0);
		m.handles[0] = previous[0];
		m.handles[1] = previous[1];
		m.num_handles = 2;
		expect(t, channel_send(next[0], &m) == 0);
		previous[0] = next[0];
		previous[1] = next[1];
	}
	handle_close(previous[0]);
	handle_close(previous[1]);
	after = test_system_info(t);
	// other apps make and close some meanwhile
	expect(t, after.kernel_objects < before.kernel_objects + 1000);
}

static void queue_on_each_other(struct autotest *t)
{
	handle_t a[2] = { 0 };
	handle_t b[2] = { 0 };
	struct message m;

	expect(t, channel_create(a) == 0 && channel_create(b) == 0);
	small_message(&m, 0);
	m.handles[0] = b[1];
	m.num_handles = 1;
	expect(t, channel_send(a[0], &m) == 0);
	m.handles[0] = a[1];
	expect(t, channel_send(b[0], &m) == 0);
	handle_close(a[0]);
	handle_close(b[0]);
}

static void two_channels_queued_on_each_other_go(struct autotest *t)
{
	struct system_info before = test_system_info(t);

	for (int i = 0; i < 1000 && !t->failed; i++)
		queue_on_each_other(t);
	expect(t, test_system_info(t).kernel_objects < before.kernel_objects + 1000);
}

static void echo_answers(struct autotest *t)
{
	static const char text[] = "Hello, echo";
	struct msg_echo echo = { .id = 7 };
	handle_t channel = HANDLE_NONE;
	handle_t event = HANDLE_NONE;
	struct message m;

	expect(t,
	       service_connect_wait(environ_connector(t->env, "echo"), test_deadline(), &channel) ==
	               0);
	expect(t, event_create(&event) == 0);
	expect(t, message_encode_echo(&m, &echo, text, sizeof(text)) == 0);
	m.handles[0] = event;
	m.num_handles = 1;
	expect(t, channel_send(channel, &m) == 0);
	expect(t, recv_wait(channel, test_deadline(), &m) == 0);
	expect(t,
	       m.num_handles == 1 && m.len == sizeof(echo) + sizeof(text) &&
	               memcmp(m.data + sizeof(echo), text, sizeof(text)) == 0);
	expect(t, event_signal(m.handles[0], 1) == 0);
	handle_close(m.handles[0]);
	handle_close(channel);
}

const struct test channel_tests[] = {
	{ "a channel keeps messages whole and in order", keeps_messages_whole_and_in_order },
	{ "a failed send changes nothing", a_failed_send_changes_nothing },
	{ "a long chain of queued channels goes", a_long_chain_of_queued_channels_goes },
	{ "two channels queued on each other go", two_channels_queued_on_each_other_go },
	{ "echo answers", echo_answers },
	{ 0 },
};
