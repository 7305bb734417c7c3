// SPDX-License-Identifier: MIT
//
// The other side of the benchmark's round trips: sends each message back as it came. The barest of loops: one call to wait,
// one to receive, one to send.
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void bench_peer_main(const struct environ *env)
{
	handle_t service = environ_service(env, "bench_peer");
	handle_t channel = HANDLE_NONE;
	struct poll_event event;
	struct message m;
	handle_t poll;
	size_t n;
	error_t err;

	assert(poll_create(&poll) == 0);
	assert(poll_add(poll, service, READY_READABLE, 0) == 0);
	do {
		assert(poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0);
		err = service_accept(service, &channel);
	} while (err == ERR_EMPTY);
	assert(err == 0);
	assert(poll_remove(poll, service) == 0);
	assert(poll_add(poll, channel, READY_READABLE | READY_CLOSED, 1) == 0);

	while (poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0) {
		err = channel_recv(channel, &m);
		if (err == 0)
			err = channel_send(channel, &m);
		if (err == ERR_PEER_CLOSED)
			break;
		assert(err == 0 || err == ERR_EMPTY);
	}
}

APP(bench_peer, .main = bench_peer_main, .provides = {"bench_peer"});
