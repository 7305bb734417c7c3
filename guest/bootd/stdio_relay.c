// SPDX-License-Identifier: MIT
#include "guest/bootd/stdio_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "guest/bootd/console_port.h"

void relay_init(struct relay *relay, uint8_t *buffer, int from, int to, int port)
{
	*relay = (struct relay){ .from = from, .to = to, .port = port, .buffer = buffer };
}

bool relay_poll(const struct relay *relay, struct pollfd *entry)
{
	if (relay->start < relay->end) {
		entry->fd = relay->to;
		entry->events = POLLOUT;
		return relay->to >= 0;
	}
	entry->fd = relay->from;
	entry->events = POLLIN;
	return relay->from >= 0;
}

static void close_from(struct relay *relay)
{
	if (relay->from >= 0 && !relay->shared_from)
		close(relay->from);
	relay->from = -1;
}

static void close_to(struct relay *relay)
{
	if (relay->to >= 0 && !relay->shared_to)
		close(relay->to);
	relay->to = -1;
	relay->port = -1;
	relay->start = relay->end = 0;
}

static void drain(struct relay *relay)
{
	while (relay->start < relay->end) {
		ssize_t written =
			write(relay->to, relay->buffer + relay->start, relay->end - relay->start);

		if (written > 0) {
			relay->start += (size_t)written;
			continue;
		}
		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		// Nobody reads any more. Closing `from` lets the writer see that (SIGPIPE).
		close_to(relay);
		close_from(relay);
		return;
	}
	relay->start = relay->end = 0;
}

static void fill(struct relay *relay)
{
	ssize_t got = read(relay->from, relay->buffer, RELAY_BUFFER);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	// A terminal's master says EIO when its last user is gone.
	if (got <= 0) {
		close_from(relay);
		return;
	}
	relay->start = 0;
	relay->end = (size_t)got;
	if (relay->to < 0 && relay->port >= 0) {
		relay->shared_to = true;
		relay->to = console_port_open((enum guest_port)relay->port, O_NONBLOCK);
	}
	if (relay->to < 0) {
		close_to(relay);
		close_from(relay);
	}
}

void relay_run(struct relay *relay, short revents)
{
	if (revents == 0)
		return;
	if (relay->start < relay->end && (revents & POLLOUT) == 0) {
		// The reader is gone (POLLHUP, POLLERR).
		close_to(relay);
		close_from(relay);
		return;
	}
	if (relay->start == relay->end && relay->from >= 0)
		fill(relay);
	if (relay->start < relay->end)
		drain(relay);
	if (relay->start == relay->end && relay->from < 0)
		close_to(relay);
}

void relay_close(struct relay *relay)
{
	close_from(relay);
	close_to(relay);
}

bool relay_done(const struct relay *relay)
{
	return relay->from < 0 && relay->start == relay->end;
}
