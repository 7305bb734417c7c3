// SPDX-License-Identifier: MIT
//
// Byte streams that leave the machine: console ports and TCP.
#include "apps/autotest/devices/device_tests.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

static uint8_t stream_byte(size_t i, uint32_t salt)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + salt);
}

// The next piece of the stream as a message; small and large ones take turns.
static error_t stream_make(struct message *m, size_t position, size_t left, uint32_t salt,
                           size_t *len)
{
	static const size_t sizes[] = { 1, 200, 248, 249, 5000, 17, 4096, 30000 };
	static uint8_t bytes[30000];

	*len = sizes[(position + salt) % (sizeof(sizes) / sizeof(sizes[0]))];
	if (*len > left)
		*len = left;
	for (size_t i = 0; i < *len; i++)
		bytes[i] = stream_byte(position + i, salt);
	return payload_make(m, bytes, *len);
}

// Checks the bytes of a received message; returns their number, or 0.
static size_t stream_check(struct message *m, size_t position, size_t total, uint32_t salt)
{
	struct payload payload = { 0 };
	size_t len;

	if (payload_open(m, &payload) != 0)
		return 0;
	len = payload.bytes.len <= total - position ? payload.bytes.len : 0;
	for (size_t i = 0; i < len; i++) {
		if (payload.bytes.data[i] != stream_byte(position + i, salt)) {
			log_error("byte %zu of %zu differs", position + i, total);
			len = 0;
		}
	}
	payload_release(&payload);
	return len;
}

bool stream_echoes(handle_t channel, size_t total, uint32_t salt, nsec_t deadline)
{
	size_t sent = 0;
	size_t received = 0;
	struct message out;
	size_t out_len = 0;  // of `out`, which could not be sent yet

	while (received < total) {
		struct message in;
		error_t err = channel_recv(channel, &in);

		if (err == 0) {
			size_t len = stream_check(&in, received, total, salt);

			if (len == 0)
				break;
			received += len;
			continue;
		}
		if (err != ERR_EMPTY)
			break;
		if (out_len == 0 && sent < total &&
		    stream_make(&out, sent, total - sent, salt, &out_len) != 0)
			break;
		err = out_len > 0 ? channel_send(channel, &out) : ERR_FULL;
		if (err == 0) {
			sent += out_len;
			out_len = 0;
			continue;
		}
		if (err != ERR_FULL ||
		    handle_wait(channel,
		                READY_READABLE | READY_CLOSED | (out_len > 0 ? READY_WRITABLE : 0),
		                deadline) != 0)
			break;
	}
	if (out_len > 0)
		message_discard(&out);
	if (received < total)
		log_info("%zu of %zu bytes sent, %zu received", sent, total, received);
	return received == total;
}

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

handle_t tcp_connect(struct autotest *t)
{
	nsec_t deadline = test_deadline();
	handle_t connection = HANDLE_NONE;
	char uri[64];
	error_t err;

	fmt_write(uri, sizeof(uri), "tcp:10.0.2.2:%s", environ_config(t->env, "host_port"));
	while ((err = device_try_open(t, "tcpip", uri, &connection)) != 0 && test_now() < deadline)
		pause_ms(20);
	expect(t, err == 0);
	return connection;
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
