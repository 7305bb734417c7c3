// SPDX-License-Identifier: MIT
//
// There and back again: what two apps that each wait in their poll pay for a request and its answer.
#include "apps/bench/bench.h"

struct trip {
	handle_t channel;
	handle_t poll;
	struct message m;
};

static void op_round_trip(void *arg)
{
	struct trip *t = arg;
	struct poll_event event;
	size_t n;

	assert(channel_send(t->channel, &t->m) == 0);
	assert(poll_wait(t->poll, &event, 1, NSEC_NEVER, &n) == 0);
	assert(channel_recv(t->channel, &t->m) == 0);
}

static handle_t connect_to_peer(struct bench *b)
{
	handle_t connector = environ_connector(b->env, "bench_peer");
	handle_t channel;

	while (service_connect(connector, &channel) != 0)
		thread_yield();
	return channel;
}

void bench_round_trips(struct bench *b)
{
	struct trip t = {.channel = connect_to_peer(b)};
	handle_t event, folio;

	assert(poll_create(&t.poll) == 0);
	assert(poll_add(t.poll, t.channel, READY_READABLE, 0) == 0);
	message_init(&t.m, MSG_END);
	bench_measure(b, "round_trip_0", op_round_trip, NULL, &t, 1);
	t.m.len = 64;
	bench_measure(b, "round_trip_64", op_round_trip, NULL, &t, 1);
	assert(event_create(&event) == 0);
	t.m.handles[0] = event;
	t.m.num_handles = 1;
	t.m.len = 0;
	bench_measure(b, "round_trip_0_handle", op_round_trip, NULL, &t, 1);
	t.m.len = 64;
	bench_measure(b, "round_trip_64_handle", op_round_trip, NULL, &t, 1);
	// More than MESSAGE_MAX_DATA travels as a folio, which is a handle of its own: it moves, nothing is copied.
	event = t.m.handles[0];
	assert(folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	t.m.handles[0] = folio;
	t.m.len = sizeof(struct msg_data);
	t.m.type = MSG_DATA;
	bench_measure(b, "round_trip_4096", op_round_trip, NULL, &t, 1);
	t.m.handles[1] = event;
	t.m.num_handles = 2;
	bench_measure(b, "round_trip_4096_handle", op_round_trip, NULL, &t, 1);
	handle_close(t.poll);
	handle_close(t.channel);
}
