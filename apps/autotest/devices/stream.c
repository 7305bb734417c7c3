// SPDX-License-Identifier: MIT
#include "apps/autotest/devices/devices.h"
#include "libs/base/fmt.h"
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
