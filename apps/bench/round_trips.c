// SPDX-License-Identifier: MIT
//
// There and back again: what two apps that each wait in their poll pay for a request and its
// answer.
#include "apps/bench/bench.h"
#include "libs/starina/loop.h"

struct trip {
	handle_t channel;
	handle_t poll;
	struct message m;
	struct loop loop;
	struct source source;
};

// The calls of their own that poll_recv saves.
static void op_round_trip_plain(void *arg)
{
	struct trip *t = arg;
	struct poll_event event;
	size_t n;

	assert(channel_send(t->channel, &t->m) == 0);
	assert(poll_wait(t->poll, &event, 1, NSEC_NEVER, &n) == 0);
	assert(channel_recv(t->channel, &t->m) == 0);
}

static void op_round_trip(void *arg)
{
	struct trip *t = arg;
	struct poll_event event;
	size_t n;

	assert(channel_send(t->channel, &t->m) == 0);
	assert(poll_recv(t->poll, &event, 1, NSEC_NEVER, &n, &t->m) == 0);
}

// The folio is written to on each side.
static void op_mapped_trip(void *arg)
{
	struct trip *t = arg;
	void *at;

	assert(folio_map(t->m.handles[0], PROT_READ | PROT_WRITE, &at) == 0);
	*(volatile uint64_t *)at += 1;
	op_round_trip(t);
}

static void loop_message(struct loop *loop, struct source *source, struct message *m)
{
	struct trip *t = source->context;

	(void)loop;
	t->m.len = m->len;
}

static void op_round_trip_by_loop(void *arg)
{
	struct trip *t = arg;

	assert(channel_send(t->channel, &t->m) == 0);
	assert(loop_turn(&t->loop, NSEC_NEVER) == 0);
}

static handle_t connect_to_peer(struct bench *b)
{
	handle_t connector = environ_connector(b->env, "bench_peer");
	handle_t channel;

	while (service_connect(connector, &channel) != 0)
		thread_yield();
	return channel;
}

// The six figures of one way to make the trip, `name` and what is carried.
struct trip_names {
	const char *empty, *bytes_64, *handle, *bytes_64_handle, *folio, *folio_handle;
};

static void measure_trips(struct bench *b, const struct trip_names *names, void (*op)(void *arg))
{
	struct trip t = { .channel = connect_to_peer(b) };
	handle_t event, folio;

	assert(poll_create(&t.poll) == 0);
	assert(poll_add(t.poll, t.channel, READY_READABLE, 0) == 0);
	message_init(&t.m, MSG_END);
	bench_measure(b, names->empty, op, NULL, &t, 1);
	t.m.len = 64;
	bench_measure(b, names->bytes_64, op, NULL, &t, 1);
	assert(event_create(&event) == 0);
	t.m.handles[0] = event;
	t.m.num_handles = 1;
	t.m.len = 0;
	bench_measure(b, names->handle, op, NULL, &t, 1);
	t.m.len = 64;
	bench_measure(b, names->bytes_64_handle, op, NULL, &t, 1);
	// More than MESSAGE_MAX_DATA travels as a folio, which is a handle of its own: it moves,
	// nothing is copied.
	event = t.m.handles[0];
	assert(folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	t.m.handles[0] = folio;
	t.m.len = sizeof(struct msg_data);
	t.m.type = MSG_DATA;
	bench_measure(b, names->folio, op, NULL, &t, 1);
	t.m.handles[1] = event;
	t.m.num_handles = 2;
	bench_measure(b, names->folio_handle, op, NULL, &t, 1);
	handle_close(t.poll);
	handle_close(t.channel);
}

static void measure_mapped(struct bench *b)
{
	struct trip t = { .channel = connect_to_peer(b) };

	assert(poll_create(&t.poll) == 0);
	assert(poll_add(t.poll, t.channel, READY_READABLE, 0) == 0);
	message_init(&t.m, MSG_DATA);
	t.m.len = sizeof(struct msg_data);
	t.m.num_handles = 1;
	assert(folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &t.m.handles[0]) == 0);
	bench_measure(b, "mapped_trip_4096", op_mapped_trip, NULL, &t, 1);
	handle_close(t.poll);
	handle_close(t.channel);
}

// Both sides by the event loop of libs/starina.
static void measure_loop(struct bench *b)
{
	static const struct source_ops ops = { .message = loop_message };
	struct trip t = { .channel = connect_to_peer(b) };

	assert(loop_init(&t.loop) == 0);
	assert(loop_add(&t.loop, &t.source, t.channel, &ops, &t) == 0);
	message_init(&t.m, MSG_END);
	bench_measure(b, "loop_trip_0", op_round_trip_by_loop, NULL, &t, 1);
	t.m.len = 64;
	bench_measure(b, "loop_trip_64", op_round_trip_by_loop, NULL, &t, 1);
	loop_deinit(&t.loop);
	handle_close(t.channel);
}

void bench_round_trips(struct bench *b)
{
	static const struct trip_names recv = {
		"round_trip_0",         "round_trip_64",   "round_trip_0_handle",
		"round_trip_64_handle", "round_trip_4096", "round_trip_4096_handle",
	};
	static const struct trip_names plain = {
		"plain_trip_0",         "plain_trip_64",   "plain_trip_0_handle",
		"plain_trip_64_handle", "plain_trip_4096", "plain_trip_4096_handle",
	};

	// The peer serves its connections in this order.
	measure_trips(b, &plain, op_round_trip_plain);
	measure_trips(b, &recv, op_round_trip);
	measure_mapped(b);
	measure_loop(b);
}
