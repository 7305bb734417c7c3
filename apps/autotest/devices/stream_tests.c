// SPDX-License-Identifier: MIT
//
// Byte streams that leave the machine: console ports and TCP.
#include "apps/autotest/devices/devices.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

static void console_ports_carry_bytes(struct autotest *t)
{
	handle_t one = device_open(t, "console", "console:org.starina.test.echo0");
	handle_t two = device_open(t, "console", "console:org.starina.test.echo1");

	for (uint32_t round = 0; round < 3 && !t->failed; round++) {
		expect(t, stream_echoes(one, 300000, round, test_deadline()));
		expect(t, stream_echoes(two, 10000, round + 100, test_deadline()));
	}
	handle_close(one);
	handle_close(two);
	// Free again once what was written has gone out.
	one = device_open(t, "console", "console:org.starina.test.echo0");
	expect(t, stream_echoes(one, 1, 9, test_deadline()));
	handle_close(one);
}

static void a_port_is_open_once(struct autotest *t)
{
	handle_t one = device_open(t, "console", "console:org.starina.test.echo0");
	handle_t two = HANDLE_NONE;

	expect(t,
	       device_try_open(t, "console", "console:org.starina.test.echo0", &two) == ERR_EXISTS);
	expect(t,
	       device_try_open(t, "console", "console:org.starina.test.none", &two) ==
	               ERR_NOT_FOUND);
	expect(t, device_try_open(t, "console", "stdout", &two) == ERR_NOT_FOUND);
	expect(t, stream_echoes(one, 1000, 5, test_deadline()));
	handle_close(one);
}

// Takes `total` bytes of what the bulk port sends. Returns false at an end or another byte.
static bool take_bulk(handle_t port, size_t total)
{
	size_t position = 0;

	while (position < total) {
		struct payload payload = { 0 };
		struct message m;

		if (recv_wait(port, test_deadline(), &m) != 0 || m.type != MSG_DATA ||
		    payload_open(&m, &payload) != 0)
			return false;
		for (size_t i = 0; i < payload.bytes.len; i++, position++) {
			if (payload.bytes.data[i] != (uint8_t)(position * 7 + (position >> 8)))
				return false;
		}
		payload_release(&payload);
	}
	return position == total;
}

static bool send_line(handle_t port, const char *line)
{
	struct message m;

	return payload_make(&m, line, strlen(line)) == 0 && channel_send(port, &m) == 0;
}

// Until the host's answer to this very `nonce` has come: what is left of earlier openings comes
// before it.
static bool port_syncs(handle_t port, uint8_t nonce)
{
	char line[16];
	bool found = false;

	fmt_write(line, sizeof(line), "sync %u\n", nonce);
	if (!send_line(port, line))
		return false;
	while (!found) {
		struct payload payload = { 0 };
		struct message m;

		if (recv_wait(port, test_deadline(), &m) != 0 || m.type != MSG_DATA ||
		    payload_open(&m, &payload) != 0)
			return false;
		found = payload.bytes.len > 0 && payload.bytes.data[payload.bytes.len - 1] == nonce;
		payload_release(&payload);
	}
	return true;
}

// The host closes, and is back a second later.
static void a_port_tells_of_its_end(struct autotest *t)
{
	uint8_t nonce = 0;

	for (int round = 0; round < 2 && !t->failed; round++) {
		handle_t port = device_open(t, "console", "console:org.starina.test.bulk");
		nsec_t deadline = test_deadline();
		struct message m;

		while (!t->failed && !port_syncs(port, ++nonce) && test_now() < deadline) {
			handle_close(port);
			port = device_open(t, "console", "console:org.starina.test.bulk");
		}
		expect(t, send_line(port, "1500000\n"));
		expect(t, take_bulk(port, 1500000));
		expect(t, send_line(port, "close\n"));
		expect(t, recv_wait(port, test_deadline(), &m) == 0 && m.type == MSG_END);
		handle_close(port);
	}
}

static void tcp_carries_bytes(struct autotest *t)
{
	handle_t connection = tcp_connect(t);

	expect(t, stream_echoes(connection, 1000000, 3, test_deadline()));
	handle_close(connection);
}

const struct test stream_tests[] = {
	{ "console ports carry bytes both ways", console_ports_carry_bytes },
	{ "a console port is open once", a_port_is_open_once },
	{ "a console port tells of its end", a_port_tells_of_its_end },
	{ "TCP carries bytes to the host and back", tcp_carries_bytes },
	{ 0 },
};
