// SPDX-License-Identifier: MIT
//
// The other side of the benchmark's round trips: sends each message back as it came. The barest of
// loops; the first connection is served by one call to wait, one to receive and one to send, the
// second by poll_recv and a send, the third so with a folio that is mapped and written to, the
// fourth by the event loop, as apps do.
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

static handle_t accept_next(handle_t service)
{
	handle_t channel = HANDLE_NONE;

	while (service_accept(service, &channel) != 0)
		assert(handle_wait(service, READY_READABLE, NSEC_NEVER) == 0);
	return channel;
}

static handle_t poll_of(handle_t channel)
{
	handle_t poll;

	assert(poll_create(&poll) == 0);
	assert(poll_add(poll, channel, READY_READABLE | READY_CLOSED, 1) == 0);
	return poll;
}

static void serve_plainly(handle_t channel)
{
	handle_t poll = poll_of(channel);
	struct poll_event event;
	struct message m;
	size_t n;

	while (poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0) {
		error_t err = channel_recv(channel, &m);

		if (err == 0)
			err = channel_send(channel, &m);
		if (err == ERR_PEER_CLOSED)
			break;
		assert(err == 0 || err == ERR_EMPTY);
	}
	handle_close(poll);
}

static void serve(handle_t channel)
{
	handle_t poll = poll_of(channel);
	struct poll_event event;
	struct message m;
	size_t n;

	while (poll_recv(poll, &event, 1, NSEC_NEVER, &n, &m) == 0 && event.received != 0) {
		if (channel_send(channel, &m) != 0)
			break;
	}
	handle_close(poll);
}

static void serve_mapped(handle_t channel)
{
	handle_t poll = poll_of(channel);
	struct poll_event event;
	struct message m;
	size_t n;
	void *at;

	while (poll_recv(poll, &event, 1, NSEC_NEVER, &n, &m) == 0 && event.received != 0) {
		assert(folio_map(m.handles[0], PROT_READ | PROT_WRITE, &at) == 0);
		*(volatile uint64_t *)at += 1;
		if (channel_send(channel, &m) != 0)
			break;
	}
	handle_close(poll);
}

static void loop_message(struct loop *loop, struct source *source, struct message *m)
{
	if (channel_send(source->handle, m) != 0)
		loop_stop(loop);
}

static void loop_closed(struct loop *loop, struct source *source)
{
	(void)source;
	loop_stop(loop);
}

static void serve_by_loop(handle_t channel)
{
	static const struct source_ops ops = { .message = loop_message, .closed = loop_closed };
	struct source source;
	struct loop loop;

	assert(loop_init(&loop) == 0);
	assert(loop_add(&loop, &source, channel, &ops, NULL) == 0);
	loop_run(&loop);
	loop_deinit(&loop);
}

static void bench_peer_main(const struct environ *env)
{
	handle_t service = environ_service(env, "bench_peer");
	static void (*const ways[])(handle_t channel) = { serve_plainly, serve, serve_mapped,
		                                          serve_by_loop };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		handle_t channel = accept_next(service);

		ways[i](channel);
		handle_close(channel);
	}
}

APP(bench_peer, .main = bench_peer_main, .provides = { "bench_peer" });
