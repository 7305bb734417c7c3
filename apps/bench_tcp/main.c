// SPDX-License-Identifier: MIT
//
// Downloads from httpd within the OS: client, TCP/IP and server are three apps on one hart, and no
// device takes part, so that a byte's instructions can be counted exactly (in QEMU with -icount
// shift=0).
#include "libs/abi/app.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define ROUNDS 8
#define REQUEST "GET /bytes/%u HTTP/1.1\r\nHost: httpd\r\n\r\n"
#define SMALL 1024u
#define BULK 1000000u
#define PATIENCE (60 * NSEC_PER_SEC)
#define PAUSE (10 * NSEC_PER_MSEC)

static uint64_t instret(void)
{
	uint64_t value;

	__asm__ volatile("csrr %0, instret" : "=r"(value)::"memory");
	return value;
}

static nsec_t after(nsec_t duration)
{
	nsec_t now = 0;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now + duration : NSEC_NEVER;
}

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	(void)error;
	(void)text;
	*(handle_t *)opener->context = channel;
}

// httpd starts to listen at its leisure.
static handle_t connect(struct loop *loop, handle_t tcpip)
{
	handle_t channel = HANDLE_NONE;
	struct opener opener = { 0 };

	while (channel == HANDLE_NONE) {
		channel = -1;
		opener_start(&opener, loop, tcpip, "tcp:127.0.0.1:80", opened, &channel);
		while (channel == -1)
			assert(loop_turn(loop, after(PATIENCE)) == 0);
		if (channel == HANDLE_NONE)
			(void)loop_turn(loop, after(PAUSE));
	}
	return channel;
}

// Reads at least the `size` bytes of a body; the head comes on top.
static void download(handle_t channel, uint32_t size)
{
	char request[sizeof(REQUEST) + 16];
	size_t len = fmt_write(request, sizeof(request), REQUEST, size);
	struct message m;
	size_t got = 0;
	bool in_body = false;

	assert(payload_make(&m, request, len) == 0 && channel_send(channel, &m) == 0);
	while (!in_body || got < size) {
		struct payload payload;

		assert(recv_wait(channel, after(PATIENCE), &m) == 0 && m.type == MSG_DATA &&
		       payload_open(&m, &payload) == 0);
		got += payload.bytes.len;
		for (size_t i = 0; !in_body && i + 4 <= payload.bytes.len; i++) {
			in_body = memcmp(payload.bytes.data + i, "\r\n\r\n", 4) == 0;
			if (in_body)
				got = payload.bytes.len - i - 4;
		}
		payload_release(&payload);
	}
}

static uint64_t cheapest(handle_t channel, uint32_t size)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = instret();

		download(channel, size);
		start = instret() - start;
		best = start < best ? start : best;
	}
	return best;
}

static void bench_tcp_main(const struct environ *env)
{
	struct loop loop;
	uint64_t small, bulk;
	handle_t channel;

	assert(loop_init(&loop) == 0);
	channel = connect(&loop, environ_connector(env, "tcpip"));
	small = cheapest(channel, SMALL);
	bulk = cheapest(channel, BULK);
	log_info("figure loopback_request %lu", (unsigned long)small);
	// A thousand bytes, so that a part of an instruction a byte is seen.
	log_info("figure loopback_1000_bytes %lu",
	         (unsigned long)((bulk - small) / ((BULK - SMALL) / 1000)));
	log_info("bench: done");
	system_power_off(environ_system(env), 0);
}

APP(bench_tcp, .main = bench_tcp_main, .memory_limit = 64ul * 1024 * 1024,
    .needs = { { NEED_SERVICE, "tcpip", NULL, 0 }, { NEED_SYSTEM, "system", NULL, 0 } });
