// SPDX-License-Identifier: MIT
//
// UDP sockets of tcpip: within the machine, and to the host's UDP echo server at port
// autotest.udp_port.
#include "apps/autotest/devices/devices.h"
#include "libs/abi/tcpip.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

#define DATAGRAM_SIZES_MAX 4000u

static uint8_t bytes[DATAGRAM_SIZES_MAX];

static uint8_t pattern(size_t len, size_t i)
{
	return (uint8_t)(len * 31 + i);
}

// Sends `len` bytes to `peer` (of which only the address counts). Errors: folio_create's,
// channel_send's.
static error_t send_datagram(handle_t socket, struct msg_datagram peer, size_t len)
{
	struct message m;
	void *base;
	error_t err;

	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(len, i);
	peer.length = (uint32_t)len;
	if (len <= DATAGRAM_INLINE_MAX) {
		err = message_encode_datagram(&m, &peer, bytes, len);
		return err != 0 ? err : channel_send(socket, &m);
	}
	peer.offset = 100;
	err = message_encode_datagram(&m, &peer, NULL, 0);
	if (err == 0)
		err = folio_create(len + 100, FOLIO_CONTIGUOUS, &m.handles[0]);
	if (err == 0)
		err = folio_map(m.handles[0], PROT_READ | PROT_WRITE, &base);
	if (err != 0)
		return err;
	memcpy((uint8_t *)base + 100, bytes, len);
	m.num_handles = 1;
	return channel_send(socket, &m);
}

// Receives a datagram; returns whether it is the one of `len` bytes that send_datagram makes.
static bool recv_datagram(handle_t socket, nsec_t deadline, size_t len, struct msg_datagram *from)
{
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	bool same;

	if (recv_wait(socket, deadline, &m) != 0 ||
	    message_decode_datagram(&m, from, &tail, &tail_len) != 0)
		return false;
	payload.bytes = (struct span){ .data = tail, .len = tail_len };
	if (m.num_handles == 1 &&
	    payload_open_folio(m.handles[0], from->offset, from->length, &payload) != 0)
		return false;
	same = payload.bytes.len == len;
	for (size_t i = 0; same && i < len; i++)
		same = payload.bytes.data[i] == pattern(len, i);
	payload_release(&payload);
	return same;
}

static const size_t sizes[] = {
	0, 1, DATAGRAM_INLINE_MAX, DATAGRAM_INLINE_MAX + 1, 1472, DATAGRAM_SIZES_MAX
};

static void udp_within_the_machine(struct autotest *t)
{
	static const char *const addresses[] = { "127.0.0.1", "[::1]", "localhost" };
	struct msg_datagram from = { 0 }, none = { 0 };
	char uri[64];

	for (size_t i = 0; i < 3 && !t->failed; i++) {
		handle_t server, client, second = HANDLE_NONE;

		fmt_write(uri, sizeof(uri), "udp-listen:%s:7", i == 2 ? "*" : addresses[i]);
		server = device_open(t, "tcpip", uri);
		expect(t, device_try_open(t, "tcpip", uri, &second) == ERR_EXISTS);
		fmt_write(uri, sizeof(uri), "udp:%s:7", addresses[i]);
		client = device_open(t, "tcpip", uri);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]) && !t->failed; k++) {
			expect(t, send_datagram(client, none, sizes[k]) == 0);
			expect(t, recv_datagram(server, test_deadline(), sizes[k], &from));
			expect(t,
			       from.ip_version == (i == 1 ? 6 : 4) && from.port != 0 &&
			               from.address[i == 1 ? 15 : 0] != 0);
			// And back to whom it came from.
			expect(t, send_datagram(server, from, sizes[k]) == 0);
			expect(t,
			       recv_datagram(client, test_deadline(), sizes[k], &from) &&
			               from.port == 7);
		}
		handle_close(server);
		handle_close(client);
	}
}

static void udp_refuses(struct autotest *t)
{
	handle_t server = device_open(t, "tcpip", "udp-listen:127.0.0.1:8"), other = HANDLE_NONE;
	struct msg_datagram bad = { .ip_version = 5, .port = 1 };
	struct message m = { .type = MSG_DATA };

	expect(t, send_datagram(server, bad, 5) == 0);
	expect(t, recv_wait(server, test_deadline(), &m) == 0 && m.type == MSG_ERROR);
	bad.ip_version = 4;
	bad.port = 0;
	expect(t, send_datagram(server, bad, 5) == 0);
	expect(t, recv_wait(server, test_deadline(), &m) == 0 && m.type == MSG_ERROR);
	message_init(&m, MSG_DATA);
	expect(t, channel_send(server, &m) == 0);
	expect(t, recv_wait(server, test_deadline(), &m) == 0 && m.type == MSG_ERROR);
	expect(t, device_try_open(t, "tcpip", "udp-listen:8.8.8.8.8:9", &other) == ERR_INVALID);
	expect(t, device_try_open(t, "tcpip", "udp:127.0.0.1:0", &other) == ERR_INVALID);
	handle_close(server);
}

static void udp_to_the_host(struct autotest *t)
{
	struct msg_datagram none = { 0 }, from;
	handle_t socket;
	char uri[64];

	handle_close(tcp_connect(t));  // the network is up
	fmt_write(uri, sizeof(uri), "udp:10.0.2.2:%s", environ_config(t->env, "udp_port"));
	socket = device_open(t, "tcpip", uri);
	for (size_t k = 1; k < sizeof(sizes) / sizeof(sizes[0]) && !t->failed; k++) {
		unsigned tries = 0;
		bool same = false;

		// A datagram may get lost.
		while (!same && tries++ < 10) {
			expect(t, send_datagram(socket, none, sizes[k]) == 0);
			same = recv_datagram(socket, test_now() + 2 * NSEC_PER_SEC, sizes[k],
			                     &from);
		}
		expect(t, same && from.address[0] == 10 && from.address[3] == 2);
	}
	handle_close(socket);
}

const struct test udp_tests[] = {
	{ "UDP within the machine", udp_within_the_machine },
	{ "UDP sockets refuse what cannot be sent", udp_refuses },
	{ "UDP to the host and back", udp_to_the_host },
	{ 0 },
};
